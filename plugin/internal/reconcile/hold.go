package reconcile

// Holder is a Source that may hold a commit back: it then shows an earlier one.
type Holder interface {
	// Held returns the commit that the last Poll held back, and why; nil when there is none.
	Held() (commit string, why error)
}

// heldBack says why a pass that ended with err, and went well, was about an earlier commit than the ref points at.
func (p ending) heldBack(err error) error {
	if p.listed != nil {
		return nil // it is told once for all apps
	}
	if h, ok := p.Source.(Holder); ok && err == nil && len(p.exec.Failed) == 0 {
		_, why := h.Held()
		return why
	}
	return nil
}

// seen is what the ref points at, applied or not. What a commit asks of an app whose gitops.yaml cannot be used is not known,
// so the last one that could be is meant then.
func (p ending) seen() string {
	if p.isHeld() && p.rec.Report != nil {
		if p.rec.Report.Seen == p.listed.recorded { // nothing newer than what the record had: now it has the list's
			return p.rec.Revision.Commit
		}
		return p.rec.Report.Seen
	}
	if h, ok := p.Source.(Holder); ok {
		if commit, why := h.Held(); why != nil {
			return commit
		}
	}
	return p.commit
}

// heldBack says why the round was about an earlier commit than the ref points at.
func (rd *round) heldBack() error {
	if h, ok := rd.Source.(Holder); ok {
		_, why := h.Held()
		return why
	}
	return nil
}
