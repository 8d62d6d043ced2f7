package target

import (
	"os"
	"path/filepath"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/chart"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/chartrepo"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// chartFetcher gets the charts that others depend on and keeps them in the user's cache directory. Where there is none
// to write to, as in a container, they are fetched for each new commit.
func chartFetcher(n Notices) *chartrepo.Fetcher {
	cache := ""
	if dir, err := os.UserCacheDir(); err == nil {
		cache = filepath.Join(dir, "kubectl-gitops", "charts")
	}
	local := os.Getenv("KUBERNETES_SERVICE_HOST") == "" // in a pod, this machine is the pod, and its neighbours
	return &chartrepo.Fetcher{Cache: cache, Local: local, Fetched: func(need chart.Need, digest string) {
		n.Fetched(report.Event{Kind: report.Fetched, Text: "chart " + need.String() + "  " + digest})
	}}
}
