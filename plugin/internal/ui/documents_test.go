package ui

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/health"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/preview"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/status"
)

const scaled = "--- live/apps/Deployment/shop/web\n+++ checkout/web.yaml\n@@ -1 +1 @@\n-replicas: 2\n+replicas: 3\n"

func TestPreview(t *testing.T) {
	p := preview.Preview{Omitted: 1, NotRendered: []string{"README.md"}, Outside: []string{"other/\x1b[2J"}}
	p.Apps = []preview.App{
		{Name: "shop", Settings: []string{"prune"}, Note: "it is new", Objects: []preview.Object{
			{Object: "apps/Deployment/shop/web", Change: preview.Changed, Diff: scaled},
			{Object: "v1/Service/shop/web", Change: preview.Changed, Immutable: []string{"spec.clusterIP"}},
			{Object: "batch/Job/shop/once", Change: preview.Changed, Immutable: []string{"spec.template"}, Recreate: true},
			{Object: "v1/ConfigMap/shop/old", Change: preview.Removed},
			{Object: "v1/ConfigMap/shop/kept", Change: preview.Removed, Kept: true},
			{Object: "v1/ConfigMap/shop/moved", Change: preview.Removed, MovedTo: "blog"},
			{Object: "v1/ConfigMap/shop/theirs", Unmanaged: "it is managed by others"},
		}},
		{Name: "blog", Change: preview.Failed, Error: "deploy.yaml:3: no such field", Hints: []string{"remove it"}},
	}
	goldenForms(t, "preview", func(to *Terminal) {
		if err := Preview(to, p); err != nil {
			t.Error(err)
		}
	})
}

func TestTrace(t *testing.T) {
	of := status.Trace{Object: "v1/Pod/shop/web-1", Owners: []string{"replicaset.apps/web", "deployment.apps/web"}, App: "shop", Source: sourceOf("shop"),
		Revision: bump, Commit: &raise, Origin: "web.yaml:3", Changed: &report.Owner{Manager: "kubectl-scale", Time: noon.Add(-time.Minute)}}
	goldenForms(t, "trace", func(t *Terminal) { Trace(t, of) })
	of.Commit, of.Unclear, of.Changed, of.Owners = nil, "the history is not complete", nil, nil
	goldenForms(t, "trace-unclear", func(t *Terminal) { Trace(t, of) })
}

func TestInstances(t *testing.T) {
	failing, works := status.Instance{Namespace: "gitops-system", Message: "fails: its last job failed 5m ago"}, status.Instance{Namespace: "staging"}
	goldenForms(t, "instances", func(t *Terminal) {
		Instances(t, status.List{Instance: &failing}, "cronjob.batch/gitops")
		Instances(t, status.List{Instance: &works}, "cronjob.batch/gitops")
		Instances(t, status.List{Instances: []status.Instance{failing, works}}, "cronjob.batch/gitops")
	})
}

func TestRights(t *testing.T) {
	rule := func(groups, resources, verbs []any, names ...any) map[string]any {
		return map[string]any{"apiGroups": groups, "resources": resources, "verbs": verbs, "resourceNames": names}
	}
	role := &unstructured.Unstructured{Object: map[string]any{"metadata": map[string]any{"namespace": "shop"}, "rules": []any{
		rule([]any{"apps"}, []any{"deployments"}, []any{"get", "patch"}), rule([]any{""}, []any{"secrets"}, []any{"get"}, "gitops")}}}
	everywhere := &unstructured.Unstructured{Object: map[string]any{"rules": []any{map[string]any{"nonResourceURLs": []any{"/version"}, "verbs": []any{"get"}}}}}
	binding := &unstructured.Unstructured{Object: map[string]any{"roleRef": map[string]any{}}}
	goldenForms(t, "rights", func(t *Terminal) { Rights(t, []*unstructured.Unstructured{role, binding, everywhere}) })
}

func TestChangesOfARun(t *testing.T) {
	run := report.Run{ID: 12, Revision: bump, Changes: []string{"deployment.apps/web configured\x1b[1A"}}
	compared := preview.App{Name: "shop", Objects: []preview.Object{{Diff: scaled}}, Counts: preview.Counts{Changed: 1}}
	goldenForms(t, "run-diff", func(to *Terminal) {
		for _, err := range []error{RunDiff(to, "shop", compared, run, raise.Commit), RunDiff(to, "shop", preview.App{}, run, ""),
			RecordedChanges(to, run), RecordedChanges(to, report.Run{Message: "no objects\nmore"})} {
			if err != nil {
				t.Error(err)
			}
		}
	})
}

func TestDifferences(t *testing.T) {
	web := &unstructured.Unstructured{Object: map[string]any{"kind": "Deployment", "spec": map[string]any{"replicas": int64(3)}}}
	all := []Difference{{Object: "apps/Deployment/shop/web", Before: web, Text: scaled, Note: "shop: another app hands it over"}}
	t.Setenv("KUBECTL_EXTERNAL_DIFF", "")
	goldenForms(t, "differences", func(to *Terminal) {
		if err := Differences(t.Context(), to, all); err != nil {
			t.Error(err)
		}
	})
	t.Setenv("KUBECTL_EXTERNAL_DIFF", "diff -rN -U0 $(id)") // what is no plain argument is left out
	var out, errOut bytes.Buffer
	if err := Differences(t.Context(), form{}.terminal(&out, &errOut), all); err != nil {
		t.Skip(err) // diff is not installed
	}
	if got := out.String(); !strings.HasPrefix(got, all[0].Note+"\n") || !strings.Contains(got, "/LIVE/apps.Deployment.shop.web") || !strings.Contains(got, "-  replicas: 3") {
		t.Errorf("got\n%s%s", got, errOut.String())
	}
	t.Setenv("KUBECTL_EXTERNAL_DIFF", "no-such-program")
	if err := Differences(t.Context(), form{}.terminal(&out, &errOut), all); err == nil || !strings.HasPrefix(err.Error(), "KUBECTL_EXTERNAL_DIFF: no-such-program: ") {
		t.Error(err)
	}
}

