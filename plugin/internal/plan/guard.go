package plan

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/app"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// Deletions returns the prunes that delete an object, and how many rows of the record have no object left.
func (p *Plan) Deletions() (list []Prune, spared int) {
	for _, r := range p.Prunes {
		switch {
		case r.Live == nil && (r.Row.UID == "" || r.Row.Expires):
			spared++ // written ahead and never created, or a Job that has run
		case r.OwnedByAnother:
			spared++
		case !IsKept(AnnotationsOf(r.Live)) && !r.Row.IsContainer() && r.NotPruned == "":
			list = append(list, r)
		}
	}
	return list, spared
}

// Excess says that a plan deletes too much, unless commit messages allow N deletions.
type Excess struct {
	N    int    // number of deletions
	Verb string // what is refused, "prune" when it is empty
	// of the message: what is deleted, why that is too much, and the hint
	What, Reason, Advice string
	Deletions            []Prune // the objects
}

// Refuse returns the error, with what commit messages say about deletions.
func (r *Excess) Refuse(a Allowance) error {
	text := fmt.Sprintf("refused to %s %s: %s", cmp.Or(r.Verb, "prune"), r.What, r.Reason)
	if a.Deletions > 0 {
		text += fmt.Sprintf("; commit messages allow %d", a.Deletions)
	}
	return hint.Errorf(text+"\n"+listOf(r.Deletions)+a.said(), r.Advice+" %s: %d", TrailerAllow, r.N)
}

// Guard refuses a plan whose deletions are suspicious: the app comes from another source than before, or it would delete
// more than the budget, everything (of more than one object), all Namespaces or all CRDs. It returns nil for any other plan.
func (p *Plan) Guard(rec *record.Record, from report.Source, budget app.Budget) *Excess {
	doomed, spared := p.Deletions()
	total := rec.Len() - spared
	n := len(doomed)
	if n == 0 {
		return nil
	}
	r := &Excess{N: n, What: report.Plural(n, "object"), Deletions: doomed, Advice: "nothing was written; to allow it, commit with the trailer"}
	switch was := rec.Source; {
	case was.Repo != "" && (was.Repo != from.Repo || was.Path != from.Path):
		r.Advice = "nothing was written; if this is another app, give it another --name, and if it moved, commit with the trailer"
		r.Reason = fmt.Sprintf("until now the app %s came from %s, path %s", rec.App, was.Repo, was.Path)
	case n == total && n > 1:
		r.Reason = "these are all objects of the app"
	case n > budget.Count:
		r.Reason = fmt.Sprintf("the deletion budget is %d objects", budget.Count)
	case n > budget.Free && n*100 > budget.Percent*total:
		r.Reason = fmt.Sprintf("the deletion budget is %d %% of %d objects", budget.Percent, total)
	case allGo(rec, doomed, "", "Namespace"):
		r.Reason = "they include all Namespaces of the app, with all that is in them"
	case allGo(rec, doomed, "apiextensions.k8s.io", "CustomResourceDefinition"):
		r.Reason = "they include all CustomResourceDefinitions of the app, with all their objects in the cluster"
	default:
		return nil
	}
	return r
}

func allGo(rec *record.Record, doomed []Prune, group, kind string) bool {
	have, gone := 0, 0
	for k := range rec.All() {
		if k.Group == group && k.Kind == kind {
			have++
		}
	}
	for _, r := range doomed {
		if r.Row.Group == group && r.Row.Ref.Kind.Kind == kind {
			gone++
		}
	}
	return have > 0 && have == gone
}

func listOf(doomed []Prune) string {
	const most = 20
	var lines []string
	for _, r := range doomed[:min(len(doomed), most)] {
		lines = append(lines, "  "+r.Row.ID())
	}
	if more := len(doomed) - most; more > 0 {
		lines = append(lines, fmt.Sprintf("  and %d more", more))
	}
	return strings.Join(lines, "\n")
}
