package target

import (
	"context"
	"encoding/json"
	"io"
	"os"
	"runtime"
	"strings"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/chart"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/chartrepo"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/memory"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/pins"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/render"
)

// RenderCommand is what this program calls itself with to render in a child process. It is no command for people.
const RenderCommand = "__render"

// KeylessRenderer returns how to render without keys: in a child process, which is this program once more, or in this process where
// the program cannot be named or is a test. Charts and sources are fetched as the flags say.
func (f *Flags) KeylessRenderer(n Notices) RenderFunc {
	program, err := os.Executable()
	if err != nil || strings.HasSuffix(strings.TrimSuffix(program, ".exe"), ".test") {
		return withSources(f, n, render.Dir)
	}
	if _, err := os.Stat("/proc/self/exe"); err == nil && runtime.GOOS == "linux" {
		program = "/proc/self/exe" // the same program also after its file was replaced
	}
	child := render.Isolated{
		Command: []string{program, RenderCommand},
		Warn:    n.Warn,
		Memory:  memory.OfContainer(),
	}
	fetcher := charts(f, n)
	fetcher.Find = findIn(child)
	child.Fetch = fetcher.Fetch
	if fetcher.Fresh = n.Fresh; !n.Fresh {
		child.Lock = pins.Load
	}
	return withSources(f, n, child.Dir)
}

// findIn returns a chartrepo.Find that reads the index in a child.
func findIn(child render.Isolated) func(context.Context, io.Reader, chart.Need) (chartrepo.Version, error) {
	return func(ctx context.Context, index io.Reader, n chart.Need) (v chartrepo.Version, err error) {
		found, err := child.Read(ctx, index, n)
		if err == nil {
			err = json.Unmarshal(found, &v)
		}
		return v, err
	}
}

// FindInIndex is what a child makes of the index of a repository of charts.
func FindInIndex(ctx context.Context, index io.Reader, n chart.Need) (json.RawMessage, error) {
	v, err := chartrepo.Find(ctx, index, n)
	if err != nil {
		return nil, err
	}
	return json.Marshal(v)
}
