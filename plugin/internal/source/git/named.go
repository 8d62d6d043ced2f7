package git

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/go-git/go-git/v5/plumbing/protocol/packp"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
)

// Resolve returns the commit that Ref points at now, as Poll does, and whether Ref is a branch, which points at another commit later.
// It costs one request where Poll does. The repository is not on this machine.
func (r Repo) Resolve(ctx context.Context) (commit string, branch bool, err error) {
	a, err := r.address()
	if err != nil {
		return "", false, err
	}
	e, err := parseRef(r.Ref)
	if err != nil {
		return "", false, wrap(a, err)
	}
	if len(e.steps) > 0 {
		return "", false, wrap(a, hint.Errorf(fmt.Sprintf("ref %q is an ancestor of something", r.Ref), "write a branch, a tag, a full commit or a range of versions"))
	}
	if isCommit(e.ref) || a.scheme == schemeLocal {
		commit, err = r.Poll(ctx)
		return commit, false, err
	}
	adv, err := refsOf(ctx, r, a, candidates(e.ref))
	if err != nil {
		return "", false, err
	}
	name, at, err := resolveAdvertised(adv, e.ref)
	if errors.Is(err, errAmbiguous) {
		return "", false, wrap(a, err)
	}
	if err != nil { // it may be the beginning of a commit, or names near ones
		commit, err = r.Poll(ctx)
		return commit, false, err
	}
	return at.String(), name == "HEAD" || strings.HasPrefix(name, "refs/heads/"), nil
}

// Tags returns the commits of all tags of a repository by their names. It costs one request, as Poll does. The repository is not on this machine.
func Tags(ctx context.Context, r Repo) (map[string]string, error) {
	const prefix = "refs/tags/"
	a, err := r.address()
	if err != nil {
		return nil, err
	}
	adv, err := refsOf(ctx, r, a, []string{prefix})
	if err != nil {
		return nil, err
	}
	tags := map[string]string{}
	for name, at := range adv.References {
		short, is := strings.CutPrefix(name, prefix)
		if !is {
			continue
		}
		if peeled, annotated := adv.Peeled[name]; annotated {
			at = peeled
		}
		tags[short] = at.String()
	}
	return tags, nil
}

// refsOf asks for the refs whose names begin with one of prefixes. A server may send more.
func refsOf(parent context.Context, r Repo, a address, prefixes []string) (adv *packp.AdvRefs, err error) {
	if a.scheme == schemeSSH {
		err = r.remote(parent, a, func(ctx context.Context, s session) (err error) {
			adv, err = s.AdvertisedReferencesContext(ctx)
			return err
		})
		return adv, err
	}
	err = r.within(parent, a, func(ctx context.Context, l login) (err error) {
		p := newPoller(a, l, r.Auth)
		p.guard.refsLimit = r.Limits.orDefault().Refs
		adv, err = p.list(ctx, prefixes)
		return p.guard.explain(err)
	})
	return adv, err
}

// list asks for refs straight away, or asks first what the server speaks.
func (p *poller) list(ctx context.Context, prefixes []string) (*packp.AdvRefs, error) {
	adv, err := p.lsRefs(ctx, prefixes)
	if !errors.Is(err, errNotUnderstood) {
		return adv, err
	}
	p.guard.failure = nil
	if adv, err = p.advertised(ctx); adv == nil && err == nil {
		adv, err = p.lsRefs(ctx, prefixes)
	}
	return adv, err
}
