// Package plan decides what should happen to one app: which objects are applied and in which order, which are pruned, which
// hooks run, and whether the deletions are within the budget.
//
// It is pure: it compares what Git wants with the record and with what the cluster held when it was read. It sends no
// request, carries out nothing, and does not know the other apps of the run: package plan/crossapp does.
package plan

import (
	"cmp"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/desired"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/live"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/manifest"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
)

// Plan is what a run will do to one app: apply the steps in the order of their stages, then prune.
type Plan struct {
	Steps      []*Step           // objects to apply, sorted by stage
	Prunes     []Prune           // objects to prune, in the reverse order of the stages
	Containers []Prune           // of an app that is removed: pruned last, since PostDelete hooks live in them
	Unchanged  []*desired.Object // desired, recorded and in sync: nothing to do
	Drifted    []*desired.Object // desired, and not as they were applied: they are left so, see Input.LeaveDrift
	Refused    manifest.Problems // why objects of other ApplySets are not applied

	RefusedObjects []*desired.Object // the objects of Refused, in its order
}

// Input is what Make compares.
type Input struct {
	Desired []*desired.Object         // nil for an app that is removed
	Record  *record.Record            // of the app
	Live    *live.Snapshot            // what the cluster held
	States  map[object.Key]live.State // of the rows of the record
	Set     string                    // ApplySet id of the app
	Apps    map[string]string         // names of the apps of the instance, by ApplySet id
	Handovers

	LeaveDrift bool // objects that Git did not change are not applied again; see LeavesDrift
}

// Make makes the plan of one app.
func Make(in Input) *Plan {
	p := &Plan{}
	rec := in.Record
	inGit := map[object.Key]bool{}
	for _, o := range in.Desired {
		k := o.Key()
		inGit[k] = true
		from := in.TakesOver[k]
		if owner := OtherSet(in.Live.Object(k), in.Set); owner != "" && from == nil {
			if o.MayBeShared() {
				p.Unchanged = append(p.Unchanged, o)
				continue
			}
			p.Refused, p.RefusedObjects = append(p.Refused, belongsTo(o, owner, in.Apps[owner])), append(p.RefusedObjects, o)
			continue
		}
		s := &Step{Object: o, From: from, Stage: o.Stage(), Hash: rec.Hash(o.Stable()), Told: rec.Foreign[o.ID()]}
		row, recorded := rec.Row(k)
		if recorded {
			s.Row = &row
			s.State = in.States[k]
			s.Changed = row.Manifest != s.Hash || row.Ref.Kind != o.Ref.Kind
		} else {
			s.Changed = true
			s.State = live.NotApplied
		}
		if !s.Changed && s.State == live.InSync || o.Policy.CreateOnly && s.Row != nil && s.Row.UID != "" && s.State != live.Missing {
			p.Unchanged = append(p.Unchanged, o)
			continue
		}
		if in.LeaveDrift && !s.Changed && isDrift(s.State) {
			p.Drifted = append(p.Drifted, o)
			continue
		}
		p.Steps = append(p.Steps, s)
	}
	for _, row := range rec.Sorted() {
		if k := object.KeyOf(row.Ref); !inGit[k] && !in.HandsOver[k] {
			r := Prune{Row: row, Live: in.Live.Object(k), OwnedByAnother: OtherSet(in.Live.Object(k), in.Set) != ""}
			r.Stage = desired.StageOf(row.Ref.Kind, AnnotationsOf(r.Live))
			p.Prunes = append(p.Prunes, r)
		}
	}
	pruneByDependencies(p.Prunes)
	slices.SortStableFunc(p.Steps, func(a, b *Step) int {
		return cmp.Or(a.Stage.Compare(b.Stage), desired.Order(a.Ref, b.Ref))
	})
	slices.SortStableFunc(p.Prunes, func(a, b Prune) int {
		return cmp.Or(b.Stage.Compare(a.Stage), cmp.Compare(desired.Rank(b.Row.Ref.Kind), desired.Rank(a.Row.Ref.Kind)))
	})
	return p
}

// belongsTo says who has an object already: an app of this instance, or an ApplySet of which only the id is known.
func belongsTo(o *desired.Object, id, app string) manifest.Problem {
	p := manifest.Problem{Origin: o.Origin, Object: o.ID(), Message: "already belongs to another ApplySet: " + id,
		Hint: "find out who applies it; when nobody does any more, " + LetGoCommand(o) + " lets it go"}
	if app != "" {
		p.Message, p.Hint = "already belongs to the app "+app, "remove it from one of the two"
	}
	return p
}

// LetGoCommand returns the kubectl command that takes an object out of its ApplySet.
func LetGoCommand(o *desired.Object) string {
	return "kubectl label " + Command(o.Ref) + " " + record.LabelPartOf + "-"
}

// OtherSet returns the id of the ApplySet that an object belongs to, "" when it is id itself or none, or when u is nil.
func OtherSet(u metav1.Object, id string) string {
	if u == nil {
		return ""
	}
	if owner := u.GetLabels()[record.LabelPartOf]; owner != id {
		return owner
	}
	return ""
}

// IsKept reports whether annotations ask not to prune the object: ours, or those of Argo CD, Flux and Helm.
func IsKept(annotations map[string]string) bool {
	p := desired.PolicyOf(annotations)
	return p.Keep || p.Ignore
}

// Command returns the name of an object as arguments of kubectl.
func Command(ref object.Ref) string {
	if ref.Namespace == "" {
		return ref.String()
	}
	return ref.String() + " -n " + ref.Namespace
}
