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
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/storer"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/safetext"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/source"
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

// Auth names files that hold credentials. Each is read whenever it is needed, so a rotated one is picked up.
// TokenFile is for https, SSHKeyFile and KnownHostsFile for ssh, where both are needed. Dir holds one file per
// credential, as a Secret of Flux has keys (see credentials.go); the other three go before it.
type Auth struct {
	TokenFile, SSHKeyFile, KnownHostsFile string
	Dir                                   string
}

// Limits bound one Poll or Fetch: unpacked bytes, files and directories, and time. Zero means 512 MiB, 100,000
// and two minutes. Object bounds the bytes of one object, which have to fit into memory several times; zero means Bytes. Refs bounds
// the bytes of the list of branches and tags; zero means 64 MiB, which is about 800,000 of them.
type Limits struct {
	Bytes   int64
	Files   int
	Timeout time.Duration
	Object  int64
	Refs    int64
}

func (l Limits) orDefault() Limits {
	if l.Bytes <= 0 {
		l.Bytes = 512 << 20
	}
	if l.Files <= 0 {
		l.Files = 100_000
	}
	if l.Timeout <= 0 {
		l.Timeout = 2 * time.Minute
	}
	if l.Object <= 0 || l.Object > l.Bytes {
		l.Object = l.Bytes
	}
	if l.Refs <= 0 {
		l.Refs = 64 << 20
	}
	return l
}

// Poll returns the full commit Ref points at now. It costs one request, or none when Ref is a full commit; a local
// repository's ref is read directly. An http server that does not take the request of protocol version 2 at once, or
// redirects, costs two more, and with Server one or two in later polls.
func (r Repo) Poll(ctx context.Context) (string, error) {
	a, err := r.address()
	if err != nil {
		return "", err
	}
	if isCommit(r.Ref) {
		return strings.ToLower(r.Ref), nil
	}
	var commit plumbing.Hash
	if a.scheme == schemeLocal {
		l, err := openLocal(a.path)
		if err != nil {
			return "", err
		}
		defer l.close()
		if commit, err = l.commit(r.Ref); err != nil {
			return "", wrap(a, err)
		}
		return commit.String(), nil
	}
	e, err := parseRef(r.Ref)
	if err != nil {
		return "", wrap(a, err)
	}
	if commit, err = r.remoteCommit(ctx, a, e); err != nil {
		return "", err
	}
	return commit.String(), nil
}

// Fetch writes the tree of commit, a full commit of the repository, into dir, which must exist and be empty, and tells
// Git's names for what it wrote. Nothing but that tree is transferred, and no .git is written. When it fails, dir may hold a part of the tree.
func (r Repo) Fetch(ctx context.Context, commit, dir string) (source.Revision, source.Objects, error) {
	a, err := r.address()
	if err != nil {
		return source.Revision{}, nil, err
	}
	if !isCommit(commit) {
		return source.Revision{}, nil, fmt.Errorf("%q is not a full commit (40 hexadecimal digits)", commit)
	}
	if err := mustBeEmpty(dir); err != nil {
		return source.Revision{}, nil, err
	}
	h := plumbing.NewHash(commit)
	if a.scheme == schemeLocal {
		return r.fetchLocal(ctx, a, h, dir)
	}
	var rev source.Revision
	var objects source.Objects
	err = r.remote(ctx, a, func(ctx context.Context, s session) error {
		p, err := fetchPack(ctx, s, packRequest{want: h, tag: true, ref: r.Ref, depth: 1}, r.Limits.orDefault())
		if err != nil {
			return err
		}
		defer p.close()
		rev, objects, err = r.checkout(ctx, p.objects, h, p.tag, dir, false)
		rev.Ref = r.shortRef(func() string { return headBranch(p.adv) })
		return err
	})
	if err != nil {
		return source.Revision{}, nil, err
	}
	return rev, objects, nil
}

func (r Repo) fetchLocal(ctx context.Context, a address, commit plumbing.Hash, dir string) (source.Revision, source.Objects, error) {
	l, err := openLocal(a.path)
	if err != nil {
		return source.Revision{}, nil, err
	}
	defer l.close()
	parent := ctx
	ctx, cancel := context.WithTimeout(ctx, r.Limits.orDefault().Timeout)
	defer cancel()
	rev, objects, err := r.checkout(ctx, l.objects, commit, l.tag(r.Ref), dir, l.isPartial())
	if err != nil {
		return source.Revision{}, nil, redact(r.explain(parent, ctx, a, err))
	}
	rev.Ref = r.shortRef(l.headBranch)
	return rev, objects, nil
}

// checkout writes the tree of commit, which tag may stand for, into dir and describes the commit. What a partial clone
// lacks is a placeholder there, which no render accepts for the content.
func (r Repo) checkout(ctx context.Context, s storer.EncodedObjectStorer, commit, tag plumbing.Hash, dir string, partial bool) (source.Revision, source.Objects, error) {
	c, err := getCommit(s, commit)
	if err != nil {
		return source.Revision{}, nil, hint.With(fmt.Errorf("commit %s: %w", commit, err),
			"check that the commit exists in this repository and was pushed")
	}
	signer, err := r.verify(s, c, tag)
	if err != nil {
		return source.Revision{}, nil, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return source.Revision{}, nil, err
	}
	defer root.Close()
	w := &treeWriter{ctx: ctx, objects: s, limits: r.Limits.orDefault(), dirs: map[string][]object.TreeEntry{}, partial: partial}
	if err := w.write(root, c.TreeHash, "", 0); err != nil {
		return source.Revision{}, nil, fmt.Errorf("commit %s: %w", commit, err)
	}
	rev := describe(c)
	rev.Signer = safetext.Line(signer)
	return rev, &names{c.TreeHash, w.dirs}, nil
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

func mustBeEmpty(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	if len(entries) > 0 {
		return fmt.Errorf("%s: directory is not empty", dir)
	}
	return nil
}

func describe(c *object.Commit) source.Revision {
	subject, body, _ := strings.Cut(strings.Trim(strings.ReplaceAll(c.Message, "\r\n", "\n"), "\n"), "\n\n")
	parent := ""
	if len(c.ParentHashes) == 1 {
		parent = c.ParentHashes[0].String()
	}
	return source.Revision{
		Commit:  c.Hash.String(),
		Parent:  parent,
		Merge:   len(c.ParentHashes) > 1,
		Author:  safetext.Line(c.Author.Name),
		Email:   safetext.Line(c.Author.Email),
		Subject: safetext.Line(strings.Join(strings.Fields(subject), " ")),
		Body:    safetext.Lines(strings.TrimSpace(body)),
		Time:    c.Committer.When,
	}
}
