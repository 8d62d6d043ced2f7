package plugin

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/health"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/target"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/ui"
)

// A note is sent when the state of an app changes, also from one process to the next, and at no other time.
func TestNotesOnChangesOnly(t *testing.T) {
	healthy := report.App{Name: "payments", Result: report.ResultSucceeded, Health: health.Healthy,
		Revision: report.Revision{Commit: "9c41d7e02b1f4a6d8c3e5f7091a2b3c4d5e6f708", Ref: "main"}}
	healthy.Previous, healthy.AllHealthy, healthy.WasHealthy = healthy.Revision.Commit, true, true
	with := func(change func(*report.App)) report.App {
		r := healthy
		change(&r)
		return r
	}
	applied := with(func(r *report.App) { r.Previous, r.Health, r.AllHealthy = "old", health.Progressing, false })
	waiting := with(func(r *report.App) { r.Health, r.AllHealthy, r.WasHealthy = health.Progressing, false, false })
	settled := with(func(r *report.App) { r.WasHealthy = false })
	failed := with(func(r *report.App) {
		r.Result, r.Message, r.News = report.ResultFailed, "deployment.apps/api is Degraded\nmore", true
	})
	stillFailed := with(func(r *report.App) {
		r.Result, r.Message = report.ResultFailed, "deployment.apps/api is Degraded\nmore"
	})
	for name, tt := range map[string]struct {
		reports []report.App
		want    []string
	}{
		"nothing happens":              {[]report.App{healthy, healthy}, nil},
		"a commit, in a loop":          {[]report.App{healthy, applied, waiting, settled, healthy}, []string{"pending", "success"}},
		"a commit, the next process":   {[]report.App{settled, healthy}, []string{"success"}},
		"a commit that touches nobody": {[]report.App{with(func(r *report.App) { r.Previous = "old" })}, []string{"success"}},
		"a failure":                    {[]report.App{failed, stillFailed, healthy}, []string{"failure", "success"}},
		"a failure that is known":      {[]report.App{stillFailed, stillFailed}, nil},
	} {
		var mu sync.Mutex
		var got []string
		server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
			var event struct{ Data struct{ State string } }
			if err := json.NewDecoder(req.Body).Decode(&event); err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			got = append(got, event.Data.State)
		}))
		file := filepath.Join(t.TempDir(), "notify.yaml")
		if err := os.WriteFile(file, []byte("targets:\n- {type: webhook, url: '"+server.URL+"'}\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		o := notifications{file: file}
		ended, err := o.start(ui.New(genericiooptions.IOStreams{ErrOut: os.Stderr}, ui.ColorNever), false, "gitops-system", &target.Flags{})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range tt.reports {
			o.tell(r)
		}
		ended()
		server.Close()
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v, want %v", name, got, tt.want)
		}
	}
}
