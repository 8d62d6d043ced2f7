package plugin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/source"
)

// from is where commits come from, and what to call when they are no longer needed.
func (f *sourceFlags) from(repo source.Repo, store *record.Store) (reconcile.Source, func()) {
	if repo.Trust == nil {
		return gitSource{repo}, func() {}
	}
	s := &trustedSource{gitSource: gitSource{repo}, records: store, known: map[string]error{}}
	return s, s.close
}

// trustedSource shows only commits that somebody signed who may. While the tip of the ref is not such a commit, it
// stands still at the last one that is.
type trustedSource struct {
	gitSource
	records *record.Store

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
	records, err := s.records.Peek(ctx)
	if err != nil {
		return "" // the pass will say why
	}
	var signed []record.Revision
	for _, rec := range records {
		if rec.Inventory != nil && rec.Revision.Signer != "" && rec.Source.Repo == s.repo.Display() {
			signed = append(signed, rec.Revision)
		}
	}
	for _, l := range s.records.AppLists() {
		if l.Revision.Signer != "" && l.Source.Repo == s.repo.Display() {
			signed = append(signed, l.Revision)
		}
	}
	if len(signed) == 0 {
		return ""
	}
	return slices.MaxFunc(signed, func(a, b record.Revision) int { return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.Commit, b.Commit)) }).Commit
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
