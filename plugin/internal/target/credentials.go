package target

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/pflag"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/access"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/app"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/source/git"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/trust"
)

// Credentials are the flags that name files with keys and passwords: for Git, for SOPS, and of those whose commits are trusted.
type Credentials struct {
	AgeKeyFile string
	fetching
	auth  git.Auth
	trust trust.Files
}

// AddCredentials adds the flags that name files with credentials.
func (c *Credentials) AddCredentials(fs *pflag.FlagSet) {
	fs.StringVar(&c.AgeKeyFile, "age-key-file", "", "File with the age key that decrypts SOPS files")
	fs.StringVar(&c.auth.TokenFile, "token-file", "", "File with the token for https")
	fs.StringVar(&c.auth.SSHKeyFile, "ssh-key-file", "", "File with the private key for ssh")
	fs.StringVar(&c.auth.KnownHostsFile, "known-hosts-file", "", "File with the host keys to trust for ssh")
	c.addDir(fs)
	c.addMirrors(fs)
}

func (c *Credentials) addDir(fs *pflag.FlagSet) {
	fs.StringVar(&c.auth.Dir, "credentials-dir", "", "Directory with the keys of a credentials Secret as files (see install)")
}

// trusted are the files of keys that commits must be signed with: those that flags name, otherwise those in the directory
// of credentials. A flag for one kind of keys leaves the directory's other kind out: more keys would trust more people.
func (c *Credentials) trusted() trust.Files {
	if c.trust.Any() || c.auth.Dir == "" {
		return c.trust
	}
	return trust.Files{AllowedSigners: inDir(c.auth.Dir, app.KeyAllowedSigners), Keyring: inDir(c.auth.Dir, app.KeyKeyring)}
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

// CredentialsFile names a file of the directory of credentials, "" when there is none.
func (c *Credentials) CredentialsFile(name string) string { return inDir(c.auth.Dir, name) }

// access says by which mirrors, and with which credentials, servers are asked.
func (c *Credentials) access() access.Access {
	return access.Access{Mirrors: access.Mirrors(cmp.Or(c.mirrors, inDir(c.auth.Dir, app.KeyMirrors))), Dir: c.auth.Dir}
}
