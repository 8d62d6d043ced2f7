package target

import (
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/source"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/source/git"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/source/signed"
)

// Verified is where the commits come from that are applied, and what to call when they are no longer needed. Where keys are
// given, it shows only commits that are signed by one of them. Where none are, although commits were verified until now, its Poll
// fails unless AllowUnsigned is set. last tells which commit was verified last.
func (f *Flags) Verified(repo Repository, last signed.Last) (source.Source, func()) {
	kept := new(git.Kept)
	from := repo.keeping(kept)
	switch {
	case repo.Signed():
		s := signed.New(from, last)
		return s, func() { s.Close(); kept.Close() }
	case f.AllowUnsigned:
		return from, kept.Close
	}
	return &signed.Unverified{Source: from, Name: repo.git.Display(), Last: last}, kept.Close
}
