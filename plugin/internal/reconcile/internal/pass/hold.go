package pass

import (
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/source"
)

// heldBack says why a pass that ended with err, and went well, was about an earlier commit than the ref points at.
func (p ending) heldBack(err error) error {
	if !p.Listed.IsOwn() {
		return nil // it is told once for all apps
	}
	if h, ok := p.Source.(source.Gate); ok && err == nil && len(p.Exec.Failed) == 0 {
		_, why := h.Withheld()
		return why
	}
	return nil
}

// seen is what the ref points at, applied or not. What a commit asks of an app whose gitops.yaml cannot be used is not known,
// so the last one that could be is meant then.
func (p ending) seen() string {
	if p.Listed.revertsOnly() && p.Record.Report != nil {
		if p.Record.Report.Seen == p.Listed.recorded { // nothing newer than what the record had: now it has the list's
			return p.Record.Revision.Commit
		}
		return p.Record.Report.Seen
	}
	if h, ok := p.Source.(source.Gate); ok {
		if commit, why := h.Withheld(); why != nil {
			return commit
		}
	}
	return p.Commit
}
