package render

import (
	"context"
	"fmt"
	"path"
	"regexp"
	"slices"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/generated"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/safeyaml"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

var givenFile = regexp.MustCompile(`'(?:[^']*/)?([0-9]+\.yaml)'`)

// named returns which object an error of the library is about.
func (g *given) named(text string) (int, bool) {
	m := givenFile.FindStringSubmatch(text)
	if g == nil || m == nil {
		return 0, false
	}
	return g.number(path.Join(overlayHome, m[1]))
}

// surveyGiven makes the kustomization of an overlay over objects.
func surveyGiven(s *survey, objects []Object) (*kustomization, error) {
	s.overlaid = true
	k := &kustomization{dir: overlayHome, name: kustomizationNames[0], file: path.Join(overlayHome, kustomizationNames[0]), loads: 1, items: len(objects),
		data: []byte("{}"), given: &given{objects: objects}}
	k.lay(s.options.Overlay)
	for i, o := range objects {
		if bad := kustomizable(o); len(bad) > 0 {
			s.problems = append(s.problems, bad...)
			continue
		}
		text, err := safeyaml.JSON(o.Object)
		if err != nil {
			return nil, err
		}
		file := path.Join(overlayHome, fileOf(i))
		s.plain[file], s.docs[file] = text, []Object{o}
		s.keepSecret(o)
	}
	if len(s.problems) > 0 {
		return nil, nil
	}
	s.plain[k.file] = k.data
	if err := k.given.share(s.tree); err != nil || len(s.problems) > 0 {
		return nil, err
	}
	return k, k.enter(s)
}

// share decides which objects are built together. Several hooks may have one name: a cluster has one of them at a time. The library
// knows each name once, so each of those is built with all other objects.
func (g *given) share(t *tree) error {
	seen := map[string][]int{}
	for i, o := range g.objects {
		id := idOf(o)
		id.Namespace = id.EffectiveNamespace()
		key := id.String()
		for _, j := range seen[key] {
			if o.Hook == nil && g.objects[j].Hook == nil {
				t.problems = append(t.problems, Problem{Origin: o.Origin, Object: o.ID(), Message: "defined twice: also at " + g.objects[j].Origin.String(), Hint: "keep one of the two"})
				return nil
			}
		}
		if seen[key] = append(seen[key], i); len(seen[key]) > maxRounds {
			return Problem{Origin: o.Origin, Object: o.ID(), Message: fmt.Sprintf("more than %d hooks have this name", maxRounds), Hint: "give them names of their own"}
		}
	}
	for round := 0; ; round++ {
		var together []int
		more := false
		for _, all := range seen {
			more = more || len(all) > round
			together = append(together, all[min(round, len(all)-1)])
		}
		if !more && round > 0 {
			return nil
		}
		slices.Sort(together)
		g.rounds = append(g.rounds, together)
	}
}

// resources is the kustomization, without the overlay, of the objects of a round.
func (g *given) resources(round int) ([]byte, error) {
	files := []any{}
	for _, n := range g.rounds[round] {
		files = append(files, fileOf(n))
	}
	return safeyaml.JSON(map[string]any{"resources": files})
}

// buildGiven builds the objects with the overlay, in the order that they had. What components add comes last.
func buildGiven(ctx context.Context, s *survey, k *kustomization) ([]Object, error) {
	g := k.given
	built := make([]*Object, len(g.objects))
	var added []Object
	earlier := map[int]bool{}
	for round := range g.rounds {
		var err error
		if k.data, err = g.resources(round); err != nil {
			return nil, err
		}
		objects, err := k.layer.build(ctx, s, k)
		if err != nil {
			return nil, err
		}
		for _, o := range g.restore(s, objects, g.rounds[round], k.layer.Overlay) {
			switch {
			case o.number < 0 && round == 0:
				added = append(added, o.Object)
			case o.number >= 0 && !earlier[o.number]:
				built[o.number] = &o.Object
			}
		}
		for _, n := range g.rounds[round] {
			earlier[n] = true
		}
	}
	var all []Object
	for _, o := range built {
		if o != nil {
			all = append(all, *o)
		}
	}
	return append(all, added...), nil
}

// mayMake reports whether the overlay may have made o of was, by their names.
func (v *Overlay) mayMake(was, o Object) bool {
	return was.GroupVersionKind().GroupKind() == o.GroupVersionKind().GroupKind() && (v.Namespace != "" || was.GetNamespace() == o.GetNamespace()) &&
		(o.GetName() == was.GetName() || o.GetName() == v.NamePrefix+was.GetName()+v.NameSuffix)
}

// hasValuesOf reports whether all values of a Secret are those that it had, or come from encrypted files.
func hasValuesOf(s *survey, was, o Object) bool {
	was.Generated = nil // they count as well
	had := secretValues(was)
	return isSecret(o.Unstructured) && !slices.ContainsFunc(secretValues(o), func(value string) bool { return !s.sealed[value] && !slices.Contains(had, value) })
}

// restored is a built object, and which of the given ones it was; -1 for none.
type restored struct {
	Object
	number int
}

// restore gives built objects the origins and hooks of those that they were made of. A patch may have removed the note of the library
// on an object: then its name tells which one of the round it was.
func (g *given) restore(s *survey, objects []Object, round []int, v *Overlay) []restored {
	taken := map[int]bool{}
	out := make([]restored, len(objects))
	for i, o := range objects {
		out[i] = restored{o, -1}
		if o.Origin.File == overlayHome && o.Origin.Line > 0 && !taken[o.Origin.Line-1] {
			out[i].number = o.Origin.Line - 1
			taken[out[i].number] = true
		}
	}
	for i, o := range out {
		if o.number < 0 && isOfHome(o.Origin.File) {
			for _, n := range round {
				if !taken[n] && v.mayMake(g.objects[n], o.Object) {
					out[i].number = n
					break
				}
			}
		}
		switch n := out[i].number; {
		case n >= 0:
			taken[n] = true
			out[i].Origin, out[i].Hook = g.objects[n].Origin, g.objects[n].Hook
			out[i].Sealed = out[i].Sealed || g.objects[n].Sealed && hasValuesOf(s, g.objects[n], o.Object)
		case isOfHome(o.Origin.File):
			out[i].Origin = v.at("")
		}
	}
	return out
}

// overlay changes objects that another renderer than Kustomize gave. Which of their values a chart makes up anew is found out once more
// afterwards, because an overlay moves, copies and replaces values: the objects of the other render get the overlay, too.
func overlay(ctx context.Context, t *tree, objects []Object, o Options) ([]Object, error) {
	others, differ := slices.Clone(objects), false
	for i, object := range objects {
		if again := t.again[object.Unstructured]; again != nil {
			others[i].Unstructured, differ = &unstructured.Unstructured{Object: again}, true
		}
	}
	built, err := overlayOnce(ctx, t, objects, o)
	if err != nil || len(t.problems) > 0 || !differ {
		return built, err
	}
	o.warning = nil
	if others, err = overlayOnce(ctx, t, others, o); err != nil || len(t.problems) > 0 {
		return nil, err
	}
	refuse := func(at Object, why string) error {
		return Problem{Origin: o.Overlay.at(""), Object: at.ID(), Message: "with the overlay, a value that the chart makes up anew cannot be kept: " + why,
			Hint: "only values of fields can be kept: change the overlay, or give the chart a fixed value"}
	}
	if len(others) != len(built) {
		return nil, refuse(built[0], "the number of objects is another one in each render")
	}
	for i := range built {
		if built[i].Generated, err = generated.Paths(built[i].Object, others[i].Object); err != nil {
			return nil, refuse(built[i], err.Error())
		}
	}
	return built, nil
}

func overlayOnce(ctx context.Context, t *tree, objects []Object, o Options) ([]Object, error) {
	if len(objects) == 0 && len(o.Overlay.Components) == 0 {
		return nil, nil
	}
	s := newSurvey(ctx, t, o)
	k, err := surveyGiven(s, objects)
	if err != nil || len(t.problems) > 0 {
		return nil, err
	}
	if len(k.layer.steps) == 0 {
		for _, object := range objects {
			o.Overlay.describe(object)
		}
		return objects, nil
	}
	return exclusively(ctx, func() ([]Object, error) { return buildGiven(ctx, s, k) })
}
