package pass

import (
	"cmp"
	"context"
	"encoding/json"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/app"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/live"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// Listed is what the pass of an app knows that a gitops.yaml lists.
type Listed struct {
	Way
	dir           string           // of the gitops.yaml
	AppliedAt     *report.Revision // the commit that its objects equal, nil when they do not all equal one
	recorded      string           // the commit that the record had before this run noted what the list says, "" when it noted nothing
	AppliedBefore string           // the commit that they equalled when they did last, where the list knows
	setting       []byte           // everything gitops.yaml says of the app
	Others        []string         // the apps that gitops.yaml lists
	LeftList      bool             // it left gitops.yaml: all its objects are pruned, and then its record
	RemovedAfter  []string         // apps that left it too and are removed before this one
	NotSelected   bool             // it was not asked for, or is suspended: nothing is done, but what it holds matters to others

	Suspended bool // it was asked for all the same

	Shared *live.Snapshot // what the group of the app has listed

	RevertOnly  *recordBefore // gitops.yaml cannot be used: drift is reverted to what the record holds, and nothing else is done
	NotReverted error         // why other drift is not reverted then
}

// Way is how far a run has come with an app.
type Way struct {
	UpToDate        bool   // there is nothing to do
	InputsUnchanged bool   // by the new commit: Git holds what the record does, and nothing was rendered
	WaitsForRender  bool   // its render did not fit into its slice, and goes on beside the passes
	WaitsForKinds   bool   // it needs kinds that an app it depends on installs: it is planned when that is done
	Applied         bool   // its objects are; health may still be missing
	Ended           bool   // the report is complete
	Waiting         string // why it was not applied yet, although nothing failed
	Gone            bool   // its record is deleted
	NotPruned       string // why something that left Git was not pruned yet
}

// noteSettings puts the settings of the app into its record.
func (p ending) noteSettings() {
	p.Record.Target, p.Record.PlainSecrets = p.App.Namespace, p.App.AllowPlainSecrets
	p.Record.List, p.Record.Settings = "", nil
	if p.Listed != nil {
		p.Record.List, p.Record.Settings = p.Listed.dir, p.Listed.setting
	}
}

// noteBefore lets the record name the commit that the objects equal before anything is written. That of an app that no commit
// changed for long is known to the list alone, and a run that is cut off does not save the list.
func (p writing) noteBefore() {
	l, was := p.Listed, p.Record.Revision.Commit
	switch {
	case l == nil || was == "":
		return
	case l.AppliedAt != nil:
		p.Record.Revision = *l.AppliedAt
	case l.AppliedBefore != "" && l.AppliedBefore != was:
		p.Record.Revision = report.Revision{Commit: l.AppliedBefore, Ref: p.Record.Revision.Ref}
	}
	l.recorded = was
}

// NewListed is newPass for an app of a gitops.yaml in dir.
func NewListed(ctx context.Context, e *Env, a app.App, dir string, opts Options) (*Pass, error) {
	raw, err := json.Marshal(a)
	if err != nil {
		return nil, err
	}
	config, said := e.Settings(a, ""), a.Timeout
	a.Timeout = cmp.Or(a.Timeout, opts.Timeout, app.DefaultTimeout)
	p := New(ctx, e, a, opts)
	p.Config, p.timeout, p.Teller.Listed = config, said, true
	p.Listed = &Listed{dir: dir, setting: raw}
	return p, nil
}
