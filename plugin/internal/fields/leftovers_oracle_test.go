package fields_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
	"sigs.k8s.io/structured-merge-diff/v6/merge"
	"sigs.k8s.io/structured-merge-diff/v6/typed"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/fields"
)

// serverSchema has one of each sort of list and map that Kubernetes' kinds have.
const serverSchema = `
types:
- name: object
  map: {fields: [
    {name: metadata, type: {namedType: open}},
    {name: spec, type: {namedType: spec}}]}
- name: open
  map: {elementType: {namedType: any}}
- name: any
  scalar: untyped
  list: {elementType: {namedType: any}, elementRelationship: atomic}
  map: {elementType: {namedType: any}}
- name: spec
  map: {fields: [
    {name: a, type: {scalar: numeric}},
    {name: b, type: {scalar: numeric}},
    {name: labels, type: {namedType: labels}},
    {name: selector, type: {namedType: selector}},
    {name: args, type: {list: {elementType: {scalar: string}, elementRelationship: atomic}}},
    {name: set, type: {list: {elementType: {scalar: string}, elementRelationship: associative}}},
    {name: items, type: {list: {elementType: {namedType: item}, elementRelationship: associative, keys: [name]}}},
    {name: inner, type: {namedType: spec}}]}
- name: labels
  map: {elementType: {scalar: numeric}}
- name: selector
  map: {elementType: {scalar: numeric}, elementRelationship: atomic}
- name: item
  map: {fields: [
    {name: name, type: {scalar: string}},
    {name: a, type: {scalar: numeric}},
    {name: b, type: {scalar: numeric}},
    {name: inner, type: {namedType: spec}}]}
`

type oneVersion struct{}

func (oneVersion) Convert(o *typed.TypedValue, _ fieldpath.APIVersion) (*typed.TypedValue, error) {
	return o, nil
}
func (oneVersion) IsMissingVersionError(error) bool { return false }

// server is server-side apply as the API server does it, on one object.
type server struct {
	t        *testing.T
	parser   typed.ParseableType
	updater  *merge.Updater
	live     *typed.TypedValue
	managers fieldpath.ManagedFields
}

func newServer(t *testing.T) *server {
	p, err := typed.NewParser(typed.YAMLObject(serverSchema))
	if err != nil {
		t.Fatal(err)
	}
	b := merge.UpdaterBuilder{Converter: oneVersion{}, ReturnInputOnNoop: true}
	s := &server{t: t, parser: p.Type("object"), updater: b.BuildUpdater(), managers: fieldpath.ManagedFields{}}
	s.live = s.value(map[string]any{})
	return s
}

func (s *server) value(v any) *typed.TypedValue {
	o, err := s.parser.FromUnstructured(v)
	if err != nil {
		s.t.Fatalf("%v in %v", err, v)
	}
	return o
}

func (s *server) apply(manager string, git map[string]any) {
	live, managers, err := s.updater.Apply(s.live, s.value(git), "v1", s.managers, manager+" Apply", true)
	if err != nil {
		s.t.Fatal(err)
	}
	s.live, s.managers = live, managers
}

func (s *server) update(manager string, spec map[string]any) {
	live, managers, err := s.updater.Update(s.live, s.value(map[string]any{"spec": spec}), "v1", s.managers, manager+" Update")
	if err != nil {
		s.t.Fatal(err)
	}
	s.live, s.managers = live, managers
}

// object is the live object with its managedFields.
func (s *server) object() *unstructured.Unstructured {
	raw, err := json.Marshal(s.live.AsValue().Unstructured())
	if err != nil {
		s.t.Fatal(err)
	}
	u := object(s.t, string(raw))
	var entries []metav1.ManagedFieldsEntry
	for name, set := range s.managers {
		manager, operation, _ := strings.Cut(name, " ")
		owned, err := set.Set().ToJSON()
		if err != nil {
			s.t.Fatal(err)
		}
		entries = append(entries, metav1.ManagedFieldsEntry{Manager: manager, Operation: metav1.ManagedFieldsOperationType(operation), APIVersion: "v1",
			FieldsType: "FieldsV1", FieldsV1: metav1.NewFieldsV1(string(owned)), Time: &metav1.Time{Time: time.Unix(0, 0)}})
	}
	u.SetManagedFields(entries)
	return u
}

// claim takes over managedFields that a client sent.
func (s *server) claim(entries []metav1.ManagedFieldsEntry) {
	s.managers = fieldpath.ManagedFields{}
	for _, e := range entries {
		set := fieldSet(s.t, string(e.FieldsV1.GetRawBytes()))
		s.managers[e.Manager+" "+string(e.Operation)] = fieldpath.NewVersionedSet(set, "v1", e.Operation == metav1.ManagedFieldsOperationApply)
	}
}

