package preflight

import (
	"context"
	"fmt"
	"sync"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/plan"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/source"
)

// Allowances remembers what the commit messages of the last range allow. The zero value is ready to use.
type Allowances struct {
	mu   sync.Mutex
	last map[[2]string]plan.Allowance // by the two ends of the range
}

// Of returns the deletions that the commits since the applied one, up to to, allow. bases are commits that may be the
// applied one: the one with the fewest deletions counts, so that no trailer is used twice. Where the repository cannot list the
// commits, the message of tip counts alone, and Found says why.
func (m *Allowances) Of(ctx context.Context, git source.Source, tip source.Revision, to string, bases ...string) plan.Allowance {
	alone := plan.AllowedBy([]plan.Commit{tipOf(tip)})
	var least *plan.Allowance
	var failure error
	for _, base := range bases {
		if base == "" {
			continue
		}
		a, err := m.since(ctx, git, tip, to, base)
		if err != nil {
			failure = err
			continue
		}
		if least == nil || a.Deletions < least.Deletions {
			least = &a
		}
	}
	switch {
	case least != nil:
		return *least
	case failure != nil:
		alone.Found = append(alone.Found, fmt.Sprintf("only the message of commit %s was read: %v", report.Revision{Commit: tip.Commit}.Short(), failure))
	}
	return alone
}

// since returns what the commits after base allow. It asks the repository once for each pair of commits.
func (m *Allowances) since(ctx context.Context, git source.Source, tip source.Revision, to, base string) (plan.Allowance, error) {
	if tip.Parent == base {
		return plan.AllowedBy([]plan.Commit{tipOf(tip)}), nil
	}
	key := [2]string{base, tip.Commit}
	m.mu.Lock()
	kept, known := m.last[key]
	m.mu.Unlock()
	if known {
		return kept, nil
	}
	commits, err := git.Commits(ctx, base, to)
	if err != nil {
		return plan.Allowance{}, err
	}
	list := make([]plan.Commit, len(commits))
	for i, c := range commits {
		list[i] = plan.Commit{Id: c.Commit, Parents: c.Parents, Message: messageOf(c.Revision), Untrusted: c.Untrusted}
		if c.Commit == tip.Commit {
			list[i].Untrusted = nil // it, or its tag, was verified when it was fetched
		}
	}
	a := plan.AllowedBy(list)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.last = map[[2]string]plan.Allowance{key: a}
	return a, nil
}

// tipOf returns the commit that is about to be applied. Its signature was verified when it was fetched.
func tipOf(tip source.Revision) plan.Commit {
	return plan.Commit{Id: tip.Commit, Message: messageOf(tip)}
}

func messageOf(rev source.Revision) string { return rev.Subject + "\n\n" + rev.Body }
