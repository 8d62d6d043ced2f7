package git

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/storer"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/safetext"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/source"
)

// Poll returns the full hash of the commit that Ref points at now. It costs one request, or none when Ref is a full hash; refs
// of a local repository are read from its files. A server that redirects, or that does not answer the one request of protocol
// version 2, costs two requests more. With Server, later polls then cost one or two.
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

// Fetch writes the tree of a commit into dir, which must exist and be empty. commit is a full hash. It returns the commit, and
// the names that Git has for what was written. It transfers nothing but that tree, and writes no .git. After an error, dir may
// have a part of the tree. With Trust, a commit without a trusted signature is a source.UntrustedError.
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
