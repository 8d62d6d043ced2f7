package target

import (
	"cmp"
	"context"
	"slices"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record/store"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/source"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/source/signed"
)

// Verified is where the commits come from that are applied, and what to call when they are no longer needed. Where keys are
// given, it shows only commits that are signed by one of them. Where none are, although commits were verified until now, its Poll
// fails unless AllowUnsigned is set.
func (f *Flags) Verified(repo Repository, store *store.Store) (source.Source, func()) {
	last := func(ctx context.Context) *report.Revision { return lastVerified(ctx, store, repo) }
	switch {
	case repo.Signed():
		s := signed.New(repo.Source(), last)
		return s, s.Close
	case f.AllowUnsigned:
		return repo.Source(), func() {}
	}
	return &signed.Unverified{Source: repo.Source(), Name: repo.git.Display(), Last: last}, func() {}
}

// lastVerified is the newest commit of a repository that an instance has applied and verified, nil when there is none.
func lastVerified(ctx context.Context, store *store.Store, repo Repository) *report.Revision {
	records, err := store.Peek(ctx)
	if err != nil {
		return nil // the run will say why
	}
	from := repo.git.Display()
	var verified []report.Revision
	for _, rec := range records {
		if rec.Inventory != nil && rec.Revision.Signer != "" && rec.Source.Repo == from {
			verified = append(verified, rec.Revision)
		}
	}
	for _, l := range store.AppLists() {
		if l.Revision.Signer != "" && l.Source.Repo == from {
			verified = append(verified, l.Revision)
		}
	}
	if len(verified) == 0 {
		return nil
	}
	last := slices.MaxFunc(verified, func(a, b report.Revision) int { return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.Commit, b.Commit)) })
	return &last
}
