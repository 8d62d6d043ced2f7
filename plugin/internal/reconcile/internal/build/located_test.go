package build

import (
	"encoding/json"
	"errors"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/app"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/apps/rendering"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/manifest"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/source"
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
	read := func(*os.Root, string) ([]app.App, bool, error) {
		return []app.App{{Name: "other"}, now}, true, nil
	}
	from := func(read func(*os.Root, string) ([]app.App, bool, error), a app.App) app.App {
		b := &Builder{App: a, Renders: &Renders{Apps: read}, Record: &record.Record{Inventory: &record.Inventory{Header: record.Header{List: "."}}}}
		return b.located(t.Context(), &source.Tree{})
	}
	if diff := cmp.Diff(now, from(read, recorded())); diff != "" {
		t.Error(diff)
	}
	other := recorded()
	other.Kustomize.NamePrefix = "y-"
	want := now
	want.Kustomize = other.Kustomize
	if diff := cmp.Diff(want, from(read, other)); diff != "" {
		t.Errorf("a part that differs: %s", diff)
	}
	if diff := cmp.Diff(recorded(), from(func(*os.Root, string) ([]app.App, bool, error) { return nil, true, errors.New("broken") }, recorded())); diff != "" {
		t.Errorf("a file that is broken: %s", diff)
	}
	if !lacksLines(recorded()) || lacksLines(now) || lacksLines(app.App{Name: "web"}) {
		t.Error("which apps lack lines is not known")
	}
	options := rendering.Options(recorded())
	addLines(&options, now)
	if options.Chart.Origin != at(5) || options.Helm.Inline.Origin != at(7) || options.Overlay.Origins["namePrefix"] != at(9) {
		t.Errorf("%+v", options)
	}
}
