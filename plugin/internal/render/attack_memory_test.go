package render

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/memory"
)

// megabytes makes a block whose pages are all there.
func megabytes(n int) []byte {
	block := make([]byte, n<<20)
	for i := 0; i < len(block); i += 4 << 10 {
		block[i] = 'x'
	}
	return block
}

func oneObject(text string) []Object {
	return []Object{{Unstructured: &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "ConfigMap",
		"metadata": map[string]any{"name": "a"}, "data": map[string]any{"text": text}}}}}
}

// grow is a renderer that needs as many MiB as path says.
func grow(_ context.Context, _ *os.Root, path string, _ Options) ([]Object, error) {
	n, err := strconv.Atoi(path)
	if err != nil {
		return nil, err
	}
	block := megabytes(n)
	objects := oneObject(string(block[:10]))
	runtime.KeepAlive(block)
	return objects, nil
}

// answerWith is a renderer whose objects have as many MiB as path says.
func answerWith(_ context.Context, _ *os.Root, path string, _ Options) ([]Object, error) {
	n, err := strconv.Atoi(path)
	var all []Object
	for range n {
		all = append(all, oneObject(strings.Repeat("x", 1<<20))...)
	}
	return all, err
}

// apps are rendered all at once in a container of 512 MiB. A reconciler renders two at once; more must do no harm.
var apps = map[string][]string{
	"small apps":          slices.Repeat([]string{"grow 90"}, 16),
	"one that has no end": {"grow 20", "memory", "grow 20", "memory", "grow 20"},
	"one that needs most": {"grow 20", "grow 190", "grow 20"}, // of 320: Go takes memory in pieces of 64 MiB, and begins with 117
	"many objects":        slices.Repeat([]string{"answer 32"}, 14),
	"200 apps":            slices.Repeat(append(slices.Repeat([]string{"grow 60"}, 49), "memory"), 4),
}

// inContainer is the reconciler of these tests: it keeps what was rendered, and says what came of each.
func inContainer(name string) {
	self, _ := os.Executable()
	budget := memory.OfContainer()
	fmt.Printf("limit %d MiB\n", budget.Limit()>>20)
	var wg sync.WaitGroup
	said, kept := make([]string, len(apps[name])), make([][]Object, len(apps[name]))
	for i, app := range apps[name] {
		wg.Go(func() {
			worker, path, _ := strings.Cut(app, " ")
			root, err := os.OpenRoot(os.TempDir())
			if err == nil {
				kept[i], err = Isolated{Command: []string{self, "worker", worker}, Memory: budget}.Dir(context.Background(), root, path, Options{})
			}
			switch {
			case errors.Is(err, memory.ErrFull):
				said[i] = app + ": full"
			case err != nil:
				said[i] = app + ": " + err.Error()
			default:
				said[i] = app + ": rendered"
			}
		})
	}
	wg.Wait()
	fmt.Println(strings.Join(said, "\n"))
	runtime.KeepAlive(kept)
}

func TestAttackManyAppsInAContainer(t *testing.T) {
	for name, want := range map[string]func(lines []string) string{
		"small apps":          func(lines []string) string { return all(lines, "rendered") },
		"one that has no end": endlessFail,
		"200 apps":            endlessFail,
		"one that needs most": func(lines []string) string { return all(lines, "rendered") },
		"many objects": func(lines []string) string {
			rendered, full := 0, 0
			for _, line := range lines {
				if strings.HasSuffix(line, ": rendered") {
					rendered++
				} else if strings.HasSuffix(line, ": full") {
					full++
				}
			}
			if rendered < 4 || full == 0 || rendered+full != len(lines) {
				return fmt.Sprintf("%d rendered, %d refused of %d", rendered, full, len(lines))
			}
			return ""
		},
	} {
		t.Run("X6 "+name, func(t *testing.T) {
			dir := container(t, 512<<20)
			command := exec.Command("sh", "-c", `echo $$ > "$0/cgroup.procs" && exec "$@"`, dir, worker(t, "").Command[0], "container", name)
			out, err := command.CombinedOutput()
			lines := strings.Split(strings.TrimSpace(string(out)), "\n")
			if err != nil || lines[0] != "limit 512 MiB" {
				t.Fatalf("%v\n%s", err, out)
			}
			if wrong := want(lines[1:]); wrong != "" || len(lines) != len(apps[name])+1 {
				t.Errorf("%s\n%s", wrong, out)
			}
			for _, file := range []string{"memory.events", "memory.oom_control"} {
				text, _ := os.ReadFile(filepath.Join(dir, file))
				for line := range strings.Lines(string(text)) {
					if n, found := strings.CutPrefix(strings.TrimSpace(line), "oom_kill "); found && n != "0" {
						t.Errorf("the kernel killed %s processes", n)
					}
				}
			}
			for _, file := range []string{"memory.peak", "memory.max_usage_in_bytes"} {
				if text, err := os.ReadFile(filepath.Join(dir, file)); err == nil {
					n, _ := strconv.Atoi(strings.TrimSpace(string(text)))
					t.Logf("at most %d MiB", n>>20)
				}
			}
		})
	}
}

// endlessFail wants the apps without an end to fail, and all others to be rendered.
func endlessFail(lines []string) string {
	for _, line := range lines {
		if strings.HasPrefix(line, "memory") && !strings.Contains(line, "needed more than 320 MiB of memory") ||
			strings.HasPrefix(line, "grow") && !strings.HasSuffix(line, "rendered") {
			return line
		}
	}
	return ""
}

func all(lines []string, end string) string {
	for _, line := range lines {
		if !strings.HasSuffix(line, ": "+end) {
			return line
		}
	}
	return ""
}

// container makes a control group with a limit of memory, where this machine and its user allow it.
func container(t *testing.T, limit int) string {
	t.Helper()
	top, file := "/sys/fs/cgroup/memory", "memory.limit_in_bytes"
	if _, err := os.Stat("/sys/fs/cgroup/cgroup.controllers"); err == nil {
		top, file = "/sys/fs/cgroup", "memory.max"
	}
	dir, err := os.MkdirTemp(top, "render-test-")
	if err != nil {
		t.Skip("no control group can be made here: ", err)
	}
	t.Cleanup(func() {
		if err := os.Remove(dir); err != nil {
			t.Error(err)
		}
	})
	if err := os.WriteFile(filepath.Join(dir, file), []byte(strconv.Itoa(limit)), 0o600); err != nil {
		t.Skip("memory cannot be limited here: ", err)
	}
	return dir
}
