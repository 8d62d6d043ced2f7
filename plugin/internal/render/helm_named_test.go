package render

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/chart"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/pins"
)

// namedChart is a chart that prints its values.
func namedChart(t testing.TB, version string) []byte {
	return packed(t, "shop/Chart.yaml", fmt.Sprintf("apiVersion: v2\nname: shop\nversion: %s\n", version),
		"shop/values.yaml", "a: chart\nb: chart\nc: chart\nd: chart\ne: chart\nport: 1\n",
		"shop/values-prod.yaml", "b: archive\nc: archive\nd: archive\ne: archive\n",
		"shop/values.schema.json", `{"properties": {"port": {"type": "integer"}}}`,
		"shop/templates/c.yaml", `apiVersion: v1
kind: ConfigMap
metadata: {name: "{{ .Release.Name }}"}
data:
  version: {{ .Chart.Version }}
  got: "{{ .Values.a }} {{ .Values.b }} {{ .Values.c }} {{ .Values.d }} {{ .Values.e }}"
`)
}

// repository answers for every chart with the chart shop: the version that is asked for, or of a range the newest.
type repository struct {
	t      testing.TB
	newest string
	asked  []string
	fails  error
}

func (r *repository) fetch(_ context.Context, n chart.Need) ([]byte, string, error) {
	r.asked = append(r.asked, n.Version)
	version := n.Version
	if !chart.Exact(version) {
		version = r.newest
	}
	return namedChart(r.t, version), version, r.fails
}

func TestNamedChart(t *testing.T) {
	origin := Origin{File: "gitops.yaml", Line: 5}
	need := chart.Need{Name: "shop", Version: "1.x", Repository: "https://charts.example.com"}
	locked := func(version, digest string) pins.Lock {
		return pins.Lock{{URL: need.Repository, Chart: "shop", Constraint: "1.x", Version: version, Digest: digest}}
	}
	for name, tt := range map[string]struct {
		need   chart.Need
		helm   Helm
		lock   pins.Lock
		pins   []pins.Entry
		fails  error
		want   string // version and values, or a part of the error
		asked  string
		accept func(Dependency) error
	}{
		"the newest":                {need: need, want: "1.9.0 chart chart chart chart chart", asked: "1.x"},
		"the record's":              {need: need, pins: locked("1.2.0", ""), want: "1.2.0 chart chart chart chart chart", asked: "1.2.0"},
		"the lock's":                {need: need, lock: locked("1.1.0", ""), pins: locked("1.2.0", ""), want: "1.1.0 chart chart chart chart chart", asked: "1.1.0"},
		"the lock's, with digest":   {need: need, lock: locked("1.1.0", chart.Digest(namedChart(t, "1.1.0"))), want: "1.1.0 chart chart chart chart chart", asked: "1.1.0"},
		"another than the lock has": {need: need, lock: locked("1.1.0", "sha256:00"), want: "gitops.yaml:5: chart shop 1.1.0 from https://charts.example.com: version 1.1.0 was published anew: gitops.lock.yaml has sha256:00, and now it is sha256:", asked: "1.1.0"},
		"exact":                     {need: chart.Need{Name: "shop", Version: "1.3.0", Repository: "oci://r.example"}, want: "1.3.0 chart chart chart chart chart", asked: "1.3.0"},
		"values of every kind": {need: need, helm: Helm{Values: []string{"values-prod.yaml", "/prod/values.yaml"}, Inline: &Inline{YAML: "d: inline\ne: inline\n"}, Set: map[string]any{"e": "set"}},
			want: "1.9.0 chart archive file inline set", asked: "1.x"},
		"a values file that is in neither": {need: need, helm: Helm{Values: []string{"values-test.yaml"}}, want: `gitops.yaml:5: the chart shop has no values file "values-test.yaml"`, asked: "1.x"},
		"an inline value that the schema refuses": {need: need, helm: Helm{Inline: &Inline{YAML: "a: b\nport: many\n", Origin: Origin{File: "gitops.yaml", Line: 9}}},
			want: "gitops.yaml:10: value /port", asked: "1.x"},
		"another chart":    {need: chart.Need{Name: "web", Version: "1.3.0", Repository: "https://charts.example.com"}, want: "gitops.yaml:5: https://charts.example.com holds the chart shop 1.3.0 instead of web 1.3.0", asked: "1.3.0"},
		"no answer":        {need: need, fails: errors.New("no route"), want: "gitops.yaml:5: chart shop 1.x from https://charts.example.com: no route", asked: "1.x"},
		"it is not wanted": {need: need, accept: func(d Dependency) error { return fmt.Errorf("%s %s", d.Version, d.Constraint) }, want: "1.9.0 1.x", asked: "1.x"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			writeFile(t, dir, "prod/values.yaml", "c: file\nd: file\ne: file\n")
			r := &repository{t: t, newest: "1.9.0", fails: tt.fails}
			w := worker(t, "render")
			w.Fetch, w.Lock = r.fetch, func(*os.Root) (pins.Lock, error) { return tt.lock, nil }
			tt.helm.Release = "front"
			objects, err := w.Dir(t.Context(), openRoot(t, dir), "", Options{Charts: Charts{Chart: &NamedChart{Need: tt.need, Origin: origin}, Pins: tt.pins}, Helm: &tt.helm, Listeners: Listeners{Fetched: tt.accept}})
			got := ""
			if err != nil {
				got = err.Error()
			} else {
				data := objects[0].Object["data"].(map[string]any)
				got = fmt.Sprint(data["version"], " ", data["got"])
				if objects[0].GetName() != "front" || objects[0].Origin.File != fmt.Sprintf("shop-%s.tgz/templates/c.yaml", data["version"]) {
					t.Errorf("%s from %s", objects[0].GetName(), objects[0].Origin)
				}
			}
			if err == nil && got != tt.want || !strings.HasPrefix(got, tt.want) && !strings.Contains(got, tt.want) {
				t.Errorf("got %s", got)
			}
			if asked := strings.Join(r.asked, " "); asked != tt.asked {
				t.Errorf("asked for %s", asked)
			}
		})
	}
}

// Without somebody who fetches, the error names the place in gitops.yaml.
func TestNamedChartOffline(t *testing.T) {
	_, err := Dir(t.Context(), openRoot(t, t.TempDir()), "", Options{Charts: Charts{Chart: &NamedChart{Need: chart.Need{Name: "shop", Version: "1.0.0", Repository: "https://a.example"}, Origin: Origin{File: "gitops.yaml", Line: 3}}}})
	if err == nil || err.Error() != "gitops.yaml:3: the chart shop 1.0.0 from https://a.example is not in this repository" || len(hint.Of(err)) == 0 {
		t.Errorf("got %v", err)
	}
}
