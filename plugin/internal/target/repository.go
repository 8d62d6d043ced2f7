package target

import (
	"os"
	"path"
	"path/filepath"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/apps/gitopsyaml"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/pins"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/source"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/source/git"
)

// Repository is where apps come from. Its credentials stay in this package.
type Repository struct {
	git  git.Repo
	path string // where a list of apps may lie
}

// Origin is the repository and its ref, as records and outputs have them.
func (r Repository) Origin() report.Source {
	return report.Source{Repo: r.git.Display(), Ref: r.git.Ref}
}

// Local tells whether the repository is a directory of this machine.
func (r Repository) Local() bool { return r.git.Local() }

// Signed tells whether only signed commits of it are shown.
func (r Repository) Signed() bool { return r.git.Trust != nil }

// Source shows what the ref points at. What is applied comes from Flags.Verified.
//
// Of a commit it fetches what is read: the files that runs always look for come with the directories.
func (r Repository) Source() source.Source { return r.keeping(nil) }

// keeping is Source that begins each commit with what is kept of the one before.
func (r Repository) keeping(k *git.Kept) source.Source {
	first := append(gitopsyaml.Files("."), pins.Name, ".gitmodules", ".gitopsignore", ".sourceignore")
	if p := path.Clean(r.path); p != "." {
		first = append(first, gitopsyaml.Files(p)...)
	}
	return git.OnDemand{Repo: r.git, First: first, Keep: k}
}

// Repository is the repository that the flags name, with the credentials for it.
func (f *Flags) Repository() Repository {
	url := f.Repo
	if dir, err := filepath.Abs(url); err == nil && IsDirectory(url) {
		url = dir // a record must mean the same from wherever it is read
	}
	repo := git.Repo{URL: url, Ref: f.Ref, Auth: f.auth, Limits: f.Limits.within(), Server: new(git.Server), Mirror: f.access().Mirror}
	if keys := f.trusted(); keys.Any() {
		repo.Trust = keys
	}
	return Repository{repo, f.Path}
}

// IsDirectory reports whether p names a directory of this machine.
func IsDirectory(p string) bool {
	info, err := os.Stat(p)
	return err == nil && info.IsDir()
}
