package reconcile

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/desired"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/live"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/manifest"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// step is one object to apply.
type step struct {
	*desired.Object
	anew    string // why the object is deleted and created anew, "" when it is not
	share   string // of a dry run: the earlier name under which the live object holds our share
	stage   desired.Stage
	row     *record.Row                // nil for an object that is not recorded yet
	hash    string                     // of the manifest as sent
	changed bool                       // Git changed it: new, or another manifest than the recorded one
	state   live.State                 // of the row
	live    *unstructured.Unstructured // nil when there is none of ours
	from    *handover                  // the app that hands the object over, nil when none does
	told    string                     // what was reported of it as not in Git
}

// removal is one recorded object that Git no longer names.
type removal struct {
	row   record.Row
	live  metav1.Object // nil when it is not among the listed members
	stage desired.Stage
	stays string // why it is not deleted although it leaves the app
	taken bool   // another app or ApplySet has it now
}

// plan is what a pass will do: apply steps in the order of their stages, then prune removals.
type plan struct {
	steps    []*step
	removals []removal
	hosts    []removal         // of an app that is removed: what its PostDelete hooks live in goes last
	same     []*desired.Object // desired, recorded and clean: nothing to do
	foreign  manifest.Problems

	foreignObjects []*desired.Object // of foreign, in its order
}

// planInput is what a plan is made of.
type planInput struct {
	desired []*desired.Object // nil for an app that is removed
	rec     *record.Record
	live    *live.Snapshot
	states  map[record.Key]live.State // of the rows of rec
	set     string                    // ApplySet id of the app
	apps    map[string]string         // of the instance, by ApplySet id
	handovers
}

// handovers are the objects that move between apps of the instance in this run.
type handovers struct {
	takes map[record.Key]*handover // what other apps hand over to the app
	gives map[record.Key]bool      // what the app hands over to others
}

// makePlan compares Git, record and cluster. It is pure: no request is made.
func makePlan(in planInput) *plan {
	p := &plan{}
	rec := in.rec
	inGit := map[record.Key]bool{}
	for _, o := range in.desired {
		k := o.Key()
		inGit[k] = true
		from := in.takes[k]
		if owner := foreignOwner(in.live.Object(k), in.set); owner != "" && from == nil {
			p.foreign, p.foreignObjects = append(p.foreign, belongsTo(o, owner, in.apps[owner])), append(p.foreignObjects, o)
			continue
		}
		s := &step{Object: o, from: from, stage: o.Stage(), hash: rec.Hash(o.Body), told: rec.Foreign[o.ID()]}
		row, recorded := rec.Rows[k]
		if recorded {
			s.row = &row
			s.state = in.states[k]
			s.changed = row.Manifest != s.hash || row.Ref.Kind != o.Ref.Kind
		} else {
			s.changed = true
			s.state = live.NotApplied
		}
		if !s.changed && s.state == live.InSync || o.Policy.CreateOnly && s.row != nil && s.row.UID != "" && s.state != live.Missing {
			p.same = append(p.same, o)
			continue
		}
		p.steps = append(p.steps, s)
	}
	for _, row := range rec.Sorted() {
		if k := record.KeyOf(row.Ref); !inGit[k] && !in.gives[k] {
			r := removal{row: row, live: in.live.Object(k), taken: foreignOwner(in.live.Object(k), in.set) != ""}
			r.stage = desired.StageOf(row.Ref.Kind, annotationsOf(r.live))
			p.removals = append(p.removals, r)
		}
	}
	pruneByDependencies(p.removals)
	slices.SortStableFunc(p.steps, func(a, b *step) int {
		return cmp.Or(a.stage.Compare(b.stage), desired.Order(a.Ref, b.Ref))
	})
	slices.SortStableFunc(p.removals, func(a, b removal) int {
		return cmp.Or(b.stage.Compare(a.stage), cmp.Compare(desired.Rank(b.row.Ref.Kind), desired.Rank(a.row.Ref.Kind)))
	})
	return p
}

// belongsTo says who has an object already: an app of this instance, or an ApplySet of which only the id is known.
func belongsTo(o *desired.Object, id, app string) manifest.Problem {
	p := manifest.Problem{Origin: o.Origin, Object: o.ID(), Message: "already belongs to another ApplySet: " + id,
		Hint: "find out who applies it; when nobody does any more, " + letGoCommand(o) + " lets it go"}
	if app != "" {
		p.Message, p.Hint = "already belongs to the app "+app, "remove it from one of the two"
	}
	return p
}

// letGoCommand is what takes an object out of the ApplySet it is in.
func letGoCommand(o *desired.Object) string {
	return "kubectl label " + at(o.Ref) + " " + record.LabelPartOf + "-"
}

func foreignOwner(u metav1.Object, id string) string {
	if u == nil {
		return ""
	}
	if owner := u.GetLabels()[record.LabelPartOf]; owner != id {
		return owner
	}
	return ""
}

