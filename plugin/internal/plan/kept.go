package plan

import (
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/app"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
)

// MarkKept excludes objects from pruning that Git asks to leave alone, those that the settings of the app keep, and the
// definitions of a chart whose definitions are not replaced. ignored are the objects of Git with an annotation to leave them alone,
// left says that the whole app left gitops.yaml.
func (p *Plan) MarkKept(a app.App, left bool, ignored map[object.Key]bool) {
	for i, r := range p.Prunes {
		why := WhyKept(a, left)
		switch {
		case ignored[object.KeyOf(r.Row.Ref)]:
			why = "its annotation asks to leave it alone"
		case why == "" && a.Helm.CRDs != "" && object.IsDefinition(r.Row.Group, r.Row.Ref.Kind.Kind):
			why = "it left the chart, and gitops.yaml says crds: " + a.Helm.CRDs
		}
		p.Prunes[i].NotPruned = why
	}
}

// WhyKept returns why the settings of an app keep an object in the cluster that left Git, "" when they do not. left says that the
// whole app left gitops.yaml. No hook of a removal runs for objects that are kept.
func WhyKept(a app.App, left bool) string {
	switch {
	case a.KeepRemoved:
		return "it left Git, and gitops.yaml says prune: false"
	case a.KeepOnRemoval && left:
		return "its app left gitops.yaml, which said onRemoval: keep"
	}
	return ""
}

// Left returns what becomes of the record, and of the objects, of an app that left gitops.yaml. done is false in a dry run.
func Left(a app.App, done bool) string {
	text := "left gitops.yaml: its record would be deleted"
	if done {
		text = "left gitops.yaml: its record is deleted"
	}
	switch {
	case a.KeepOnRemoval:
		text += ", and its objects stay (onRemoval: keep)"
	case a.KeepRemoved:
		text += ", and its objects stay (prune: false)"
	}
	return text
}
