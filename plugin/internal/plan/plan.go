// Package plan decides what should happen to one app: which objects are applied in which order, which are pruned, and whether that
// is more than may be deleted without being asked for.
//
// It is pure: it compares what Git wants with the record and with what the cluster held when we looked.
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

// Plan is what a pass will do: apply steps in the order of their stages, then prune removals.
type Plan struct {
	Steps      []*Step
	Prunes     []Prune
	Containers []Prune           // of an app that is removed: what its PostDelete hooks live in goes last
	Unchanged  []*desired.Object // desired, recorded and clean: nothing to do
	Refused    manifest.Problems

	RefusedObjects []*desired.Object // of foreign, in its order
}

// Input is what a plan is made of.
type Input struct {
	Desired []*desired.Object // nil for an app that is removed
	Record  *record.Record
	Live    *live.Snapshot
	States  map[record.Key]live.State // of the rows of rec
	Set     string                    // ApplySet id of the app
	Apps    map[string]string         // of the instance, by ApplySet id
	Handovers
}

// Make compares Git, record and cluster. It is pure: no request is made.
func Make(in Input) *Plan {
	p := &Plan{}
	rec := in.Record
	inGit := map[record.Key]bool{}
	for _, o := range in.Desired {
		k := o.Key()
		inGit[k] = true
		from := in.TakesOver[k]
		if owner := OtherSet(in.Live.Object(k), in.Set); owner != "" && from == nil {
			p.Refused, p.RefusedObjects = append(p.Refused, belongsTo(o, owner, in.Apps[owner])), append(p.RefusedObjects, o)
			continue
		}
		s := &Step{Object: o, From: from, Stage: o.Stage(), Hash: rec.Hash(o.Body), Told: rec.Foreign[o.ID()]}
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
		p.Steps = append(p.Steps, s)
	}
	for _, row := range rec.Sorted() {
		if k := record.KeyOf(row.Ref); !inGit[k] && !in.HandsOver[k] {
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

// LetGoCommand is what takes an object out of the ApplySet it is in.
func LetGoCommand(o *desired.Object) string {
	return "kubectl label " + Command(o.Ref) + " " + record.LabelPartOf + "-"
}

// OtherSet is the id of the ApplySet that an object belongs to, "" when it is set itself or none.
func OtherSet(u metav1.Object, id string) string {
	if u == nil {
		return ""
	}
	if owner := u.GetLabels()[record.LabelPartOf]; owner != id {
		return owner
	}
	return ""
}

// IsKept tells whether an object asked not to be pruned, by our annotation or those of Argo CD, Flux and Helm.
func IsKept(annotations map[string]string) bool {
	p := desired.PolicyOf(annotations)
	return p.Keep || p.Ignore
}

// Command names an object as kubectl's commands take it.
func Command(ref object.Ref) string {
	if ref.Namespace == "" {
		return ref.String()
	}
	return ref.String() + " -n " + ref.Namespace
}
