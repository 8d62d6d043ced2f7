package ui

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/health"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/manifest"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

func step(kind report.EventKind, text string) report.Event {
	return report.Event{Kind: kind, App: "payments", Text: text}
}

func changeOf(c report.Change) report.Event {
	return report.Event{Kind: report.Changed, App: "payments", Change: &c}
}

func appReport(result report.Result, counts report.Counts) report.App {
	return report.App{Name: "payments", Result: result, Cause: report.CauseCommit, Revision: bump, Source: sourceOf("payments"),
		Health: health.Healthy, Counts: counts, Duration: lasting(14 * time.Second)}
}

func show(p *Progress, apps ...report.App) { p.Conclude(report.List{Apps: apps}) }

func TestPassThatChangesThings(t *testing.T) {
	scaled := report.FieldChange{Path: "spec.replicas", From: int64(5), To: int64(3),
		By: &report.Owner{Manager: "kubectl-scale", Operation: "Update", Time: noon.Add(-6 * time.Minute)}}
	goldenForms(t, "pass", func(t *Terminal) {
		p := NewProgress(t, false)
		p.Event(step(report.Fetched, `https://github.com/acme/config main@9c41d7e (was 51e0a02)  "Bump api to 1.8.2 (#412)"`))
		p.Event(step(report.Rendered, "17 objects from clusters/prod/payments"))
		p.Event(step(report.Warning, "policy/v1beta1 PodDisruptionBudget is deprecated"))
		p.Event(changeOf(report.Change{Short: "configmap/api-env-7k2f9", Action: report.Created}))
		p.Event(changeOf(report.Change{Short: "deployment.apps/api", Action: report.Configured, Fields: []report.FieldChange{
			{Path: "spec.template.spec.containers[api].image", From: "ghcr.io/acme/api:1.8.1", To: "ghcr.io/acme/api:1.8.2"}}}))
		p.Event(changeOf(report.Change{Short: "service/api", Action: report.Unchanged}))
		p.Event(changeOf(report.Change{Short: "deployment.apps/worker", Action: report.Reverted, Fields: []report.FieldChange{scaled}}))
		p.Event(changeOf(report.Change{Short: "configmap/api-env-2m8d1", Action: report.Pruned}))
		p.Event(changeOf(report.Change{Short: "persistentvolumeclaim/data", Action: report.Skipped, Note: "kept: kubectl-gitops.dev/prune is disabled"}))
		p.Event(step(report.Waiting, "deployment.apps/api: 1 of 3 updated replicas are available (4s)"))
		p.Event(step(report.Waiting, "deployment.apps/api: 1 of 3 updated replicas are available (9s)"))
		p.Event(step(report.Waiting, "deployment.apps/api: 2 of 3 updated replicas are available (1m2s)"))
		show(p, appReport(report.ResultSucceeded, report.Counts{Created: 1, Configured: 1, Reverted: 1, Pruned: 1, Skipped: 1, Unchanged: 13}))
	})
}

func TestPassThatFails(t *testing.T) {
	goldenForms(t, "pass-failed", func(t *Terminal) {
		p := NewProgress(t, false)
		immutable := report.Change{Object: "apps/Deployment/search/indexer", Short: "deployment.apps/indexer", Action: report.Failed,
			Error: "spec.selector: field is immutable",
			Hint:  "51e0a02 changed it at clusters/prod/search/indexer.yaml:9; revert that line, or annotate the object to allow delete and recreate"}
		forbidden := report.Change{Short: "role.rbac.authorization.k8s.io/reader", Action: report.Failed, Error: "forbidden: user \"shop\" cannot patch roles\nin namespace search"}
		p.Event(changeOf(immutable))
		p.Event(changeOf(forbidden))
		search := appReport(report.ResultFailed, report.Counts{Failed: 2, Created: 1, Unchanged: 6})
		search.Name = "search"
		search.Changes = []report.Change{immutable, forbidden, {Short: "service/indexer", Action: report.Created}}
		early := appReport(report.ResultFailed, report.Counts{})
		early.Name, early.Message, early.Hint = "blog", "path clusters/prod/blog: no such directory in main@9c41d7e", "check --path"
		show(p, search, early)
	})
}

func TestSummaries(t *testing.T) {
	upToDate := appReport(report.ResultSucceeded, report.Counts{Unchanged: 17})
	local := appReport(report.ResultSucceeded, report.Counts{Created: 2})
	local.Revision, local.Duration = report.Revision{}, lasting(240*time.Millisecond)
	sick := appReport(report.ResultSucceeded, report.Counts{Unchanged: 17})
	sick.Health, sick.Message = health.Degraded, "deployment.apps/api: exceeded its progress deadline"
	goldenForms(t, "summaries", func(t *Terminal) { show(NewProgress(t, false), upToDate, local, sick) })

	planned := appReport(report.ResultSucceeded, report.Counts{Created: 1, Unchanged: 16})
	planned.DryRun = true
	upToDate.DryRun = true
	goldenForms(t, "dry-run", func(t *Terminal) {
		p := NewProgress(t, true)
		p.Event(changeOf(report.Change{Short: "configmap/api", Action: report.Created}))
		p.Event(changeOf(report.Change{Short: "deployment.apps/api", Action: report.Configured, Fields: []report.FieldChange{{Path: "spec.replicas", From: 1, To: 2}}}))
		show(p, planned, upToDate)
	})
}

