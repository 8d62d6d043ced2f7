// Package git reads Git repositories: it finds the commit that a ref points at, writes the tree of a commit into a directory, and
// lists commits. It is the only package that reads the credentials of a repository.
//
// It does NOT write to Git (readonly_test.go checks that) and runs no program: no git, hook, credential helper or ssh client. It
// reads neither ~/.ssh/config nor the Git configuration of the user or the system. It leaves out submodules and the contents
// of Git LFS. It does not look into the files that it writes.
//
// Symbolic links are written as they are, also those that lead out of the checkout. Readers must open files through an os.Root
// of the directory, which refuses such a link with an error that names the path.
package git

import (
	"fmt"
	"time"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/access"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
)

// Repo is one ref of one repository, with the credentials and limits for reading it. It makes no request until a method is called.
//
// URL is https://, http:// (with a token only for a loopback address), ssh://, git@host:path, file:// or a local directory: a
// checkout, a linked worktree or a bare repository. SHA-256 repositories are not supported. The file objects/info/alternates
// of a local repository may name absolute directories only.
//
// Ref is a branch, a tag, a full ref name (refs/...) or a commit. "", HEAD and @ are the HEAD of the repository. A branch wins over
// a tag of the same name, as in `git clone --branch`, and both win over a commit that begins with the same digits. An annotated tag
// stands for its commit. An ancestor is written as in gitrevisions(7): main~2, HEAD^2.
type Repo struct {
	URL, Ref string
	Auth     Auth
	Limits   Limits
	Server   *Server  // what earlier polls found out about the server; may be nil
	Trust    Verifier // who may sign commits; nil trusts every commit
	// Mirror returns the mirror that is asked in place of URL, with what that is shown, nil for none. Auth is for URL: an http mirror gets
	// nothing of it. It may be nil.
	Mirror func(address string) (*access.Route, error)
}

// Verifier decides whose signatures are trusted. Verify checks the armored signature of payload, which was made at a time, and
// returns the name of the signer. It fails when the signature is not valid, or not of a trusted key.
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

// Display returns URL for messages and records: without user name, password, query and fragment. The user name of an ssh
// address stays.
func (r Repo) Display() string { return display(r.URL) }

// Local reports whether URL is a directory of this machine.
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
	if r.Mirror != nil && a.scheme != schemeLocal {
		mirror, err := r.Mirror(r.URL)
		if err != nil {
			return address{}, fmt.Errorf("%s: %w", a.display, err)
		}
		if mirror != nil {
			return mirrored(a.display, *mirror)
		}
	}
	if a.scheme == schemeHTTP && r.Auth.TokenFile != "" && !isLoopback(a.host) {
		return address{}, hint.With(fmt.Errorf("%s: a token is never sent over plain http", a.display),
			"use https, or leave out --token-file")
	}
	return a, nil
}

// mirrored is the address of a mirror. Messages name the repository, too.
func mirrored(repository string, mirror access.Route) (address, error) {
	a, err := parseAddress(mirror.At.String())
	if err != nil {
		return address{}, fmt.Errorf("%s: its mirror: %w", repository, err)
	}
	a.display = repository + " by " + display(mirror.At.String())
	a.mirror = &mirror.Login
	return a, nil
}
