package plan

import (
	"fmt"
	"strings"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/app"
)

// maxNames is how many objects of each kind of change a text names.
const maxNames = 3

// Waits returns what an app with sync: manual waits for, with what would be done, "" when the run may carry out the plan or when
// it changes nothing. hooks says that hooks are due.
func (p *Plan) Waits(a app.App, c Caller, hooks bool) string {
	if !a.Manual || c.Named || c.DryRun {
		return ""
	}
	var created, configured, pruned []string
	for _, s := range p.Steps {
		if s.From == nil && (s.Row == nil || s.Row.UID == "") {
			created = append(created, s.Ref.String())
		} else {
			configured = append(configured, s.Ref.String())
		}
	}
	for _, r := range p.Prunes {
		pruned = append(pruned, r.Row.Ref.String())
	}
	for _, o := range p.RefusedObjects {
		configured = append(configured, o.Ref.String())
	}
	var parts []string
	for _, part := range []struct {
		verb  string
		names []string
	}{{"create", created}, {"configure", configured}, {"prune", pruned}} {
		if len(part.names) > 0 {
			parts = append(parts, part.verb+" "+someOf(part.names))
		}
	}
	if hooks {
		parts = append(parts, "run hooks")
	}
	if len(parts) == 0 {
		return ""
	}
	return fmt.Sprintf("waits for `kubectl gitops reconcile %s` (sync: manual), which would %s", a.Name, strings.Join(parts, ", "))
}

// Withheld returns what keeps a run from applying a commit to an app although nothing fails, "" when nothing does.
func Withheld(a app.App) string {
	switch {
	case a.Suspend:
		return "gitops.yaml says suspend: true: no run applies this"
	case a.Manual:
		return fmt.Sprintf("gitops.yaml says sync: manual: only `kubectl gitops reconcile %s` applies this", a.Name)
	}
	return ""
}

// someOf lists the first names and counts the others.
func someOf(names []string) string {
	if len(names) <= maxNames {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:maxNames-1], ", "), len(names)-maxNames+1)
}
