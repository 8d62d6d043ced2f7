package desired

import (
	"fmt"
	"maps"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/app"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/manifest"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
)

// DefinedKinds returns the kinds that CustomResourceDefinitions among the objects define, so that their custom resources
// can be planned before the API server knows them. Only a definition that the app applies, and may contain, says anything.
// One that no server would take is a problem, and so are two that define one kind.
func DefinedKinds(allow app.Allow, rendered []manifest.Object) (map[schema.GroupVersionKind]object.Kind, manifest.Problems) {
	kinds := map[schema.GroupVersionKind]object.Kind{}
	by := map[schema.GroupKind]manifest.Object{}
	var problems manifest.Problems
	for _, o := range rendered {
		crd := object.Kind{Group: o.GroupVersionKind().Group, Kind: o.GetKind()}
		if !object.IsDefinition(crd.Group, crd.Kind) || !isApplied(crd, o.GetAnnotations()) {
			continue
		}
		if why, _ := allow.Refuses(object.Ref{Kind: crd, Name: o.GetName()}); why != "" {
			continue
		}
		defined, err := object.Defined(o.Object)
		if err != nil {
			problems = append(problems, manifest.Problem{Origin: o.Origin, Object: o.ID(), Message: err.Error()})
			continue
		}
		for _, k := range defined {
			gk := k.GVK().GroupKind()
			if other, twice := by[gk]; twice && other.GetName() != o.GetName() {
				problems = append(problems, manifest.Problem{Origin: o.Origin, Object: o.ID(),
					Message: fmt.Sprintf("defines %s, as %s at %s does", gk, other.GetName(), other.Origin), Hint: "remove one of the two"})
				break
			}
			kinds[k.GVK()], by[gk] = k, o
		}
	}
	return kinds, problems
}

// Definitions returns the kinds that the apps of a repository define, each with its rendered objects, for one who asks what
// the repository takes before anything of it is applied.
func Definitions(apps []app.App, rendered [][]manifest.Object) map[schema.GroupVersionKind]object.Kind {
	kinds := map[schema.GroupVersionKind]object.Kind{}
	for i, a := range apps {
		defined, _ := DefinedKinds(a.Allow, rendered[i]) // a run tells what is wrong
		maps.Copy(kinds, defined)
	}
	return kinds
}

// isApplied tells whether an object with these annotations is applied: it is not left alone, and no hook instead.
func isApplied(k object.Kind, annotations map[string]string) bool {
	h, err := ParseHook(annotations)
	return err == nil && !PolicyOf(annotations).Ignore && (h == nil || h.neverRun(k))
}
