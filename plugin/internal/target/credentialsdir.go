package plugin

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/trust"
)

// trusted are the files of keys that commits must be signed with: those that flags name, otherwise those in the directory
// of credentials. A flag for one kind of keys leaves the directory's other kind out: more keys would trust more people.
func (f *sourceFlags) trusted() trust.Files {
	if f.trust.Any() || f.auth.Dir == "" {
		return f.trust
	}
	return trust.Files{AllowedSigners: inDir(f.auth.Dir, reconcile.KeyAllowedSigners), Keyring: inDir(f.auth.Dir, reconcile.KeyKeyring)}
}

// inDir names a file of the directory of credentials, "" when it has none. One that is there and cannot be read is named:
// its reader will fail, where to pass over it could switch off a check.
func inDir(dir, name string) string {
	if dir == "" {
		return ""
	}
	file := filepath.Join(dir, name)
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
		return ""
	}
	return file
}
