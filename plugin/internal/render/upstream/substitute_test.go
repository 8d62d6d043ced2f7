package upstream

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	fluxkustomize "github.com/fluxcd/pkg/kustomize"
	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/provider"
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/render"
)

// Variables are replaced in each scene as the kustomize-controller does it: by the same function of Flux, on what Kustomize builds.
func TestEqualsFluxPostBuild(t *testing.T) {
	for _, file := range scenes(t, "substitute_flux*.txtar") {
		name := strings.TrimSuffix(filepath.Base(file), ".txtar")
		switch name {
		case "substitute_flux_unread", "substitute_flux_secret": // of ours alone
			continue
		}
		t.Run(name, func(t *testing.T) {
			s, fails := readScene(t, file)
			substitute := substituteOf(t, file)
			want, err := s.postBuild(t, substitute)
			if name == "substitute_flux_wrong" || name == "substitute_flux_names" {
				if !fails || err == nil {
					t.Fatalf("ours fails: %v; Flux: %v", fails, err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			got := s.substituted(t, substitute)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("-flux +ours:\n%s", diff)
			}
		})
	}
}

func substituteOf(t *testing.T, file string) *render.Substitute {
	t.Helper()
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	text, _ := strings.CutPrefix(strings.TrimSpace(string(archive.Comment)), "substitute: ")
	s := &render.Substitute{}
	if err := yaml.UnmarshalStrict([]byte(text), s); err != nil {
		t.Fatal(err)
	}
	return s
}

// substituted is what we render, sorted.
func (s scene) substituted(t *testing.T, substitute *render.Substitute) []string {
	t.Helper()
	root, err := os.OpenRoot(s.root)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	objects, err := render.Dir(t.Context(), root, s.dir, render.Options{Substitute: substitute})
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	for _, o := range objects {
		texts = append(texts, asJSON(t, o.Object))
	}
	slices.Sort(texts)
	return texts
}

// postBuild is what Flux gives, sorted. Its settings are a Kustomization, and it reads nothing from a cluster.
func (s scene) postBuild(t *testing.T, substitute *render.Substitute) ([]string, error) {
	t.Helper()
	dir := filepath.Join(s.root, s.dir)
	if _, err := os.Stat(filepath.Join(dir, "kustomization.yaml")); err != nil {
		if err := os.WriteFile(filepath.Join(dir, "kustomization.yaml"), []byte("resources: [a.yaml]\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		defer os.Remove(filepath.Join(dir, "kustomization.yaml"))
	}
	resources, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), dir)
	if err != nil {
		t.Fatal(err)
	}
	return fluxSubstitutes(t, resources, substitute)
}

// fluxSubstitutes does to resources what the build of the kustomize-controller does.
func fluxSubstitutes(t *testing.T, resources resmap.ResMap, substitute *render.Substitute) ([]string, error) {
	t.Helper()
	vars := map[string]any{}
	for name, value := range substitute.Vars {
		vars[name] = fmt.Sprint(value)
	}
	settings := unstructured.Unstructured{Object: map[string]any{"spec": map[string]any{"postBuild": map[string]any{"substitute": vars}}}}
	for _, r := range resources.Resources() {
		out, err := fluxkustomize.SubstituteVariables(t.Context(), nil, settings, r,
			fluxkustomize.SubstituteWithDryRun(true), fluxkustomize.SubstituteWithAlways(substitute.Always))
		if err != nil {
			return nil, err
		}
		if out == nil {
			continue
		}
		if _, err := resources.Replace(r); err != nil {
			return nil, err
		}
	}
	stream, err := resources.AsYaml()
	if err != nil {
		return nil, err
	}
	var texts []string
	for document := range strings.SplitSeq("\n"+string(stream), "\n---\n") {
		var object map[string]any
		if err := yaml.Unmarshal([]byte(document+"\n"), &object); err != nil {
			return nil, err
		}
		texts = append(texts, asJSON(t, object))
	}
	slices.Sort(texts)
	return texts, nil
}

// asJSON writes an object. Flux rounds whole numbers beyond 2^53, and ours does not: they are compared as they are rounded.
func asJSON(t *testing.T, object map[string]any) string {
	t.Helper()
	text, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	var rounded map[string]any
	if err := json.Unmarshal(text, &rounded); err != nil {
		t.Fatal(err)
	}
	if text, err = json.Marshal(rounded); err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Whatever stands in an object and in variables, the result is that of Flux, or both refuse it.
func FuzzSubstituteAsFlux(f *testing.F) {
	for _, text := range expressions {
		for _, values := range [][2]string{{"abc", "2"}, {"a: b", "- x"}, {"# x", "yes"}, {`"x`, `'y'`}, {"{a: 1}", "[1]"}, {"0x1f", "1_000"}, {"~", "1.10"}, {"a\rb: c", "\u2028x"}, {"*a", "&a b"}, {"|", "> x"}, {"!!binary YWJj", "!!str 5"}, {"2020-01-02", "1e3"}, {"<<", "? x"}, {"%x", "@y"}} {
			f.Add(text, values[0], values[1])
		}
	}
	factory := provider.NewDefaultDepProvider().GetResourceFactory()
	f.Fuzz(func(t *testing.T, text, a, b string) {
		if !utf8.ValidString(text) || !utf8.ValidString(a) || !utf8.ValidString(b) || strings.ContainsRune(text, 0) {
			t.Skip("no YAML holds it")
		}
		object := map[string]any{"apiVersion": "example.com/v1", "kind": "Site", "metadata": map[string]any{"name": "x"},
			"spec": map[string]any{"a": text, "b": []any{text, "x " + text}, "c": map[string]any{text: "d"}, "e": "x\n" + text + "\n"}}
		manifest, err := json.Marshal(object)
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "a.json"), manifest, 0o644); err != nil {
			t.Fatal(err)
		}
		root, err := os.OpenRoot(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer root.Close()
		plain, err := render.Dir(t.Context(), root, ".", render.Options{})
		if err != nil {
			t.Skip(err)
		}
		substitute := &render.Substitute{Dialect: render.DialectFlux, Vars: map[string]any{"A": a, "B": b}}
		objects, err := render.Dir(t.Context(), root, ".", render.Options{Substitute: substitute})
		resource, fluxErr := factory.FromMap(plain[0].Object)
		if fluxErr != nil {
			t.Skip(fluxErr)
		}
		resources := resmap.New()
		if err := resources.Append(resource); err != nil {
			t.Skip(err)
		}
		want, fluxErr := fluxSubstitutes(t, resources, substitute)
		if fluxErr != nil && strings.Contains(fluxErr.Error(), "map merge") {
			t.Skip("the YAML of Kustomize takes a key << for a merge, even in quotes")
		}
		if (err != nil) != (fluxErr != nil) {
			t.Fatalf("%q with A=%q B=%q\nours: %v\nFlux: %v", text, a, b, err, fluxErr)
		}
		if err != nil {
			return
		}
		if got := []string{asJSON(t, objects[0].Object)}; !slices.Equal(want, got) {
			t.Errorf("%q with %v\n%s", text, slices.Sorted(maps.Keys(substitute.Vars)), cmp.Diff(want, got))
		}
	})
}
