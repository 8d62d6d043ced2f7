package ui

import (
	"bytes"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/health"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/status"
)

func lasting(d time.Duration) metav1.Duration { return metav1.Duration{Duration: d} }

var (
	bump = report.Revision{Commit: "9c41d7e02b1f4a6d8c3e5f7091a2b3c4d5e6f708", Ref: "main", Author: "Ada Lovelace",
		Subject: "Bump api to 1.8.2 (#412)", Time: noon.Add(-5 * time.Minute)}
	raise = report.Revision{Commit: "51e0a02c4d5e6f70819c41d7e02b1f4a6d8c3e5f", Ref: "main", Author: "Max Planck",
		Subject: "Raise memory limit (#409)", Time: noon.Add(-time.Hour)}
)

func sourceOf(app string) report.Source {
	return report.Source{Repo: "https://github.com/acme/config", Ref: "main", Path: "clusters/prod/" + app}
}

func lastRun(age, lasted time.Duration) status.LastRun {
	return status.LastRun{Result: report.ResultSucceeded, Cause: report.CauseCommit, Time: noon.Add(-age), Duration: lasting(lasted)}
}

func statusList() status.List {
	app := func(name string, sync report.Sync, health health.State, rev report.Revision, objects int, run status.LastRun, message string) status.App {
		return status.App{Name: name, Sync: sync, Health: health, Message: message, Source: sourceOf(name), Revision: rev,
			Objects: report.Objects{Total: objects, Healthy: objects}, LastRun: run}
	}
	return status.List{
		TypeMeta: metav1.TypeMeta{APIVersion: status.APIVersion, Kind: "StatusList"},
		Items: []status.App{
			app("shop", report.Synced, health.Healthy, bump, 42, lastRun(2*time.Minute, 14*time.Second), ""),
			app("payments", report.Synced, health.Progressing, bump, 17, lastRun(2*time.Minute+9*time.Second, 4200*time.Millisecond),
				"reverted deployment.apps/worker replicas 5 → 3"),
			app("catalog", report.SyncDrifted, health.Healthy, bump, 8, lastRun(2*time.Minute, 830*time.Millisecond),
				"deployment.apps/web changed by kubectl-edit: spec.template.spec.containers[web].image is ghcr.io/acme/web:debug, not ghcr.io/acme/web:1.4.0"),
			app("search", report.SyncFailed, health.Degraded, raise, 9, lastRun(8*time.Minute, 30*time.Second),
				"deployment.apps/indexer: spec.selector: field is immutable\nsecond line"),
			app("infra", report.SyncPending, health.Unknown, raise, 120, lastRun(26*time.Hour, 95*time.Second), "newer commit 9c41d7e is not applied"),
			app("blog", report.SyncSuspended, health.Missing, raise, 3, lastRun(400*time.Hour, 2*time.Second), ""),
			{Name: "new", Sync: report.SyncUnknown, Health: health.Unknown},
		},
	}
}

func resources() status.App {
	return status.App{Name: "shop", Resources: []status.Resource{
		{Object: "v1/Namespace/shop", Short: "namespace/shop", Sync: report.Synced, Health: health.Healthy},
		{Object: "v1/ConfigMap/shop/web-env-7k2f9", Short: "configmap/web-env-7k2f9", Namespace: "shop", Sync: report.Synced, Health: health.Healthy},
		{Object: "apps/Deployment/shop/web", Short: "deployment.apps/web", Namespace: "shop", Sync: report.SyncDrifted, Health: health.Healthy,
			Message: "replicas 3 → 5, set by kubectl-scale 6m ago"},
		{Object: "apps/Deployment/shop/worker", Short: "deployment.apps/worker", Namespace: "shop", Sync: report.Synced, Health: health.Progressing,
			Message: "2 of 3 updated replicas are available"},
		{Object: "autoscaling/HorizontalPodAutoscaler/shop/web", Short: "horizontalpodautoscaler.autoscaling/web", Namespace: "shop",
			Sync: report.SyncPending, Health: health.Missing, Message: "not applied yet"},
		{Object: "apiextensions.k8s.io/CustomResourceDefinition/coupons.shop.example.com",
			Short: "customresourcedefinition.apiextensions.k8s.io/coupons.shop.example.com", Sync: report.Synced, Health: health.Healthy},
		{Object: "example.com/Banner/shop/sale", Short: "banner.example.com/sale", Namespace: "shop", Sync: report.SyncUnknown, Health: health.Unknown},
	}}
}

