package status

import (
	"errors"
	"fmt"
	"testing"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/health"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

func TestSyncOfAnApp(t *testing.T) {
	const head, older = "1111111111", "0000000000"
	at := func(commit string, pending bool) *record.Record {
		inv := record.NewInventory("shop")
		inv.Revision.Commit, inv.Pending = commit, pending
		return &record.Record{Inventory: inv}
	}
	failed := func(seen, message string) *report.Summary {
		return &report.Summary{Sync: report.SyncFailed, Seen: seen, Message: message}
	}
	worst := &Resource{Short: "deployment.apps/web", Message: "changed by kubectl"}
	tests := []struct {
		name   string
		rec    *record.Record
		report *report.Summary
		health health.State
		drift  int
		worst  *Resource
		unread error
		want   string
	}{
		{"all well", at(head, false), &report.Summary{Seen: head}, health.Healthy, 0, nil, nil, "Synced "},
		{"drift", at(head, false), &report.Summary{Seen: head}, health.Healthy, 1, worst, nil, "Drifted deployment.apps/web: changed by kubectl"},
		{"half applied", at(older, true), &report.Summary{Seen: older}, health.Healthy, 0, nil, nil, "Pending commit 0000000 is not fully applied"},
		{"newer commit seen", at(older, false), &report.Summary{Seen: head}, health.Healthy, 0, nil, nil, "Pending commit 1111111 is not fully applied"},
		{"unread", at(head, false), &report.Summary{Seen: head}, health.Unknown, 1, nil, errors.New("list pods: forbidden"), "Unknown list pods: forbidden"},
		{"failed", at(older, false), failed(head, "no such branch"), health.Healthy, 0, nil, nil, "Failed no such branch"},
		{"failed to become healthy in time, and did later", at(head, false), failed(head, "web is not ready"), health.Healthy, 0, nil, nil, "Synced "},
		{"failed to become healthy, still", at(head, false), failed(head, "web is not ready"), health.Degraded, 0, nil, nil, "Failed web is not ready"},
		{"failed before all was applied, and healthy", at(head, true), failed(head, "configmap/x: no"), health.Healthy, 0, nil, nil, "Failed configmap/x: no"},
		{"failed, and drifted since", at(head, false), failed(head, "web is not ready"), health.Healthy, 1, worst, nil, "Failed web is not ready"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			sync, message := appSync(App{Health: test.health}, test.rec, test.report, test.drift, test.worst, test.unread)
			if got := fmt.Sprintf("%s %s", sync, message); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}
