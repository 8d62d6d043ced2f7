// Package git reads Git: it says which commit a ref points at, writes the tree of one commit into a directory, and lists
// commits. It is the only package that reads the credentials of a repository.
//
// What it does NOT do: it never writes to Git (readonly_test.go enforces that), never runs a program (no git binary,
// no hook, no credential helper, no ssh client), never reads Git configuration of the user or the system nor
// ~/.ssh/config, and leaves out submodules and Git LFS contents. It does not interpret the files it writes.
//
// Symbolic links are written as they are, also those that leave the checkout. Readers must open files through an
// os.Root of the directory: it refuses to follow such a link, with an error that names the path.
package git

import (
	"fmt"
	"time"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
)

// Repo names one ref of one repository and what may be spent on reading it.
//
// URL is https://, http:// (never with a token, except to a loopback address), ssh://, git@host:path, file:// or a
// local directory: a checkout, a linked worktree or a bare repository. SHA-256 repositories are not supported; a
// local repository's objects/info/alternates may name absolute directories only.
//
// Ref is a branch, a tag, a full ref name (refs/...) or a commit; "", "HEAD" and "@" are the remote's HEAD. A branch
// wins over a tag of the same name, as in `git clone --branch`, and both over a commit that begins with such digits. Annotated
// tags stand for the commit they point at. An ancestor is written as in gitrevisions(7): main~2, HEAD^2.
type Repo struct {
	URL, Ref string
	Auth     Auth
	Limits   Limits
	Server   *Server  // what earlier polls learned about the server; may be nil
	Trust    Verifier // who may sign commits; nil trusts every commit
}

// Verifier checks an armored signature of payload, made at a time, and tells who signed.
type Verifier interface {
	Verify(payload []byte, signature string, at time.Time) (signer string, err error)
}

// shortRef names what r.Ref stands for; head is asked only when r.Ref leaves it to the repository.
func (r Repo) shortRef(head func() string) string {
	switch _, short := shortHash(r.Ref); {
	case r.Ref == "" || r.Ref == "HEAD" || r.Ref == "@":
		return head()
	case isCommit(r.Ref), short:
		return ""
	}
	return plumbing.ReferenceName(r.Ref).Short()
}

// Display returns URL without user name, password, query and fragment, for messages and records. The user name of
// an ssh address stays.
func (r Repo) Display() string { return display(r.URL) }

// Local tells whether URL names a directory of this machine.
func (r Repo) Local() bool {
	a, err := parseAddress(r.URL)
	return err == nil && a.scheme == schemeLocal
}

// address checks URL, Ref and how credentials go with them. Nothing is contacted.
func (r Repo) address() (address, error) {
	if err := checkText("repository URL", r.URL); err != nil {
		return address{}, err
	}
	if r.URL == "" {
		return address{}, hint.Errorf("no repository given", "use --repo with an https or ssh URL or a local directory")
	}
	if _, err := parseRef(r.Ref); err != nil {
		return address{}, err
	}
	a, err := parseAddress(r.URL)
	if err != nil {
		return address{}, err
	}
	a.display = r.Display()
	if a.scheme == schemeHTTP && r.Auth.TokenFile != "" && !isLoopback(a.host) {
		return address{}, hint.With(fmt.Errorf("%s: a token is never sent over plain http", a.display),
			"use https, or leave out --token-file")
	}
	return a, nil
}
