package git

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/storer"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
)

// walk goes from a commit to the ancestor that e means.
func walk(s storer.EncodedObjectStorer, from plumbing.Hash, e expression) (plumbing.Hash, error) {
	at := from
	parent := func(n int) error {
		c, err := getCommit(s, at)
		if errors.Is(err, plumbing.ErrObjectNotFound) {
			return hint.Errorf(fmt.Sprintf("the history before commit %.7s is not in this repository", at), "fetch it with `git fetch --unshallow`")
		}
		if err != nil {
			return err
		}
		if n > len(c.ParentHashes) {
			if len(c.ParentHashes) == 0 {
				return fmt.Errorf("commit %.7s is the first one: it has no parent", at)
			}
			return fmt.Errorf("commit %.7s has no parent %d", at, n)
		}
		at = c.ParentHashes[n-1]
		return nil
	}
	for _, s := range e.steps {
		times, number := s.n, 1
		if s.sign == '^' {
			times, number = 1, s.n
		}
		for range times {
			if err := parent(number); err != nil {
				return at, err
			}
		}
	}
	return at, nil
}

// one chooses the only commit of those that begin with digits.
func one(digits string, found []plumbing.Hash) (plumbing.Hash, error) {
	switch len(found) {
	case 0:
		return plumbing.ZeroHash, hint.With(fmt.Errorf("ref %q %w", digits, errRefNotFound), "no branch or tag has this name, and no commit begins with it")
	case 1:
		return found[0], nil
	}
	return plumbing.ZeroHash, hint.With(fmt.Errorf("more than one commit begins with %q", digits), "give more digits: %s, %s", found[0], found[1])
}

// commit finds what ref means: a branch or tag, a commit in full or by its first digits, and steps from there.
func (l *local) commit(ref string) (plumbing.Hash, error) {
	e, err := parseRef(ref)
	if err != nil {
		return plumbing.ZeroHash, err
	}
	at := plumbing.NewHash(e.ref)
	if !isCommit(e.ref) {
		_, at, err = l.resolve(e.ref)
		if digits, short := shortHash(e.ref); short && errors.Is(err, errRefNotFound) {
			at, err = l.short(digits, err)
		}
	}
	if err != nil {
		return plumbing.ZeroHash, err
	}
	at, err = walk(l.objects, at, e)
	if err != nil {
		return plumbing.ZeroHash, fmt.Errorf("ref %q: %w", ref, err)
	}
	return at, nil
}

// short finds the commit that begins with digits, or is stood for by a tag that does; notFound is the error when there is none.
func (l *local) short(digits string, notFound error) (plumbing.Hash, error) {
	prefix, err := hex.DecodeString(digits[:len(digits)/2*2])
	if err != nil {
		return plumbing.ZeroHash, notFound
	}
	hashes, err := l.objects.HashesWithPrefix(prefix)
	if err != nil {
		return plumbing.ZeroHash, err
	}
	var found []plumbing.Hash
	for _, h := range hashes {
		if !strings.HasPrefix(h.String(), digits) {
			continue
		}
		if commit, err := peel(l.objects, h); err == nil {
			if _, err := getCommit(l.objects, commit); err == nil {
				found = append(found, commit)
			}
		}
	}
	if len(found) == 0 {
		return plumbing.ZeroHash, notFound
	}
	return one(digits, found)
}

// remoteCommit finds what e means in a repository that is asked over the network. The ref itself is one request; steps
// take the history as far as they go, and digits of a commit that of all branches and tags. Both are remembered.
func (r Repo) remoteCommit(ctx context.Context, a address, e expression) (plumbing.Hash, error) {
	server := r.Server
	if server == nil {
		server = new(Server)
	}
	at := plumbing.NewHash(e.ref)
	if !isCommit(e.ref) {
		var err error
		at, err = r.remoteRef(ctx, a, e.ref)
		if digits, short := shortHash(e.ref); short && errors.Is(err, errRefNotFound) {
			at, err = server.remember("short "+digits, func() (plumbing.Hash, error) { return r.remoteShort(ctx, a, digits, err) })
		}
		if err != nil {
			return at, err
		}
	}
	if len(e.steps) == 0 {
		return at, nil
	}
	return server.remember(at.String()+e.key(), func() (found plumbing.Hash, err error) {
		history := packRequest{want: at, depth: e.generations() + 1, filter: packp.FilterTreeDepth(0)}
		err = r.filtered(ctx, a, history, func(p *pack) error {
			found, err = walk(p.objects, at, e)
			return err
		})
		return found, err
	})
}

// remoteRef asks which commit a ref points at.
func (r Repo) remoteRef(ctx context.Context, a address, ref string) (commit plumbing.Hash, err error) {
	r.Ref = ref
	if a.scheme != schemeSSH {
		return r.pollHTTP(ctx, a)
	}
	err = r.remote(ctx, a, func(ctx context.Context, s session) error {
		adv, err := s.AdvertisedReferencesContext(ctx)
		if err != nil {
			return err
		}
		_, commit, err = resolveAdvertised(adv, ref)
		return err
	})
	return commit, err
}

// remoteShort looks for the commit that begins with digits among all commits of branches and tags. Not only among their
// tips: whoever may push a branch can make a commit that begins with any seven digits, and then there are two.
func (r Repo) remoteShort(ctx context.Context, a address, digits string, notFound error) (commit plumbing.Hash, err error) {
	r.Limits = r.Limits.orDefault()
	r.Limits.Files *= historyPerFiles
	err = r.filtered(ctx, a, packRequest{all: true, filter: packp.FilterTreeDepth(0)}, func(p *pack) error {
		commits, err := p.objects.IterEncodedObjects(plumbing.CommitObject)
		if err != nil {
			return err
		}
		var found []plumbing.Hash
		err = commits.ForEach(func(o plumbing.EncodedObject) error {
			if strings.HasPrefix(o.Hash().String(), digits) {
				found = append(found, o.Hash())
			}
			return ctx.Err()
		})
		if err != nil {
			return err
		}
		if len(found) == 0 {
			return notFound
		}
		commit, err = one(digits, found)
		return err
	})
	return commit, err
}

// historyPerFiles is how many commits the history may have for each file that a tree may have.
const historyPerFiles = 10
