package action

import (
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/kubectl-gitops/kubectl-gitops/action/internal/promotion"
)

// checkout writes a small config repository and returns its directory.
func checkout(t *testing.T) string {
	t.Helper()
	return checkoutOf(t, map[string]string{
		prodFile:              kustomization("ghcr.io/acme/api", "1.8.1"),
		"values.yaml":         "replicas: 2\r\nimage: ghcr.io/acme/web:1.0\r\n",
		".git/objects/x.yaml": "image: ghcr.io/acme/api:0.1.0\n",
	})
}

func checkoutOf(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, data := range files {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(data), 0o640); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// command runs the command line outside GitHub.
func command(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs strings.Builder
	code = Main(t.Context(), args, Streams{Getenv: func(string) string { return "" }, Out: &out, Err: &errs})
	return code, out.String(), errs.String()
}

func TestBumpEditsACheckout(t *testing.T) {
	dir := checkout(t)
	code, stdout, stderr := command(t, "bump", "--dir", dir, "--image", "ghcr.io/acme/api=1.8.2", "--value", "values.yaml:replicas=3")
	want := prodFile + ":6:11: 1.8.1 -> 1.8.2\nvalues.yaml:1:11: 2 -> 3\n2 edits made in 2 files\n"
	if code != ExitOK || stdout != want || stderr != "" {
		t.Fatalf("exit %d\n%s%s\nwant:\n%s", code, stdout, stderr, want)
	}
	if got := read(t, filepath.Join(dir, "values.yaml")); got != "replicas: 3\r\nimage: ghcr.io/acme/web:1.0\r\n" {
		t.Errorf("values.yaml: %q", got)
	}
	if got := read(t, filepath.Join(dir, ".git/objects/x.yaml")); !strings.Contains(got, "0.1.0") {
		t.Error(".git was edited")
	}
	info, err := os.Stat(filepath.Join(dir, "values.yaml"))
	if err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o640 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".*gitops*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	code, stdout, _ = command(t, "bump", "--dir", dir, "--image", "ghcr.io/acme/api=1.8.2")
	if code != ExitOK || stdout != "already up to date (1 reference)\n" {
		t.Errorf("second run: exit %d %q", code, stdout)
	}
}

func TestBumpCheckOnlyReports(t *testing.T) {
	dir := checkout(t)
	before := read(t, filepath.Join(dir, prodFile))
	code, stdout, _ := command(t, "bump", "--dir", dir, "--image", "ghcr.io/acme/api=1.8.2", "--check")
	if code != ExitFailed || !strings.Contains(stdout, "1 edit would be made") || read(t, filepath.Join(dir, prodFile)) != before {
		t.Errorf("exit %d\n%s", code, stdout)
	}
	if code, _, _ = command(t, "bump", "--dir", dir, "--image", "ghcr.io/acme/api=1.8.1", "--check"); code != ExitOK {
		t.Errorf("exit %d with nothing to change", code)
	}
}

func TestBumpPrintsJSON(t *testing.T) {
	dir := checkout(t)
	code, stdout, _ := command(t, "bump", "--dir", dir, "--image", "ghcr.io/acme/api=1.8.2", "-o", "json")
	var got struct {
		Changed bool
		Edits   []editJSON
	}
	if err := json.Unmarshal([]byte(stdout), &got); err != nil || code != ExitOK {
		t.Fatalf("exit %d, %v:\n%s", code, err, stdout)
	}
	if !got.Changed || len(got.Edits) != 1 || got.Edits[0].New != "1.8.2" || got.Edits[0].Line != 6 {
		t.Errorf("%+v", got)
	}
}

func TestBumpStaysInsideTheCheckout(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("symbolic links need rights there")
	}
	dir, outside := checkout(t), t.TempDir()
	target := filepath.Join(outside, "x.yaml")
	if err := os.WriteFile(target, []byte("image: ghcr.io/acme/out:1.0.0\na: 1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, link := range []string{"link.yaml", "dir"} {
		to := target
		if link == "dir" {
			to = outside
		}
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range [][]string{
		{"--image", "ghcr.io/acme/out=2.0.0"}, {"--value", "link.yaml:a=2"}, {"--value", "dir/x.yaml:a=2"}, {"--value", "../" + filepath.Base(outside) + "/x.yaml:a=2"},
	} {
		code, stdout, stderr := command(t, append([]string{"bump", "--dir", dir}, args...)...)
		if code == ExitOK || !strings.HasPrefix(stderr, "error: ") {
			t.Errorf("%v: exit %d\n%s%s", args, code, stdout, stderr)
		}
	}
	if read(t, target) != "image: ghcr.io/acme/out:1.0.0\na: 1\n" {
		t.Error("a file outside the checkout was changed")
	}
}

func TestMisusedCommandLines(t *testing.T) {
	for _, args := range [][]string{
		{"deploy"}, {"bump"}, {"bump", "--image"}, {"bump", "--image", "x"}, {"bump", "--nope"}, {"bump", "--image", "a=1", "extra"},
		{"bump", "--image", "a=1", "-o", "xml"}, {"bump", "--image", "a=1", "--path", "../x"},
	} {
		code, _, stderr := command(t, args...)
		if code != ExitMisused || !strings.HasPrefix(stderr, "error: ") || !strings.Contains(stderr, "hint: ") {
			t.Errorf("%v: exit %d\n%s", args, code, stderr)
		}
	}
	code, _, stderr := command(t, "bump", "--dir", filepath.Join(t.TempDir(), "none"), "--image", "a=1")
	if code != ExitFailed || !strings.Contains(stderr, "open the checkout") {
		t.Errorf("missing directory: exit %d\n%s", code, stderr)
	}
}

func TestHelpAndVersion(t *testing.T) {
	for _, args := range [][]string{nil, {"--help"}, {"bump", "--help"}} {
		if code, stdout, _ := command(t, args...); code != ExitOK || !strings.Contains(stdout, "Usage:") {
			t.Errorf("%v: exit %d %q", args, code, stdout)
		}
	}
	if code, stdout, _ := command(t, "version"); code != ExitOK || !strings.HasPrefix(stdout, "gitops-action ") {
		t.Errorf("version: exit %d %q", code, stdout)
	}
}

// What keeps the old version is a note with file and line, and a list for programs.
func TestFieldBumpNamesWhatItLeaves(t *testing.T) {
	files := map[string]string{
		"app.yaml":    "spec: {containers: [{image: ghcr.io/acme/api:1.0.0}]}\n",
		"worker.yaml": "spec:\n  containers:\n  - image: other:1\n    args: [--next=ghcr.io/acme/api:1.0.0]\n    env:\n    - {name: IMAGE, value: ghcr.io/acme/api:1.0.0}\n",
		"old.yaml":    "# ghcr.io/acme/api:1.0.0\n",
		"other.yaml":  "a: ghcr.io/acme/api:0.9.0\n",
	}
	code, stdout, stderr := command(t, "bump", "--dir", checkoutOf(t, files), "--image", "ghcr.io/acme/api=1.1.0")
	want := `app.yaml:1:29: ghcr.io/acme/api:1.0.0 -> ghcr.io/acme/api:1.1.0
note: old.yaml:1: ghcr.io/acme/api stays at 1.0.0: a comment
note: worker.yaml:4: ghcr.io/acme/api stays at 1.0.0: not a place where images are edited
note: worker.yaml:6: ghcr.io/acme/api stays at 1.0.0: not a place where images are edited
1 edit made in 1 file
`
	if code != ExitOK || stdout != want {
		t.Errorf("A5: exit %d\n%s%s\nwant\n%s", code, stdout, stderr, want)
	}
	_, stdout, _ = command(t, "bump", "--dir", checkoutOf(t, files), "--image", "ghcr.io/acme/api=1.1.0", "-o", "json")
	var got struct{ Left []promotion.Left }
	if err := json.Unmarshal([]byte(stdout), &got); err != nil || len(got.Left) != 3 || got.Left[1] != (promotion.Left{File: "worker.yaml", Line: 4, What: "ghcr.io/acme/api", From: "1.1.0", To: "1.0.0", Reason: "not a place where images are edited"}) {
		t.Errorf("A5: %v\n%s", err, stdout)
	}
	delete(files, "app.yaml")
	code, _, stderr = command(t, "bump", "--dir", checkoutOf(t, files), "--image", "ghcr.io/acme/api=1.1.0")
	if code != ExitFailed || !strings.Contains(stderr, "not found in any file; only text names it: old.yaml:1, other.yaml:1, worker.yaml:4, worker.yaml:6") || !strings.Contains(stderr, "hint: bump edits images, not text") {
		t.Errorf("A5: exit %d\n%s", code, stderr)
	}
}
