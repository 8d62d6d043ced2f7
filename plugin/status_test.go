package plugin

import (
	"fmt"
	"testing"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/health"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/status"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/ui"
)

func TestStatusFilters(t *testing.T) {
	var items []status.App
	for i := range 487 {
		s := status.App{Name: fmt.Sprintf("app-%03d", i), Sync: report.Synced, Health: health.Healthy}
		switch {
		case i < 3:
			s.Sync, s.Health = report.SyncFailed, health.Degraded
		case i < 5:
			s.Sync = report.SyncDrifted
		}
		items = append(items, s)
	}
	if got := ui.StatusSummary(items); got != "487 apps: 3 Failed, 2 Drifted, 482 Synced" {
		t.Error(got)
	}
	for _, tt := range []struct {
		sync, health []string
		want         int
	}{{nil, nil, 487}, {[]string{"drifted", " Failed"}, nil, 5}, {[]string{"Failed"}, []string{"Healthy"}, 0}, {nil, []string{"degraded"}, 3}} {
		o := statusOptions{sync: tt.sync, health: tt.health}
		if err := checkWords("--sync", o.sync, ui.SyncWords()); err != nil {
			t.Error(err)
		}
		if err := checkWords("--health", o.health, ui.HealthWords()); err != nil {
			t.Error(err)
		}
		if got := len(o.wanted(items)); got != tt.want {
			t.Errorf("%+v: %d, want %d", tt, got, tt.want)
		}
	}
	if err := checkWords("--sync", []string{"Healthy"}, ui.SyncWords()); err == nil || err.Error() != "--sync Healthy is not known" {
		t.Error(err)
	}
}
