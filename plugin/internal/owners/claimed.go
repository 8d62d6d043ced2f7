package owners

import (
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// Claimed is one owner with the objects that name it.
type Claimed struct {
	Claim
	Refs []object.Ref
}

// Group lists the owners that live objects name, in the order of refs. What all its objects ask to be left alone does not
// count.
func Group(refs []object.Ref, live map[object.Key]metav1.Object) []*Claimed {
	var out []*Claimed
	for _, ref := range refs {
		u := live[object.KeyOf(ref)]
		if u == nil {
			continue
		}
		for _, c := range Claims(ref, u) {
			if c.LetGo {
				continue
			}
			i := slices.IndexFunc(out, func(g *Claimed) bool { return g.Claim == c })
			if i < 0 {
				i, out = len(out), append(out, &Claimed{Claim: c})
			}
			out[i].Refs = append(out[i].Refs, ref)
		}
	}
	return out
}

// Holders narrows what was found of a name: one that lists an object of ours wins. An Application that lists none of them
// may be another of the same name, in another installation: it has to deploy to where they are, and where only a label
// says that they are its, it does not count.
func (g *Claimed) Holders(found []*unstructured.Unstructured) []*unstructured.Unstructured {
	if g.Kind != ArgoApplication {
		return found
	}
	having := func(has func(*unstructured.Unstructured, object.Ref) bool) []*unstructured.Unstructured {
		return slices.DeleteFunc(slices.Clone(found), func(u *unstructured.Unstructured) bool {
			return !slices.ContainsFunc(g.Refs, func(ref object.Ref) bool { return has(u, ref) })
		})
	}
	if listing := having(lists); len(listing) > 0 || g.Doubtful {
		return listing
	}
	return having(deploysTo)
}

// String names the objects and their owner.
func (g *Claimed) String() string { return g.BelongTo(g.Owner) }

// BelongTo names the objects and an owner.
func (g *Claimed) BelongTo(o Owner) string {
	switch n := len(g.Refs) - 1; n {
	case 0:
		return fmt.Sprintf("%s belongs to %s", g.Refs[0], o)
	default:
		return fmt.Sprintf("%s and %s belong to %s", g.Refs[0], report.Plural(n, "other object"), o)
	}
}

// Unmark is the command that takes the mark of the owner off the first object.
func (g *Claimed) Unmark() string {
	verb := "label"
	if g.MarkIn == InAnnotations {
		verb = "annotate"
	}
	text := fmt.Sprintf("kubectl %s %s", verb, g.Refs[0])
	if ns := g.Refs[0].Namespace; ns != "" {
		text += " -n " + ns
	}
	return text + " " + g.Mark + "-"
}
