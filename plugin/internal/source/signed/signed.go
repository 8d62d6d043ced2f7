package plugin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record/store"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/source"
)

// from is where commits come from, and what to call when they are no longer needed.
func (f *sourceFlags) from(repo source.Repo, store *store.Store) (reconcile.Source, func()) {
	if repo.Trust == nil {
		if f.unsigned {
			return gitSource{repo}, func() {}
		}
		return &unverifiedSource{gitSource: gitSource{repo}, records: store}, func() {}
	}
	s := &trustedSource{gitSource: gitSource{repo}, records: store, known: map[string]error{}}
	return s, s.close
}

// unverifiedSource shows whatever the ref points at, if no commit of the repository was verified when it was applied. Where one
// was, keys were given until now: they are lost, or somebody took them away.
type unverifiedSource struct {
	gitSource
	records *store.Store

	mu    sync.Mutex
	asked bool // and no commit was verified
}

// Poll implements reconcile.Source.
func (s *unverifiedSource) Poll(ctx context.Context) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.asked {
		if last := verified(ctx, s.records, s.repo); last != nil {
			return "", hint.Errorf(fmt.Sprintf("commits of %s were verified until now (the last one is %s, signed by %s), and no keys are given", s.repo.Display(), last.Short(), last.Signer),
				"restore the keys in the Secret of credentials, or name them with --allowed-signers-file or --openpgp-keyring-file; --allow-unsigned ends the verification")
		}
		s.asked = true
	}
	return s.gitSource.Poll(ctx)
}

// trustedSource shows only commits that somebody signed who may. While the tip of the ref is not such a commit, it
// stands still at the last one that is.
type trustedSource struct {
	gitSource
	records *store.Store

	mu    sync.Mutex
	known map[string]error // commits that were verified; nil is trusted
	last  string           // the newest trusted commit
	held  error            // why the tip is not shown
	tip   string
	tree  *reconcile.Tree // unpacked to be verified, and not asked for yet
	of    string          // the commit of tree
}

// Poll implements reconcile.Source.
func (s *trustedSource) Poll(ctx context.Context) (string, error) {
	tip, err := s.gitSource.Poll(ctx)
	if err != nil {
		return "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	why, known := s.known[tip]
	if !known {
		if why, err = s.judge(ctx, tip); err != nil {
			return "", err
		}
		s.known[tip] = why
	}
	if why == nil {
		s.last, s.held, s.tip = tip, nil, ""
		return tip, nil
	}
	if s.last == "" {
		s.last = s.recorded(ctx)
	}
	if s.last == "" {
		return "", why
	}
	s.held, s.tip = fmt.Errorf("%w; %.7s stays applied", why, s.last), tip
	return s.last, nil
}

// judge tells why a commit is not trusted; nil when it is. Its tree is kept for Open.
func (s *trustedSource) judge(ctx context.Context, commit string) (why, err error) {
	if s.recorded(ctx) == commit {
		return nil, nil // it was verified when it was applied
	}
	tree, err := s.gitSource.Open(ctx, commit)
	var untrusted *source.UntrustedError
	switch {
	case errors.As(err, &untrusted):
		return err, nil
	case err != nil:
		return nil, err
	}
	s.drop()
	s.tree, s.of = tree, commit
	return nil, nil
}

// recorded is the newest commit of the repository that the instance has applied and verified.
func (s *trustedSource) recorded(ctx context.Context) string {
	if last := verified(ctx, s.records, s.repo); last != nil {
		return last.Commit
	}
	return ""
}

// verified is the newest commit of a repository that an instance has applied and verified, nil when there is none.
func verified(ctx context.Context, store *store.Store, repo source.Repo) *report.Revision {
	records, err := store.Peek(ctx)
	if err != nil {
		return nil // the pass will say why
	}
	var signed []report.Revision
	for _, rec := range records {
		if rec.Inventory != nil && rec.Revision.Signer != "" && rec.Source.Repo == repo.Display() {
			signed = append(signed, rec.Revision)
		}
	}
	for _, l := range store.AppLists() {
		if l.Revision.Signer != "" && l.Source.Repo == repo.Display() {
			signed = append(signed, l.Revision)
		}
	}
	if len(signed) == 0 {
		return nil
	}
	last := slices.MaxFunc(signed, func(a, b report.Revision) int { return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.Commit, b.Commit)) })
	return &last
}

// Open implements reconcile.Source.
func (s *trustedSource) Open(ctx context.Context, commit string) (*reconcile.Tree, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tree != nil && s.of == commit {
		tree := s.tree
		s.tree = nil
		return tree, nil
	}
	return s.gitSource.Open(ctx, commit)
}

// Held implements reconcile.Holder.
func (s *trustedSource) Held() (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tip, s.held
}

func (s *trustedSource) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drop()
}

func (s *trustedSource) drop() {
	if s.tree != nil {
		s.tree.Close()
		s.tree = nil
	}
}
