package target

import (
	"context"
	"os"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/manifest"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/render"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// RenderFunc renders a directory below a root.
type RenderFunc = func(ctx context.Context, root *os.Root, dir string, o render.Options) ([]manifest.Object, error)

// Notices are where a renderer says what somebody should know. They may be called from several goroutines.
type Notices struct {
	Warn    func(text string)
	Fetched func(report.Event) // a chart was fetched
	Fresh   bool               // charts are fetched anew: neither gitops.lock.yaml nor what was kept counts
}
