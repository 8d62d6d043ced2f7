package render

import (
	"fmt"
	"path"
	"strings"
	"testing"
)

// Each object comes from the file and line it was written in, whatever the file is called.
func TestFieldFileNames(t *testing.T) {
	names := []string{"a b", "it's", `say "hi"`, "größe", "50%", "100%25", "x#1", "x #1", "a,b", "a&b", "a+b", "[x]", "{x}", "a;b", "a@b", "-x", "日本", "a'b\"c", "a\\b", "a:b", "e\u0301", "x.y.z", "!x", "*x", "~x"}
	const object = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s}\n"
	for _, name := range names {
		t.Run("M12 "+name, func(t *testing.T) {
			dir := t.TempDir()
			text := "# one\n" + fmt.Sprintf(object, "one") + "---\n" + fmt.Sprintf(object, "two")
			writeFile(t, dir, path.Join("plain "+name, name+".yaml"), text)
			writeFile(t, dir, path.Join("base "+name, name+".yaml"), text)
			writeFile(t, dir, path.Join("base "+name, "kustomization.yaml"), fmt.Sprintf("resources: [%s]\nconfigMapGenerator:\n- {name: three, files: [%s]}\n", yamlString(name+".yaml"), yamlString("key="+name)))
			writeFile(t, dir, path.Join("base "+name, name), "data")
			writeFile(t, dir, "over/kustomization.yaml", fmt.Sprintf("namePrefix: o-\nresources: [%s]\n", yamlString("../base "+name)))
			writeFile(t, dir, path.Join("chart "+name, "Chart.yaml"), "apiVersion: v2\nname: c\nversion: 1.0.0\n")
			writeFile(t, dir, path.Join("chart "+name, "templates", name+".yaml"), text)
			check := func(dirName, file string, helm *Helm) {
				t.Helper()
				objects, err := Dir(t.Context(), openRoot(t, dir), dirName, Options{Helm: helm})
				if err != nil {
					t.Fatal(describe(t, err))
				}
				found := map[string]Origin{}
				for _, o := range objects {
					found[o.GetName()] = o.Origin
				}
				for _, want := range []struct {
					name string
					line int
				}{{"one", 2}, {"two", 6}} {
					got, ok := found[want.name]
					if !ok {
						got = found["o-"+want.name]
					}
					if got != (Origin{File: file, Line: want.line}) {
						t.Errorf("%s: %s comes from %q line %d", dirName, want.name, got.File, got.Line)
					}
				}
			}
			check("plain "+name, path.Join("plain "+name, name+".yaml"), nil)
			check("over", path.Join("base "+name, name+".yaml"), nil)
			check("base "+name, path.Join("base "+name, name+".yaml"), nil)
			check("chart "+name, path.Join("chart "+name, "templates", name+".yaml"), &Helm{Release: "r"})
		})
	}
}

// yamlString writes text as a single-quoted scalar.
func yamlString(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }
