package main

import (
	"bytes"
	"compress/gzip"
	"flag"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/kubectl-gitops/kubectl-gitops/.ci/release/binary"
)

var update = flag.Bool("update", false, "write docs/size.md anew")

const (
	sizeDoc = "../../docs/size.md"
	// stale is how far a documented size may be from the program's, as a share of it.
	stale = 0.04
)

// limits are the sizes that a program must not exceed, in bytes, in the order of docs/size.md.
var limits = []struct {
	program string
	bytes   int
}{{binary.Plugin, 60_000_000}, {binary.Action, 12_000_000}}

// TestProgramsStaySmall asserts the limits, and that docs/size.md says what is measured. With -update it writes the
// measured parts of that page, which takes a minute longer.
func TestProgramsStaySmall(t *testing.T) {
	if testing.Short() {
		t.Skip("builds both programs")
	}
	var table strings.Builder
	table.WriteString("| program | linux/amd64 | at most | compressed |\n|---|---|---|---|\n")
	sizes := map[string]int{}
	for _, l := range limits {
		b, err := binary.Compile(t.Context(), t.Output(), "../..", filepath.Join(t.TempDir(), l.program), l.program, binary.Platform{OS: "linux", Arch: "amd64"}, "")
		if err != nil {
			t.Fatal(err)
		}
		sizes[l.program] = len(b.Data)
		t.Logf("%s: %s", l.program, megabytes(len(b.Data)))
		if len(b.Data) > l.bytes {
			t.Errorf("%s has %d bytes, at most %d: docs/size.md says what weighs", l.program, len(b.Data), l.bytes)
		}
		if *update {
			fmt.Fprintf(&table, "| `%s` | %s | %s | %s |\n", l.program, megabytes(len(b.Data)), megabytes(l.bytes), megabytes(compressed(t, b.Data)))
		}
	}
	page, err := os.ReadFile(sizeDoc)
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		page = replacePart(t, page, "sizes", table.String())
		page = replacePart(t, page, "weights", weights(t))
		if err := os.WriteFile(sizeDoc, page, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	for program, bytes := range sizes {
		said := documented(t, page, program)
		if math.Abs(said-float64(bytes)/1e6) > stale*float64(bytes)/1e6 {
			t.Errorf("docs/size.md says that %s has %.1f MB, and it has %s: go -C .ci/release test -run %s -update .", program, said, megabytes(bytes), t.Name())
		}
	}
}

func megabytes(n int) string { return fmt.Sprintf("%.1f MB", float64(n)/1e6) }

func compressed(t *testing.T, data []byte) int {
	var out bytes.Buffer
	w, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Len()
}

// replacePart writes text between the comments that begin and end a part of the page.
func replacePart(t *testing.T, page []byte, name, text string) []byte {
	begin, end := []byte("<!-- "+name+" -->\n"), []byte("<!-- end of "+name+" -->")
	before, rest, ok := bytes.Cut(page, begin)
	_, after, also := bytes.Cut(rest, end)
	if !ok || !also {
		t.Fatalf("docs/size.md has no part %q", name)
	}
	return slices.Concat(before, begin, []byte(text), end, after)
}

// documented is the size of a program in docs/size.md, in MB.
func documented(t *testing.T, page []byte, program string) float64 {
	found := regexp.MustCompile("\\| `" + regexp.QuoteMeta(program) + "` \\| ([0-9.]+) MB").FindSubmatch(page)
	if found == nil {
		t.Fatalf("docs/size.md has no size of %s", program)
	}
	n, err := strconv.ParseFloat(string(found[1]), 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// groups say which packages belong together on the page. The first that fits counts.
var groups = []struct {
	name     string
	prefixes []string
}{
	{"Kubernetes' API types (`k8s.io/api`)", []string{"k8s.io/api/"}},
	{"other libraries of Kubernetes (client-go, apimachinery, kubectl, cli-runtime)", []string{"k8s.io/client-go", "k8s.io/apimachinery", "k8s.io/kubectl", "k8s.io/cli-runtime", "k8s.io/"}},
	{"CEL, for health rules", []string{"github.com/google/cel-go", "cel.dev/", "github.com/antlr4-go"}},
	{"OpenAPI models", []string{"github.com/google/gnostic-models", "github.com/go-openapi", "sigs.k8s.io/structured-merge-diff"}},
	{"protobuf", []string{"google.golang.org/", "github.com/gogo/"}},
	{"Kustomize", []string{"sigs.k8s.io/kustomize"}},
	{"Helm's template engine and its functions", []string{"helm.sh/", "github.com/Masterminds", "github.com/santhosh-tekuri"}},
	{"Git and OpenPGP", []string{"github.com/go-git", "github.com/ProtonMail", "github.com/cloudflare"}},
	{"this project", []string{binary.Module}},
}

// weights is a table of the parts of the plugin by the size of their machine code, largest first.
func weights(t *testing.T) string {
	path := filepath.Join(t.TempDir(), "unstripped")
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-o", path, "./cmd/"+binary.Plugin)
	build.Dir, build.Env = "../..", append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64")
	if text, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	out, err := exec.CommandContext(t.Context(), "go", "tool", "nm", "-size", path).Output()
	if err != nil {
		t.Fatal(err)
	}
	total := map[string]int{}
	for line := range strings.Lines(string(out)) {
		if size, name, ok := symbol(line); ok {
			total[groupOf(name)] += size
		}
	}
	names := slices.SortedFunc(func(yield func(string) bool) {
		for name := range total {
			if !yield(name) {
				return
			}
		}
	}, func(a, b string) int { return total[b] - total[a] })
	var text strings.Builder
	text.WriteString("| part | code |\n|---|---|\n")
	for _, name := range names {
		fmt.Fprintf(&text, "| %s | %s |\n", name, megabytes(total[name]))
	}
	return text.String()
}

// symbol reads a line of go tool nm: address, size, kind, name. Only kinds T and t are code.
func symbol(line string) (int, string, bool) {
	f := strings.Fields(line)
	if len(f) < 4 || !strings.EqualFold(f[2], "t") {
		return 0, "", false
	}
	size, err := strconv.Atoi(f[1])
	return size, strings.Join(f[3:], " "), err == nil
}

func groupOf(symbol string) string {
	for _, g := range groups {
		for _, prefix := range g.prefixes {
			if strings.HasPrefix(symbol, prefix) {
				return g.name
			}
		}
	}
	if host, _, _ := strings.Cut(symbol, "/"); strings.Contains(host, ".") && strings.Contains(symbol, "/") {
		return "other libraries"
	}
	return "Go's runtime and standard library"
}
