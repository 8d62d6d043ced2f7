package pass

import "github.com/kubectl-gitops/kubectl-gitops/plugin/internal/source"

// withheld returns why the source showed an earlier commit than the ref points at, if the pass went well, and nil otherwise.
// For an app of a gitops.yaml it is nil, since package reconcile reports that once for all apps.
func (p ending) withheld(err error) error {
	if !p.Listed.IsOwn() {
		return nil // it is told once for all apps
	}
	if h, ok := p.Source.(source.Gate); ok && err == nil && len(p.Exec.Failed) == 0 {
		_, why := h.Withheld()
		return why
	}
	return nil
}

// seen returns the commit that the ref points at, applied or not; without a usable gitops.yaml, the last one that had one.
func (p ending) seen() string {
	if p.Listed.revertsOnly() && p.Record.Report != nil {
		if p.Record.Report.Seen == p.Listed.recorded { // the record had seen no newer commit; its revision now is that of the list
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
