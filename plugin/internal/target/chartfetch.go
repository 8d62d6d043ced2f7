package target

import (
	"os"
	"path/filepath"

	"github.com/spf13/pflag"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/chart"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/chartrepo"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// Fetching are the flags that say how charts are fetched. The zero value keeps them in the user's cache directory.
type Fetching struct {
	cache string
}

// Add adds the flags.
func (f *Fetching) Add(fs *pflag.FlagSet) {
	fs.StringVar(&f.cache, "cache", "", "Directory that keeps fetched charts by digest (default kubectl-gitops in the user's cache directory)")
}

// directory is where charts are kept, "" where there is no directory to write to, as in a container. There, they are fetched again for
// each commit that renders them.
func (f *Fetching) directory() string {
	if f.cache != "" {
		return f.cache
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(dir, "kubectl-gitops")
}

// charts gets the charts that apps name and that others depend on.
func (f *Fetching) charts(n Notices) *chartrepo.Fetcher {
	local := os.Getenv("KUBERNETES_SERVICE_HOST") == "" // in a pod, this machine is the pod, and its neighbours
	return &chartrepo.Fetcher{Cache: f.directory(), Local: local, Fetched: func(need chart.Need, digest string) {
		n.Fetched(report.Event{Kind: report.Fetched, Text: "chart " + need.String() + "  " + digest})
	}}
}
