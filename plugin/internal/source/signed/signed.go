// Package signed shows only commits that a trusted person has signed. It does not decide whose signatures are trusted
// (package trust does), read commits, or remember which commits were verified: its callers give it all three.
package signed

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/source"
)

// Last returns the newest commit of the repository that was verified when it was applied; nil when there is none.
type Last func(context.Context) *report.Revision

// Unverified shows whatever the ref points at, if no commit of the repository was ever verified. If one was, keys were given
// before and are missing now: Poll then fails.
type Unverified struct {
	source.Source
	Name string // of the repository, for messages
	Last Last

	mu    sync.Mutex
	asked bool // and no commit was verified
}

// Poll implements source.Source.
func (s *Unverified) Poll(ctx context.Context) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.asked {
		if last := s.Last(ctx); last != nil {
			return "", hint.Errorf(fmt.Sprintf("commits of %s were verified until now (the last one is %s, signed by %s), and no keys are given", s.Name, last.Short(), last.Signer),
				"restore the keys in the Secret of credentials, or name them with --allowed-signers-file or --openpgp-keyring-file; --allow-unsigned ends the verification")
		}
		s.asked = true
	}
	return s.Source.Poll(ctx)
}

// Trusted is a source of signed commits only. While the tip of the ref has no trusted signature, Trusted shows the last
// commit that had one.
type Trusted struct {
	source.Source
	applied Last

	mu    sync.Mutex
	known map[string]error // commits that were verified; nil is trusted
	last  string           // the newest trusted commit
	held  error            // why the tip is not shown
	tip   string
	tree  *source.Tree // unpacked to be verified, and not asked for yet
	of    string       // the commit of tree
}

// New returns the trusted commits of a source, whose Open must fail with a source.UntrustedError for all others. The caller
// calls Close.
func New(of source.Source, applied Last) *Trusted {
	return &Trusted{Source: of, applied: applied, known: map[string]error{}}
}

// Poll implements source.Source.
func (s *Trusted) Poll(ctx context.Context) (string, error) {
	tip, err := s.Source.Poll(ctx)
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
		s.last = s.verified(ctx)
	}
	if s.last == "" {
		return "", why
	}
	s.held, s.tip = fmt.Errorf("%w; %.7s stays applied", why, s.last), tip
	return s.last, nil
}

// judge tells why a commit is not trusted; nil when it is. Its tree is kept for Open.
func (s *Trusted) judge(ctx context.Context, commit string) (why, err error) {
	if s.verified(ctx) == commit {
		return nil, nil // it was verified when it was applied
	}
	tree, err := s.Source.Open(ctx, commit)
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

// verified is the newest commit that was verified when it was applied, "" when there is none.
func (s *Trusted) verified(ctx context.Context) string {
	if last := s.applied(ctx); last != nil {
		return last.Commit
	}
	return ""
}

// Open implements source.Source.
func (s *Trusted) Open(ctx context.Context, commit string) (*source.Tree, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tree != nil && s.of == commit {
		tree := s.tree
		s.tree = nil
		return tree, nil
	}
	return s.Source.Open(ctx, commit)
}

// Withheld implements source.Gate: it returns the commit that the last Poll did not show, and why; nil when it showed what the ref points at.
func (s *Trusted) Withheld() (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tip, s.held
}

// Close removes checkouts that were opened for verification and not used.
func (s *Trusted) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drop()
}

func (s *Trusted) drop() {
	if s.tree != nil {
		s.tree.Close()
		s.tree = nil
	}
}
