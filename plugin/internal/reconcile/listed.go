package reconcile

import (
	"cmp"
	"context"
	"encoding/json"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/app"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/live"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// listed is what the pass of an app knows that a gitops.yaml lists.
type listed struct {
	way
	dir      string           // of the gitops.yaml
	holds    *report.Revision // the commit that its objects equal, nil when they do not all equal one
	recorded string           // the commit that the record had before this run noted what the list says, "" when it noted nothing
	before   string           // the commit that they equalled when they did last, where the list knows
	setting  []byte           // everything gitops.yaml says of the app
	beside   []string         // the apps that gitops.yaml lists
	retired  bool             // it left gitops.yaml: all its objects are pruned, and then its record
	first    []string         // apps that left it too and are removed before this one
	aside    bool             // it was not asked for, or is suspended: nothing is done, but what it holds matters to others

	suspended bool // it was asked for all the same

	shared *live.Snapshot // what the group of the app has listed

	held  *held // gitops.yaml cannot be used: drift is reverted to what the record holds, and nothing else is done
	stays error // why other drift is not reverted then
}

// way is how far a run has come with an app.
type way struct {
	idle      bool   // there is nothing to do
	untouched bool   // by the new commit: Git holds what the record does, and nothing was rendered
	slow      bool   // its render did not fit into its slice, and goes on beside the passes
	late      bool   // it needs kinds that an app it depends on installs: it is planned when that is done
	applied   bool   // its objects are; health may still be missing
	ended     bool   // the report is complete
	waits     string // why it was not applied yet, although nothing failed
	gone      bool   // its record is deleted
	keeps     string // why something that left Git was not pruned yet
}

// noteSettings puts the settings of the app into its record.
func (p ending) noteSettings() {
	p.rec.Target, p.rec.PlainSecrets = p.app.Namespace, p.app.AllowPlainSecrets
	p.rec.List, p.rec.Settings = "", nil
	if p.listed != nil {
		p.rec.List, p.rec.Settings = p.listed.dir, p.listed.setting
	}
}

// noteBefore lets the record name the commit that the objects equal before anything is written. That of an app that no commit
// changed for long is known to the list alone, and a run that is cut off does not save the list.
func (p writing) noteBefore() {
	l, was := p.listed, p.rec.Revision.Commit
	switch {
	case l == nil || was == "":
		return
	case l.holds != nil:
		p.rec.Revision = *l.holds
	case l.before != "" && l.before != was:
		p.rec.Revision = report.Revision{Commit: l.before, Ref: p.rec.Revision.Ref}
	}
	l.recorded = was
}

// newListed is newPass for an app of a gitops.yaml in dir.
func newListed(ctx context.Context, e *env, a app.App, dir string, opts passOptions) (*pass, error) {
	raw, err := json.Marshal(a)
	if err != nil {
		return nil, err
	}
	config, said := e.settings(a, ""), a.Timeout
	a.Timeout = cmp.Or(a.Timeout, opts.Timeout, app.DefaultTimeout)
	p := newPass(ctx, e, a, opts)
	p.config, p.timeout, p.Teller.Listed = config, said, true
	p.listed = &listed{dir: dir, setting: raw}
	return p, nil
}
