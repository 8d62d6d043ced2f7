package build

import (
	"encoding/json"
	"errors"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/app"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/manifest"
)

// An app from a record has no lines. The gitops.yaml of the checkout has them, for parts of which it says the same.
func TestAnAppFromItsRecordGetsItsLines(t *testing.T) {
	at := func(line int) manifest.Origin { return manifest.Origin{File: "gitops.yaml", Line: line} }
	now := app.App{Name: "web", Helm: app.Helm{Inline: &app.Inline{YAML: "a: b\n", Origin: at(7)}}, Content: app.Content{
		Chart:     &app.Chart{Repo: "https://charts.example.com", Name: "web", Version: "1.2.3", Origin: at(5)},
		Kustomize: &app.Kustomize{NamePrefix: "x-", Origins: map[string]manifest.Origin{"": at(9), "namePrefix": at(9)}}}}
	raw, err := json.Marshal(now)
	if err != nil {
		t.Fatal(err)
	}
	recorded := func() (a app.App) {
		if err := json.Unmarshal(raw, &a); err != nil {
			t.Fatal(err)
		}
		return a
	}
	reads := 0
	read := func(*os.Root, string) ([]app.App, bool, error) {
		reads++
		return []app.App{{Name: "other"}, now}, true, nil
	}
	if diff := cmp.Diff(now, located(read, recorded(), nil, ".")); diff != "" {
		t.Error(diff)
	}
	other := recorded()
	other.Kustomize.NamePrefix = "y-"
	want := now
	want.Kustomize = other.Kustomize
	if diff := cmp.Diff(want, located(read, other, nil, ".")); diff != "" {
		t.Errorf("a part that differs: %s", diff)
	}
	if diff := cmp.Diff(recorded(), located(func(*os.Root, string) ([]app.App, bool, error) { return nil, true, errors.New("broken") }, recorded(), nil, ".")); diff != "" {
		t.Errorf("a file that is broken: %s", diff)
	}
	reads = 0
	for _, a := range []app.App{now, {Name: "web"}} {
		if diff := cmp.Diff(a, located(read, a, nil, ".")); diff != "" || reads > 0 {
			t.Errorf("nothing is missing: %d reads, %s", reads, diff)
		}
	}
}