func TestFailuresAreToldOnce(t *testing.T) {
	first := report.Change{Short: "secret/token", Action: report.Failed, Error: "data is immutable", Hint: "recreate it"}
	app := appReport(report.ResultFailed, report.Counts{})
	for _, c := range []struct {
		name, message, hint string
		changes             []report.Change
		failure             error
		want                string
	}{
		{"what the message tells is not told again", "secret/token: data is immutable", "recreate it", []report.Change{first}, nil,
			"error: payments: secret/token: data is immutable\nhint: recreate it\n"},
		{"each part of the failure keeps its hint", "a\nb", "do a", nil, errors.Join(hint.Errorf("a", "do a"), hint.Errorf("b", "do b")),
			"error: payments: a\nhint: do a\nerror: payments: b\nhint: do b\n"},
		{"a failure that is not masked is not printed", "a\nthe value *** is wrong", "do a", nil, errors.New("a\nthe value hunter2 is wrong"),
			"error: payments: a\nerror: payments: the value *** is wrong\nhint: do a\n"},
		{"no message at all", "", "", nil, nil, "error: payments: the run failed\n"},
		{"many objects", "", "", slices.Repeat([]report.Change{first}, 12), nil,
			strings.Repeat("error: payments: secret/token: data is immutable\n", 10) + "hint: recreate it\nerror: payments: and 2 more objects failed\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			app.Message, app.Hint, app.Changes = c.message, c.hint, c.changes
			var out, errOut bytes.Buffer
			NewProgress(form{}.terminal(&out, &errOut), false).Conclude(report.List{Apps: []report.App{app}}, c.failure)
			if errOut.String() != c.want || out.Len() != 0 {
				t.Errorf("got\n%swant\n%s", errOut.String(), c.want)
			}
		})
	}
}

func TestReservedOutStaysEmpty(t *testing.T) {
	var out, errOut bytes.Buffer
	terminal := form{}.terminal(&out, &errOut)
	terminal.ReserveOut()
	p := NewProgress(terminal, false)
	p.Event(changeOf(report.Change{Short: "configmap/api", Action: report.Created}))
	show(p, appReport(report.ResultSucceeded, report.Counts{Created: 1}))
	if out.Len() != 0 || errOut.String() != "configmap/api created\npayments reconciled to main@9c41d7e in 14s: 1 created\n" {
		t.Errorf("stdout %q, stderr %q", out.String(), errOut.String())
	}
}

