package plugin

import (
	"context"
	"encoding/json"
	"io"
	"os"
	"runtime"
	"strings"

	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/chart"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/chartrepo"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/manifest"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/memory"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/render"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/ui"
)

// renderCommand is what this program calls itself with to render in a child process. It is no command for people.
const renderCommand = "__render"

// renderWorker is the child's side. It says what went wrong in plain text: its standard error is read by the parent.
func renderWorker(args []string, streams genericiooptions.IOStreams) int {
	if err := render.Worker(args, streams.In, streams.Out, findInIndex); err != nil {
		_, _ = streams.ErrOut.Write([]byte(err.Error() + "\n"))
		return exitError
	}
	return exitOK
}

// renderer returns how commands render: in a child process, which is this program once more, or in this process where
// the program cannot be named or is a test.
func renderer(u *ui.Terminal) func(context.Context, *os.Root, string, render.Options) ([]manifest.Object, error) {
	program, err := os.Executable()
	if err != nil || strings.HasSuffix(strings.TrimSuffix(program, ".exe"), ".test") {
		return render.Dir
	}
	if _, err := os.Stat("/proc/self/exe"); err == nil && runtime.GOOS == "linux" {
		program = "/proc/self/exe" // the same program also after its file was replaced
	}
	child := render.Isolated{
		Command: []string{program, renderCommand},
		Warn:    func(text string) { u.Warn("%s", text) },
		Memory:  memory.OfContainer(),
	}
	charts := chartFetcher(u)
	charts.Find = findIn(child)
	child.Fetch = charts.Fetch
	return child.Dir
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

// findInIndex is what a child makes of the index of a repository of charts.
func findInIndex(ctx context.Context, index io.Reader, n chart.Need) (json.RawMessage, error) {
	v, err := chartrepo.Find(ctx, index, n)
	if err != nil {
		return nil, err
	}
	return json.Marshal(v)
}