// randomSpec is a struct of some of the fields. Defaults are what nobody sends.
func randomSpec(r *rand.Rand, depth int) map[string]any {
	out := map[string]any{"b": int64(r.IntN(3))}
	maybe := func() bool { return r.IntN(3) == 0 }
	number := func() any { return int64(r.IntN(3)) }
	if maybe() {
		out["a"] = number()
	}
	if r.IntN(4) == 0 && len(out) > 1 {
		delete(out, "b")
	}
	for _, name := range []string{"labels", "selector"} {
		if maybe() {
			out[name] = map[string]any{string(rune('x' + r.IntN(3))): number()}
		}
	}
	for _, name := range []string{"args", "set"} {
		if maybe() {
			out[name] = []any{string(rune('x' + r.IntN(3)))}
		}
	}
	if maybe() {
		var items []any
		for _, name := range []string{"x", "y", "z"} {
			if maybe() {
				item := map[string]any{"name": name, "a": number()}
				if inner := randomSpec(r, depth-1); depth > 0 && len(inner) > 0 {
					item["inner"] = inner
				}
				items = append(items, item)
			}
		}
		if len(items) > 0 {
			out["items"] = items
		}
	}
	if depth > 0 && maybe() {
		if inner := randomSpec(r, depth-1); len(inner) > 0 {
			out["inner"] = inner
		}
	}
	return out
}

// overlaid is what an edit makes of a spec: some fields of another one over it.
func overlaid(r *rand.Rand, spec map[string]any) map[string]any {
	out, _ := runtime.DeepCopyJSONValue(spec).(map[string]any)
	if out == nil {
		out = map[string]any{}
	}
	for name, v := range randomSpec(r, 2) {
		out[name] = v
	}
	for _, name := range slices.Sorted(maps.Keys(out)) {
		if r.IntN(5) == 0 {
			delete(out, name)
		}
	}
	return out
}

// TestAsGitEqualsTheServer lets us, a person and a controller write an object at random. What AsGit says becomes of it
// when leftovers are claimed is what the server's own code makes of it, whatever is dropped.
func TestAsGitEqualsTheServer(t *testing.T) {
	dropped := 0
	for seed := range uint64(1000) {
		r := rand.New(rand.NewPCG(seed, 1))
		s := newServer(t)
		var done []string
		for range 1 + r.IntN(5) {
			switch r.IntN(4) {
			case 0:
				git := map[string]any{"spec": randomSpec(r, 2)}
				s.apply("ours", git)
				done = append(done, "ours "+text(t, git))
			case 1:
				git := map[string]any{"spec": randomSpec(r, 2)}
				s.apply("operator", git)
				done = append(done, "operator "+text(t, git))
			default:
				spec, _ := s.object().Object["spec"].(map[string]any)
				spec = overlaid(r, spec)
				s.update("kubectl-edit", spec)
				done = append(done, "kubectl-edit "+text(t, spec))
			}
		}
		live, git, who := s.object(), map[string]any{"spec": randomSpec(r, 2)}, fields.Parties{Ours: "ours"}
		all, err := fields.Leftovers(live, &unstructured.Unstructured{Object: git}, who)
		if err != nil {
			t.Fatal(err)
		}
		drop := slices.DeleteFunc(all, func(fields.Leftover) bool { return r.IntN(3) == 0 })
		dropped += len(drop)
		got, err := fields.AsGit(live, &unstructured.Unstructured{Object: git}, who, drop)
		if err != nil {
			t.Fatal(err)
		}
		entries, err := fields.Claim(live, "ours", "v1", time.Unix(1, 0), drop)
		if err != nil {
			t.Fatal(err)
		}
		s.claim(entries)
		s.apply("ours", git)
		have, want := normal(got.Object["spec"]), normal(s.object().Object["spec"])
		if have != want {
			t.Fatalf("seed %d\n%s\nlive %s\nfields %s\nGit %s\ndropped\n%s\nAsGit   %s\nserver  %s", seed, strings.Join(done, "\n"), text(t, live.Object["spec"]),
				text(t, live.GetManagedFields()), text(t, git["spec"]), listed(drop), have, want)
		}
	}
	if dropped < 500 {
		t.Errorf("%d parts dropped", dropped)
	}
}

// normal is a spec with its lists in one order. Empty lists are none to the server's kinds, while an empty struct is one.
func normal(v any) string {
	return fmt.Sprint(cleaned(v))
}

func cleaned(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for name, inner := range v {
			if c := cleaned(inner); c != nil {
				out[name] = c
			}
		}
		return out
	case []any:
		var out []any
		for _, inner := range v {
			out = append(out, cleaned(inner))
		}
		slices.SortFunc(out, func(a, b any) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
		if len(out) == 0 {
			return nil
		}
		return out
	}
	return v
}
