package pass

import (
	"context"
	"fmt"
	"slices"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/desired"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/plan"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record/store"
)

// refuseForeign returns manifest.Problems for objects of another ApplySet: who owns each, and how to move it.
func (p planning) refuseForeign(ctx context.Context) error {
	known := map[string]setOwner{}
	for i := range p.Plan.Refused {
		o := p.Plan.RefusedObjects[i]
		id := plan.OtherSet(p.Live.Object(o.Key()), p.Set)
		owner, asked := known[id]
		if !asked {
			owner = p.ownerOf(ctx, id)
			known[id] = owner
		}
		if message, advice := owner.words(o, p.Records.Namespace); message != "" {
			p.Plan.Refused[i].Message, p.Plan.Refused[i].Hint = message, advice
		}
	}
	return p.Plan.Refused
}

// setOwner is who owns an ApplySet, as far as that is known.
type setOwner struct {
	store.SetOwner
	id     string
	beside bool // an app of the same gitops.yaml
	gone   bool // nobody owns it any more
}

// ownerOf finds out who owns an ApplySet: an app of this instance or of another one, or another tool.
func (p planning) ownerOf(ctx context.Context, id string) setOwner {
	if app := p.Apps[id]; app != "" {
		return setOwner{SetOwner: store.SetOwner{App: app, Namespace: p.Records.Namespace}, id: id,
			beside: !p.Listed.IsOwn() && slices.Contains(p.Listed.Others, app)}
	}
	owner, found, err := p.Records.OwnerOf(ctx, id)
	return setOwner{SetOwner: owner, id: id, gone: err == nil && !found}
}

// words returns the message and the hint, "" when nothing more is known than the id.
func (s setOwner) words(o *desired.Object, instance string) (message, advice string) {
	switch {
	case s.beside:
		return "already belongs to the app " + s.App, "remove it from one of the two; an object that moves from one app to the other in one commit is handed over"
	case s.App != "":
		of := ""
		if s.Namespace != instance {
			of = " of the instance in namespace " + s.Namespace
		}
		return "already belongs to the app " + s.App + of,
			fmt.Sprintf("remove it from one of the two. To move it here without deleting it: %s; remove it from the Git of %s, and let that app reconcile: it keeps the object and lets it go; then reconcile here, and %s",
				keepCommand(o), s.App, unkeepCommand(o))
	case s.Parent != "":
		return fmt.Sprintf("already belongs to another ApplySet: configmap/%s in namespace %s", s.Parent, s.Namespace),
			plan.LetGoCommand(o) + " lets it go; then remove it from what that tool applies"
	case s.gone:
		return "already belongs to another ApplySet: " + s.id,
			"no ConfigMap in the cluster has that ApplySet; if no other tool applies the object any more, " + plan.LetGoCommand(o) + " lets it go"
	}
	return "", ""
}

// keepCommand is the command that keeps an object from being pruned by its owner.
func keepCommand(o *desired.Object) string { return annotateCommand(o) + "=disabled" }

func unkeepCommand(o *desired.Object) string { return annotateCommand(o) + "-" }

func annotateCommand(o *desired.Object) string {
	return "kubectl annotate " + plan.Command(o.Ref) + " " + desired.Prune
}