func TestFieldsOfAChange(t *testing.T) {
	edit := &report.Owner{Manager: "kubectl-edit", Time: noon.Add(-6 * time.Minute)}
	long := "registry.example.com/team/project/web:1.8.1-20261123.1200-amd64"
	for _, c := range []struct {
		name   string
		action report.Action
		fields []report.FieldChange
		want   string
	}{
		{"numbers", report.Reverted, []report.FieldChange{{Path: "spec.replicas", From: int64(5), To: float64(3), By: edit}},
			"replicas 5 → 3, set by kubectl-edit 6m ago"},
		{"an owner without a time", report.Reverted, []report.FieldChange{{Path: "spec.paused", From: true, To: false, By: &report.Owner{Manager: "x"}}},
			"paused true → false, set by x"},
		{"a key that Git drops", report.Configured, []report.FieldChange{{Path: "data.extra", From: "on"}}, "data.extra removed (was on)"},
		{"a key that Git adds", report.Configured, []report.FieldChange{{Path: "data.extra", To: "on"}}, "data.extra set to on"},
		{"a key that somebody removed", report.Reverted, []report.FieldChange{{Path: "data.extra", To: "on"}}, "data.extra restored to on (was removed)"},
		{"no values", report.Configured, []report.FieldChange{{Path: "data"}}, "data changed"},
		{"strings that need quotes", report.Configured, []report.FieldChange{{Path: "data.a", From: "", To: "a b\n\x1b[m"}}, `data.a "" → "a b\n\x1b[m"`},
		{"masked values", report.Configured, []report.FieldChange{{Path: "data.token", From: "*** (before)", To: "*** (after)"}},
			"data.token *** (before) → *** (after)"},
		{"lists and maps", report.Configured, []report.FieldChange{{Path: "spec.ports[http]", From: []any{"a", int64(1)}, To: map[string]any{"b": true}}},
			`ports[http] ["a",1] → {"b":true}`},
		{"long values lose their middle", report.Configured, []report.FieldChange{{Path: "spec.template.spec.containers[web].image", From: long, To: long + "2"}},
			"containers[web].image registry.examp…1.8.1-20261123.1200-amd64 → registry.examp….8.1-20261123.1200-amd642"},
		{"long values that look alike when cut", report.Configured, []report.FieldChange{{Path: "spec.versions", From: []any{strings.Repeat("a", 99) + "b" + strings.Repeat("c", 99)},
			To: []any{strings.Repeat("a", 99) + "d" + strings.Repeat("c", 99)}}}, "versions changed"},
		{"more than two", report.Configured, []report.FieldChange{{Path: "a", To: 1}, {Path: "b", To: 2}, {Path: "c", To: 3}, {Path: "d", To: 4}},
			"a set to 1, b set to 2, and 2 more"},
		{"one owner of several fields is told once", report.Reverted, []report.FieldChange{
			{Path: "a", From: 1, To: 2, By: edit}, {Path: "b", From: 3, To: 4, By: edit}, {Path: "c", From: 3, To: 4, By: edit}},
			"a 1 → 2, b 3 → 4, and 1 more, set by kubectl-edit 6m ago"},
		{"different owners are told apart", report.Reverted, []report.FieldChange{
			{Path: "a", From: 1, To: 2, By: edit}, {Path: "b", From: 3, To: 4, By: &report.Owner{Manager: "hpa"}}},
			"a 1 → 2, set by kubectl-edit 6m ago; b 3 → 4, set by hpa"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := (form{}).terminal(nil, nil).details(&report.Change{Action: c.action, Fields: c.fields}); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestErrorsAndHints(t *testing.T) {
	problems := manifest.Problems{
		{Origin: manifest.Origin{File: "a.yaml", Line: 3}, Object: "v1/Secret/shop/x", Message: "holds plain data", Hint: "seal it"},
		{Origin: manifest.Origin{File: "b.yaml", Line: 9}, Object: "v1/Secret/shop/y", Message: "holds plain data", Hint: "seal it"},
		{Origin: manifest.Origin{File: "c.yaml"}, Message: "did not find expected key"},
	}
	for _, c := range []struct {
		name string
		err  error
		want string
	}{
		{"plain", errors.New("no"), "error: no\n"},
		{"with a hint", hint.Errorf("no", "try again"), "error: no\nhint: try again\n"},
		{"one line per problem, a shared hint once", fmt.Errorf("rendering apps: %w", problems),
			"error: rendering apps: a.yaml:3: v1/Secret/shop/x: holds plain data\n" +
				"error: rendering apps: b.yaml:9: v1/Secret/shop/y: holds plain data\n" +
				"hint: seal it\n" +
				"error: rendering apps: c.yaml: did not find expected key\n"},
		{"a hint about all of them comes last", hint.With(problems[:2], "nothing was written"),
			"error: a.yaml:3: v1/Secret/shop/x: holds plain data\nerror: b.yaml:9: v1/Secret/shop/y: holds plain data\nhint: seal it\nhint: nothing was written\n"},
		{"joined inside joined", errors.Join(errors.New("a"), errors.Join(errors.New("b"), hint.Errorf("c", "d"))),
			"error: a\nerror: b\nerror: c\nhint: d\n"},
		{"two errors in one sentence stay one", fmt.Errorf("%w after %w", errors.New("a"), errors.New("b")), "error: a after b\n"},
		{"further lines cannot pass for ours", errors.New("yaml:\nerror: forged\x1b[1A"), "error: yaml:\n       error: forged^[[1A\n"},
		{"nil", nil, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out, errOut bytes.Buffer
			form{}.terminal(&out, &errOut).Fail(c.err)
			if errOut.String() != c.want || out.Len() != 0 {
				t.Errorf("got\n%swant\n%s", errOut.String(), c.want)
			}
		})
	}
}

func TestAgesAndDurations(t *testing.T) {
	w := form{}.terminal(nil, nil).wording
	for _, c := range []struct{ got, want string }{
		{w.age(time.Time{}), "-"},
		{w.age(noon.Add(time.Minute)), "0s"}, // their clock is ahead
		{w.age(noon.Add(-2 * time.Minute)), "2m"},
		{w.age(noon.Add(-400 * time.Hour)), "16d"},
		{took(0), "0s"},
		{took(300 * time.Microsecond), "1ms"},
		{took(4200 * time.Millisecond), "4.2s"},
		{took(4 * time.Second), "4s"},
		{took(75 * time.Second), "75s"},
		{took(10 * time.Minute), "10m"},
	} {
		if c.got != c.want {
			t.Errorf("got %s, want %s", c.got, c.want)
		}
	}
}
