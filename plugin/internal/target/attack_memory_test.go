package target

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/chart"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/chartrepo"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/memory"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/render"
)

// TestMain lets this test binary stand for the program when it is started to render.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == RenderCommand {
		if err := render.Worker(os.Args[2:], os.Stdin, os.Stdout, FindInIndex); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

const goodIndex = "apiVersion: v1\nentries:\n  db:\n  - version: 1.0.0\n    digest: \"00\"\n    urls: [db-1.0.0.tgz]\n"

// An index is parsed in a child, so that one of a few kilobytes on the wire fails alone.
func TestAttackIndexesThatGrow(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only time is limited here")
	}
	fill := func(begin, piece, end string) string { return begin + strings.Repeat(piece, 31<<20/len(piece)) + end }
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	child := render.Isolated{Command: []string{self, RenderCommand}, Memory: memory.New(512<<20, func() int64 { return 0 }, func(int64) {})}
	for name, tt := range map[string]struct{ index, want string }{
		"X6 a list of lists":               {fill("entries: {a: [", "[],", "[]]}"), "needs more than 320 MiB of memory to be read"},
		"X6 versions of the chart":         {fill("entries:\n  db:\n", "  - {}\n", ""), "needs more than 320 MiB of memory to be read"},
		"X6 versions of others":            {fill(goodIndex, "  - {}\n", "") + "  other:\n" + strings.Repeat("  - {}\n", 1<<20), ""},
		"X6 an index within the limit":     {goodIndex, "has digest"},
		"X6 one beside a lot of others":    {fill("entries:\n", "  a:\n  - {}\n", goodIndex[len("apiVersion: v1\nentries:\n"):]), "has digest"},
		"X6 too large to be read at once":  {strings.Repeat(" ", 65<<20), "the index has more than 32 MiB, and is not in the form"},
		"X6 more than there may be at all": {strings.Repeat(" ", 257<<20), "is larger than 256 MiB"},
	} {
		t.Run(name, func(t *testing.T) {
			var packed bytes.Buffer
			z := gzip.NewWriter(&packed)
			_, _ = z.Write([]byte(tt.index))
			_ = z.Close()
			if packed.Len() > 300<<10 {
				t.Errorf("%d bytes on the wire", packed.Len())
			}
			server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if strings.HasSuffix(r.URL.Path, "/index.yaml") {
					w.Header().Set("Content-Encoding", "gzip")
					_, _ = w.Write(packed.Bytes())
					return
				}
				fmt.Fprint(w, "not the chart")
			}))
			defer server.Close()
			f := &chartrepo.Fetcher{Local: true, Transport: server.Client().Transport, Find: findIn(child)}
			tt.index = ""
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, _, err := f.Fetch(t.Context(), chart.Need{Name: "db", Version: "1.0.0", Repository: server.URL})
			runtime.ReadMemStats(&after)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Error(err)
			}
			if mib := (after.TotalAlloc - before.TotalAlloc) >> 20; mib > 16 {
				t.Errorf("%d MiB allocated here", mib)
			}
		})
	}
}