func history() status.History {
	run := func(id int, rev report.Revision, result report.Result, cause report.Cause, age, lasted time.Duration, c report.Counts, message string) report.Run {
		return report.Run{ID: id, Revision: rev, Result: result, Cause: cause, Time: noon.Add(-age), Duration: lasting(lasted), Counts: c, Message: message}
	}
	return status.History{
		TypeMeta: metav1.TypeMeta{APIVersion: status.APIVersion, Kind: "HistoryList"},
		App:      "payments",
		Items: []report.Run{
			run(218, bump, report.ResultSucceeded, report.CauseCommit, 2*time.Minute, 14*time.Second, report.Counts{Created: 1, Configured: 1, Pruned: 1, Unchanged: 14}, ""),
			run(217, raise, report.ResultReverted, report.CauseDrift, 9*time.Minute, 4*time.Second, report.Counts{Reverted: 1, Unchanged: 16}, ""),
			run(216, raise, report.ResultFailed, report.CauseManual, time.Hour, 30*time.Second, report.Counts{}, "rendering clusters/prod/payments: no objects"),
			run(100, report.Revision{Commit: bump.Commit}, report.ResultFailed, report.CauseCommit, 49*time.Hour, 185*time.Millisecond, report.Counts{},
				"path \"clusters/pord\" does not exist in the repository"),
			run(99, report.Revision{Commit: "0a1b2c3d4e", Subject: "Größe: 安い → teuer 🚀", Author: "Zoë"}, report.ResultFailed, report.CauseSchedule, 50*time.Hour, 90*time.Second,
				report.Counts{Created: 10, Configured: 2, Reverted: 1, Pruned: 3, Failed: 2}, "2 objects failed"),
		},
	}
}

func TestStatusTable(t *testing.T) {
	goldenForms(t, "status", func(t *Terminal) { Status(t, statusList(), "gitops-system", false) })
	goldenForms(t, "status-wide", func(t *Terminal) { Status(t, statusList(), "gitops-system", true) })
	goldenForms(t, "status-empty", func(t *Terminal) {
		Status(t, status.List{}, "gitops-system", false)
	})
}

func TestResourceTable(t *testing.T) {
	goldenForms(t, "resources", func(t *Terminal) { Resources(t, resources(), false) })
}

func TestHistoryTable(t *testing.T) {
	goldenForms(t, "history", func(t *Terminal) { History(t, history(), false) })
	goldenForms(t, "history-wide", func(t *Terminal) { History(t, history(), true) })
	goldenForms(t, "history-empty", func(t *Terminal) { History(t, status.History{App: "payments"}, false) })
	goldenForms(t, "history-rollback", func(t *Terminal) {
		RollbackHints(t, report.Run{Revision: report.Revision{Commit: strings.Repeat("9c41d7e", 6)[:40]}}, "apps/shop")
	})
}

func TestTablesLeaveTheirInputInOrder(t *testing.T) {
	list := statusList()
	var out bytes.Buffer
	Status(form{}.terminal(&out, &out), list, "gitops-system", false)
	if list.Items[0].Name != "shop" || list.Items[3].Name != "search" {
		t.Error("printing reordered the list")
	}
}

func TestTableOnATerminalIsNeverWider(t *testing.T) {
	for width := 56; width < 160; width++ {
		var out bytes.Buffer
		f := form{tty: true, width: width}
		Status(f.terminal(&out, &out), statusList(), "gitops-system", false)
		History(f.terminal(&out, &out), history(), false)
		Resources(f.terminal(&out, &out), resources(), false)
		for line := range strings.Lines(out.String()) {
			if n := displayWidth(strings.TrimSuffix(line, "\n")); n > width {
				t.Fatalf("at %d columns a line takes %d:\n%s", width, n, out.String())
			}
		}
	}
}

// A commit subject must not be able to move the cursor, forge a row or turn the text around.
func TestTableEscapesWhatComesFromGit(t *testing.T) {
	h := history()
	h.Items = h.Items[:1]
	h.Items[0].Revision.Subject = "ok\x1b[2J\rroot\u202egnp\u2028\u009b31m\x00\xff\tend"
	h.Items[0].Revision.Author = "eve\n217  main@51e0a02  Succeeded"
	var out bytes.Buffer
	History(form{}.terminal(&out, &out), h, false)
	if n := strings.Count(out.String(), "\n"); n != 2 {
		t.Errorf("one run printed %d lines:\n%s", n, out.String())
	}
	want := `ok^[[2J\rroot\u202egnp\u2028\u009b31m\x00\xff end — eve\n217  main@51e0a02  Succeeded`
	if !strings.HasSuffix(out.String(), want+"\n") {
		t.Errorf("got %q, want it to end in %q", out.String(), want)
	}
}
