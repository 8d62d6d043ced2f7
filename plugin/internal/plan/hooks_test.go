package plan

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/app"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/desired"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/desired/desiredtest"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object/objecttest"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// TestHooksOfACommit prints for what the hooks of a commit are to run, and whether that is news.
func TestHooksOfACommit(t *testing.T) {
	web, other := desiredtest.Object("ConfigMap", "web"), desiredtest.Object("ConfigMap", "other")
	hook := desiredtest.Object("ConfigMap", "migrate", "argocd.argoproj.io/hook=PreSync")
	empty := func() *record.Record { return record.New("shop") }
	after := func(change func(*record.Record)) func() *record.Record { // all hooks have run for web
		return func() *record.Record {
			rec := empty()
			rec.Revision = report.Revision{Commit: "c1"}
			var h Hooks
			h.List = []*desired.Object{hook}
			h.ForCommit(rec, []*desired.Object{web}, "c1")
			rec.Hooks.Release = h.Release
			rec.Applied(record.Row{Ref: web.Ref, UID: "u"})
			change(rec)
			return rec
		}
	}
	for name, c := range map[string]struct {
		rec     func() *record.Record
		hooks   []*desired.Object
		objects []*desired.Object
		want    string
	}{
		"no hooks":                 {empty, nil, []*desired.Object{web}, ""},
		"the first commit":         {empty, []*desired.Object{hook}, []*desired.Object{web}, "install, new"},
		"the same manifests":       {after(func(*record.Record) {}), []*desired.Object{hook}, []*desired.Object{web}, ""},
		"another manifest":         {after(func(*record.Record) {}), []*desired.Object{hook}, []*desired.Object{web, other}, "upgrade, new"},
		"the hooks left Git":       {after(func(*record.Record) {}), nil, []*desired.Object{web}, "upgrade, new"},
		"a run before was cut off": {after(func(r *record.Record) { r.Due = record.HooksUpgrade }), []*desired.Object{hook}, []*desired.Object{web, other}, "upgrade"},
		"a rebuilt record upgrades": {after(func(r *record.Record) {
			r.Rebuilt, r.Hooks.Release, r.Report = true, "", &report.Summary{Revision: report.Revision{Commit: "c0"}}
		}), []*desired.Object{hook}, []*desired.Object{web}, "upgrade, new"},
		"an older version had no hooks":  {after(func(r *record.Record) { r.Hooks.Release, r.Revision.Commit = "", "c2" }), []*desired.Object{hook}, []*desired.Object{web}, ""},
		"its removal was given up":       {after(func(r *record.Record) { r.Due = record.HooksDelete }), []*desired.Object{hook}, []*desired.Object{web}, "upgrade, new"},
		"its removal had deleted it all": {after(func(r *record.Record) { r.Due = record.HooksDelete; r.Inventory.Pruned(object.KeyOf(web.Ref)) }), []*desired.Object{hook}, []*desired.Object{web}, "install, new"},
	} {
		h := Hooks{List: c.hooks}
		h.ForCommit(c.rec(), c.objects, "c2")
		if got := hooksText(h); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func hooksText(h Hooks) string {
	text := strings.ToLower(string(h.Due))
	if h.New {
		text += ", new"
	}
	if h.RemovalGoesOn() {
		text += ", goes on"
	}
	if h.AreDue() != (h.Due != "") {
		text += ", which is wrong"
	}
	return text
}

func TestHooksOfARemoval(t *testing.T) {
	kept := func(o *desired.Object, change func(*record.KeptHook)) *record.Record {
		rec := record.New("shop")
		body, err := json.Marshal(o.Manifest.Object)
		if err != nil {
			t.Fatal(err)
		}
		h := record.KeptHook{Object: o.Ref, Manifest: body}
		change(&h)
		if rec.Kept, err = record.PackHooks([]record.KeptHook{h}); err != nil {
			t.Fatal(err)
		}
		return rec
	}
	asIs := func(*record.KeptHook) {}
	hook := desiredtest.Object("ConfigMap", "drain", "kubectl-gitops.dev/hook=PreDelete")
	begun := kept(hook, asIs)
	begun.Due = record.HooksDelete
	for name, c := range map[string]struct {
		rec   *record.Record
		allow app.Allow
		want  string
	}{
		"none is kept":            {record.New("shop"), app.Allow{}, ""},
		"no record":               {nil, app.Allow{}, ""},
		"one":                     {kept(hook, asIs), app.Allow{}, "delete, new"},
		"a removal that goes on":  {begun, app.Allow{}, "delete, goes on"},
		"a confined app":          {kept(hook, asIs), app.Allow{Namespaces: []string{"other"}}, "error: hook configmap/drain: the app may not contain objects in namespace shop"},
		"it is no hook":           {kept(desiredtest.Object("ConfigMap", "drain"), asIs), app.Allow{}, "error: hook configmap/drain: it is none"},
		"a hook that is unknown":  {kept(desiredtest.Object("ConfigMap", "drain", "kubectl-gitops.dev/hook=Sometimes"), asIs), app.Allow{}, `error: hook configmap/drain: annotation kubectl-gitops.dev/hook: there is no hook "Sometimes"`},
		"it is about another one": {kept(hook, func(h *record.KeptHook) { h.Object.Name = "x" }), app.Allow{}, "error: hook configmap/x: its manifest is about another object"},
	} {
		var h Hooks
		got := ""
		if err := h.ForRemoval(c.rec, c.allow); err != nil {
			got = "error: " + err.Error()
		} else {
			got = hooksText(h)
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	rec := kept(hook, asIs)
	for name, c := range map[string]struct {
		keep []byte
		want bool
	}{"not rendered": {nil, true}, "the same": {rec.Kept, true}, "others": {[]byte("x"), false}} {
		if got := (&Hooks{Keep: c.keep}).AreKept(rec); got != c.want {
			t.Errorf("%s: kept %v", name, got)
		}
	}
}

func TestPromised(t *testing.T) {
	gadget := object.Kind{Group: "example.com", Version: "v1", Kind: "Gadget", Resource: "gadgets", Namespaced: true}
	step := func(kind object.Kind, ns string) *Step {
		return &Step{Object: &desired.Object{Ref: object.Ref{Kind: kind, Namespace: ns, Name: "x"}}}
	}
	configMap := objecttest.Kinds["ConfigMap"]
	p := Promised{NewKinds: map[object.Kind]bool{gadget: true}, Namespace: "own", Steps: []*Step{{Object: desiredtest.Object("Namespace", "mine")}},
		Ahead: []Promise{{desiredtest.Object("Namespace", "theirs"), "infra"}, {desiredtest.Object("CustomResourceDefinition", "widgets.example.com"), "infra"}}}
	for name, c := range map[string]struct {
		step *Step
		want string
	}{
		"a kind of the app":              {step(gadget, "somewhere"), "true"},
		"in the namespace of the app":    {step(configMap, "own"), "true"},
		"in a Namespace of the plan":     {step(configMap, "mine"), "true"},
		"in one of an app before":        {step(configMap, "theirs"), "true"},
		"of a kind of an app before":     {step(objecttest.Kinds["Widget"], "somewhere"), "true the app infra of this commit defines its kind"},
		"in a namespace that nobody has": {step(configMap, "somewhere"), "false"},
	} {
		if got := strings.TrimSpace(fmt.Sprint(p.WillExist(c.step), " ", p.DefinedAhead(c.step.Ref.Kind))); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestStep(t *testing.T) {
	s := &Step{Object: desiredtest.Object("ConfigMap", "web"), Told: "not in Git: ports[1], volumes[x]"}
	other, err := s.With([]byte(`{"kind":"ConfigMap","data":{"a":"b"}}`))
	if err != nil || other.Fields()["data"] == nil || s.Fields()["data"] != nil || other.Key() != s.Key() {
		t.Errorf("%v, %v", other, err)
	}
	if _, err := s.With([]byte("{")); err == nil {
		t.Error("what is no JSON is taken for a manifest")
	}
	if (&Step{}).Fields() != nil {
		t.Error("a step without an object has fields")
	}
	if !s.WasTold("spec.ports[1]") || s.WasTold("spec.hosts[1]") {
		t.Error("what was reported before is not known")
	}
	if s.Owner("ours") != "ours" || (&Step{From: &Handover{Set: "theirs", App: "a"}}).Owner("ours") != "theirs" || HandedOver(&Handover{App: "a"}) != "handed over by the app a" {
		t.Error("who has the object is not known")
	}
}