func annotationsOf(u metav1.Object) map[string]string {
	if u == nil {
		return nil
	}
	return u.GetAnnotations()
}

// kept tells whether an object asked not to be pruned, by our annotation or those of Argo CD, Flux and Helm.
func kept(annotations map[string]string) bool {
	p := desired.PolicyOf(annotations)
	return p.Keep || p.Ignore
}

// doomed lists the removals that delete something, and counts the rows that stand for nothing any more.
func (p *plan) doomed() (list []removal, spared int) {
	for _, r := range p.removals {
		switch {
		case r.live == nil && (r.row.UID == "" || r.row.Expires):
			spared++ // written ahead and never created, or a Job that has run
		case r.taken:
			spared++
		case !kept(annotationsOf(r.live)) && !r.row.HoldsOthers() && r.stays == "":
			list = append(list, r)
		}
	}
	return list, spared
}

// excess is why a plan may not delete as much as it would, unless commit messages allow n deletions.
type excess struct {
	n                    int
	verb                 string // what is refused, "prune" when it is empty
	what, reason, advice string
	doomed               []removal
}

// error words the refusal, with what commit messages say about deletions.
func (r *excess) error(a allowance) error {
	text := fmt.Sprintf("refused to %s %s: %s", cmp.Or(r.verb, "prune"), r.what, r.reason)
	if a.deletions > 0 {
		text += fmt.Sprintf("; commit messages allow %d", a.deletions)
	}
	return hint.Errorf(text+"\n"+listOf(r.doomed)+a.said(), r.advice+" %s: %d", trailerAllow, r.n)
}

// guard refuses a plan that deletes anything when the app comes from another place than before, more than the budget
// allows, everything (of more than one object), all Namespaces or all CRDs. nil refuses nothing.
func (p *plan) guard(rec *record.Record, from report.Source, budget Budget) *excess {
	doomed, spared := p.doomed()
	total := len(rec.Rows) - spared
	n := len(doomed)
	if n == 0 {
		return nil
	}
	r := &excess{n: n, what: report.Plural(n, "object"), doomed: doomed, advice: "nothing was written; if it is meant, commit with the trailer"}
	switch was := rec.Source; {
	case was.Repo != "" && (was.Repo != from.Repo || was.Path != from.Path):
		r.advice = "nothing was written; if this is another app, give it another --name, and if it moved, commit with the trailer"
		r.reason = fmt.Sprintf("until now the app %s came from %s, path %s", rec.App, was.Repo, was.Path)
	case n == total && n > 1:
		r.reason = "that is everything the app has"
	case n > budget.Count:
		r.reason = fmt.Sprintf("the deletion budget is %d objects", budget.Count)
	case n > budget.Free && n*100 > budget.Percent*total:
		r.reason = fmt.Sprintf("the deletion budget is %d %% of %d objects", budget.Percent, total)
	case allGo(rec, doomed, "", "Namespace"):
		r.reason = "they include all Namespaces of the app, with all that is in them"
	case allGo(rec, doomed, "apiextensions.k8s.io", "CustomResourceDefinition"):
		r.reason = "they include all CustomResourceDefinitions of the app, with all their objects in the cluster"
	default:
		return nil
	}
	return r
}

func allGo(rec *record.Record, doomed []removal, group, kind string) bool {
	have, gone := 0, 0
	for k := range rec.Rows {
		if k.Group == group && k.Kind == kind {
			have++
		}
	}
	for _, r := range doomed {
		if r.row.Group == group && r.row.Ref.Kind.Kind == kind {
			gone++
		}
	}
	return have > 0 && have == gone
}

func listOf(doomed []removal) string {
	const most = 20
	var lines []string
	for _, r := range doomed[:min(len(doomed), most)] {
		lines = append(lines, "  "+r.row.ID())
	}
	if more := len(doomed) - most; more > 0 {
		lines = append(lines, fmt.Sprintf("  and %d more", more))
	}
	return strings.Join(lines, "\n")
}

// pruneByDependencies puts each object that goes in front of what it depends on.
func pruneByDependencies(removals []removal) {
	byKey := map[record.Key]*removal{}
	for i := range removals {
		byKey[record.KeyOf(removals[i].row.Ref)] = &removals[i]
	}
	var deepen func(r *removal, path int)
	deepen = func(r *removal, path int) {
		needs, _ := desired.Dependencies(annotationsOf(r.live))
		for _, k := range needs {
			target := byKey[k]
			if target == nil || path > len(removals) { // a cycle: live annotations may say anything
				continue
			}
			deepen(target, path+1)
			if s := target.stage; s.Compare(r.stage) >= 0 {
				s.Depth++
				r.stage = s
			}
		}
	}
	for i := range removals {
		if annotationsOf(removals[i].live)[desired.DependsOn] != "" {
			deepen(&removals[i], 0)
		}
	}
}
