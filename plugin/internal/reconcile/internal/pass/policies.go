package pass

import (
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/desired"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/manifest"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// sort splits what was rendered into objects to apply, to run as hooks, to leave alone, and to leave to a later run.
func (p reading) sort(objects []*desired.Object) {
	p.Desired, p.Hooks.List, p.ignored = nil, nil, map[object.Key]bool{}
	for _, o := range objects {
		switch {
		case o.Resource == "": // its kind is not known yet
			p.deferred = true
			p.Say(report.Waiting, "%s: the cluster does not know its kind yet; a later run applies it", o.Ref)
		case o.Hook != nil && o.Hook.Skip, o.Policy.Ignore:
			p.ignored[o.Key()] = true
		case o.Hook != nil:
			p.Hooks.List = append(p.Hooks.List, o)
		default:
			p.Desired = append(p.Desired, o)
		}
	}
}

// tellMisunderstood warns of annotations without a meaning here, and of fields that are not applied.
func (p reading) tellMisunderstood(objects []*desired.Object) {
	for _, o := range objects {
		for _, note := range o.Notes {
			p.Say(report.Warning, "%s", manifest.Problem{Origin: o.Origin, Object: o.ID(), Message: note}.Error())
		}
		for _, problem := range desired.Warnings(o) {
			p.Say(report.Warning, "%s", problem.Error())
		}
	}
}

// markCreateOnly notes which objects became create-only, so that later changes of them are no drift.
func (p planning) markCreateOnly() {
	for _, o := range p.Plan.Unchanged {
		if row, _ := p.Record.Row(o.Key()); o.Policy.CreateOnly && !row.CreateOnly {
			p.Record.NoteCreateOnly(o.Key())
		}
	}
}