func TestDiffSummary(t *testing.T) {
	app := report.App{Name: "shop", Counts: report.Counts{Created: 1, Reverted: 2, Unchanged: 3}}
	if got := DiffSummary(app, 3); got != "shop: 1 to create, 2 to revert, 3 unchanged" {
		t.Error(got)
	}
	if got := DiffSummary(app, 0); got != "shop: no differences, 3 unchanged" {
		t.Error(got)
	}
}

func TestMessages(t *testing.T) {
	goldenForms(t, "messages", func(t *Terminal) {
		t.Warn("the file of %s is not known", "web")
		t.Hint("try %q", "again")
		t.Note("job.batch/%s created", "gitops-1\x1b[2J")
		t.Say("shop %s", "resumed")
		t.Installed(report.Change{Short: "cronjob.batch/gitops", Action: report.Created})
		t.Installed(report.Change{Short: "namespace/gitops-system", Action: report.Unchanged})
		Refusals(t, []error{errors.Join(hint.Errorf("shop: flux owns it", "pass --take-over"), errors.New("blog: somebody does"))})
		t.Repaint()
	})
}

// A log has the same facts as lines for people, one object of JSON for each.
func TestLog(t *testing.T) {
	var out, errOut bytes.Buffer
	terminal := form{}.terminal(&out, &errOut)
	terminal.SetLog(LogJSON)
	p := NewProgress(terminal, false)
	failed := report.Change{Object: "v1/Secret/shop/token", Short: "secret/token", Action: report.Failed, Error: "data is immutable", Hint: "recreate it", Origin: "token.yaml:1"}
	p.Event(step(report.Fetched, "https://github.com/acme/config main@9c41d7e"))
	p.Event(step(report.Warning, "policy/v1beta1 is deprecated"))
	p.Event(changeOf(failed))
	p.Event(changeOf(report.Change{Short: "service/api", Action: report.Unchanged}))
	app := appReport(report.ResultFailed, report.Counts{Failed: 1})
	app.Message, app.Hint = "1 object failed", "recreate it"
	p.Conclude(report.List{Apps: []report.App{app}})
	terminal.Warn("%d of 2", 1)
	terminal.Fail(hint.Errorf("no", "try again"))
	terminal.LogEnd(3, report.Requests{Total: 7})
	var got strings.Builder
	for line := range strings.Lines(errOut.String()) {
		_, rest, _ := strings.Cut(line, `,"level"`) // without the time
		got.WriteString(`{"level"` + rest)
	}
	golden(t, "log.jsonl", got.String())
	if out.Len() > 0 {
		t.Errorf("stdout %q", out.String())
	}
	if err := errors.Join(CheckLogFormat(LogText), CheckLogFormat(LogAuto), CheckLogFormat(LogJSON)); err != nil || CheckLogFormat("yaml") == nil {
		t.Error(err)
	}
}

func TestEndings(t *testing.T) {
	app := appReport(report.ResultFailed, report.Counts{})
	app.Message = "first\nsecond"
	if got := Ending(app); got != "payments failed at main@9c41d7e: first" {
		t.Error(got)
	}
	file := filepath.Join(t.TempDir(), "log")
	WriteEndings(file, map[string]string{"shop": "shop synced", "blog": strings.Repeat("ä", 600)})
	got, err := os.ReadFile(file)
	if text := string(got); err != nil || len(got) > 1010 || !strings.HasPrefix(text, "ää") || !strings.HasSuffix(text, "ä...\n") {
		t.Errorf("%q, %v", got, err)
	}
}

func TestManifests(t *testing.T) {
	object := func(name string) *unstructured.Unstructured {
		return &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": name}}}
	}
	manifests, names := []*unstructured.Unstructured{object("a"), object("b")}, []string{"namespace/a", "namespace/b"}
	const yaml = "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: a\n---\napiVersion: v1\nkind: Namespace\nmetadata:\n  name: b\n"
	for format, want := range map[string]string{"": yaml, FormatYAML: yaml, FormatName: "namespace/a\nnamespace/b\n", "jsonpath={.kind} {.items[1].metadata.name}": "List b"} {
		var out bytes.Buffer
		if err := (&Output{Format: format}).PrintManifests(&out, manifests, names); err != nil || out.String() != want {
			t.Errorf("-o %s: %q, %v", format, out.String(), err)
		}
	}
}

func TestStatusWords(t *testing.T) {
	apps := []status.App{{Sync: report.Synced}, {Sync: report.SyncFailed}, {Sync: report.Synced}}
	if got := StatusSummary(apps); got != "3 apps: 1 Failed, 2 Synced" {
		t.Error(got)
	}
	if got := StatusSummary(apps[:1]); got != "1 app: 1 Synced" {
		t.Error(got)
	}
	if sync, states := SyncWords(), HealthWords(); sync[0] != "Failed" || states[len(states)-1] != string(health.Healthy) {
		t.Errorf("%q %q", sync, states)
	}
}

// Nobody is asked where nobody can answer.
func TestConfirmWithoutATerminal(t *testing.T) {
	var out, errOut bytes.Buffer
	terminal := form{}.terminal(&out, &errOut)
	terminal.In = strings.NewReader("no\n")
	if err := terminal.Confirm("Delete all?", "pass --yes"); err != nil || errOut.Len() > 0 {
		t.Errorf("%v, %q", err, errOut.String())
	}
}
