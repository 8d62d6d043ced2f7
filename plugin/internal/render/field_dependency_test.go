package render

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	v2 "helm.sh/helm/v4/pkg/chart/v2"
	"sigs.k8s.io/yaml"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/chart"
)

func versionOf(name, version string) map[string]string {
	return map[string]string{"Chart.yaml": fmt.Sprintf("apiVersion: v2\nname: %s\nversion: %s\n", name, version),
		"templates/c.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: {{ .Chart.Name }}}\ndata: {version: {{ .Chart.Version }}}\n"}
}

// The versions of two dependencies of one name, wherever their charts come from.
func TestFieldDependencies(t *testing.T) {
	const head = "apiVersion: v2\nname: shop\nversion: 1.0.0\ndependencies:\n"
	const two = head +
		"- {name: cache, alias: old, version: 1.x, repository: \"https://charts.example.com\"}\n" +
		"- {name: cache, alias: new, version: ^2.0.0, repository: \"https://charts.example.com\"}\n"
	one, other := tgz(t, "cache", versionOf("cache", "1.4.0")), tgz(t, "cache", versionOf("cache", "2.1.0"))
	// The digest is that of Chart.yaml's and Chart.lock's dependencies, as Helm writes it.
	const lock = "dependencies:\n- {name: cache, repository: \"https://charts.example.com\", version: 1.4.0}\n- {name: cache, repository: \"https://charts.example.com\", version: 2.1.0}\n"
	mid := versionOf("mid", "1.0.0")
	mid["Chart.yaml"] += "dependencies:\n- {name: cache, alias: old, version: 1.x}\n- {name: cache, alias: new, version: 2.x}\n"
	mid["charts/cache-1.4.0.tgz"], mid["charts/cache-2.1.0.tgz"] = one, other
	lacking := versionOf("mid", "1.0.0")
	lacking["Chart.yaml"] += "dependencies:\n- {name: cache, alias: old, version: 1.x}\n- {name: cache, alias: new, version: 2.x}\n"
	lacking["charts/cache-1.4.0.tgz"] = one
	tests := []struct {
		name  string
		files map[string]string
		want  string // names and versions, or a part of the error
	}{
		{"P9 archives in charts", map[string]string{"Chart.yaml": two, "charts/cache-1.4.0.tgz": one, "charts/cache-2.1.0.tgz": other}, "new 2.1.0, old 1.4.0"},
		{"P9 an archive and a directory", map[string]string{"Chart.yaml": two, "charts/cache-1.4.0.tgz": one,
			"charts/c/Chart.yaml": versionOf("cache", "2.1.0")["Chart.yaml"], "charts/c/templates/c.yaml": versionOf("", "")["templates/c.yaml"]}, "new 2.1.0, old 1.4.0"},
		{"P9 nested archives", map[string]string{"Chart.yaml": head + "- {name: mid, version: 1.0.0}\n", "charts/mid-1.0.0.tgz": tgz(t, "mid", mid)},
			"mid 1.0.0, new 2.1.0, old 1.4.0"},
		{"P9 one archive is missing", map[string]string{"Chart.yaml": two, "charts/cache-1.4.0.tgz": one},
			"Chart.yaml:6: dependencies are not in charts/: cache ^2.0.0 from https://charts.example.com"},
		{"P9 one archive is missing in an archive", map[string]string{"Chart.yaml": head + "- {name: mid, version: 1.0.0}\n", "charts/mid-1.0.0.tgz": tgz(t, "mid", lacking)},
			"charts/mid-1.0.0.tgz/Chart.yaml:6: dependency new: version 2.x of it is not in the charts/ of mid"},
		{"P9 requirements.yaml", map[string]string{"Chart.yaml": "apiVersion: v1\nname: shop\nversion: 1.0.0\n",
			"requirements.yaml": "dependencies:\n- {name: cache, alias: old, version: 1.x, repository: \"file://c1\"}\n- name: cache\n  alias: new\n  version: 3.x\n  repository: file://c1\n",
			"c1/Chart.yaml":     versionOf("cache", "1.0.0")["Chart.yaml"], "c1/templates/c.yaml": versionOf("", "")["templates/c.yaml"]},
			"requirements.yaml:3: dependency cache: version 3.x is wanted, and file://c1 holds 1.0.0"},
		{"P9 fetched", map[string]string{"Chart.yaml": two, "Chart.lock": lock + "digest: " + lockDigest(t, two, lock) + "\n"}, "new 2.1.0, old 1.4.0"},
		{"P9 one fetched, one in charts", map[string]string{"Chart.yaml": two, "charts/cache-1.4.0.tgz": one, "Chart.lock": lock + "digest: " + lockDigest(t, two, lock) + "\n"},
			"new 2.1.0, old 1.4.0"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			for file, text := range tt.files {
				writeFile(t, dir, file, text)
			}
			archives := map[string][]byte{}
			for version, archive := range map[string]string{"1.4.0": one, "2.1.0": other} {
				archives[chart.Need{Name: "cache", Version: version, Repository: "https://charts.example.com"}.Key()] = []byte(archive)
			}
			objects, err := Dir(t.Context(), openRoot(t, dir), ".", Options{Charts: Charts{Archives: archives}})
			if err != nil {
				if !strings.Contains(err.Error(), tt.want) {
					t.Error(describe(t, err))
				}
				return
			}
			var got []string
			for _, o := range objects {
				data, _ := o.Object["data"].(map[string]any)
				got = append(got, fmt.Sprint(o.GetName(), " ", data["version"]))
			}
			slices.Sort(got)
			if text := strings.Join(got, ", "); text != tt.want {
				t.Errorf("got %s, want %s", text, tt.want)
			}
		})
	}
}

// lockDigest is what Helm writes into Chart.lock.
func lockDigest(t *testing.T, chartYAML, lock string) string {
	t.Helper()
	var metadata v2.Metadata
	var locked v2.Lock
	if err := yaml.Unmarshal([]byte(chartYAML), &metadata); err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal([]byte(lock), &locked); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal([2][]*v2.Dependency{metadata.Dependencies, locked.Dependencies})
	if err != nil {
		t.Fatal(err)
	}
	return chart.Digest(text)
}
