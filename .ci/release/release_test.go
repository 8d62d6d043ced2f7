package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/kubectl-gitops/kubectl-gitops/.ci/release/binary"
)

// newCheckout is a repository with small programs in the place of the real ones, which take longer to compile.
func newCheckout(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	program := "package main\n\nimport \"" + binary.Module + "/PACKAGE\"\n\nfunc main() { PACKAGE.Print() }\n"
	library := "package PACKAGE\n\nvar linkedVersion string\n\nfunc Print() { println(linkedVersion) }\n"
	for name, text := range map[string]string{
		"go.mod":                     "module " + binary.Module + "\n\ngo 1.26.0\n",
		"LICENSE":                    "Do as you like.\n",
		"CHANGELOG.md":               "# Changes\n\n## 1.0.0 (2026-01-02)\n\n- The first one.\n",
		tablePath:                    tableHead,
		"cmd/kubectl-gitops/main.go": strings.ReplaceAll(program, "PACKAGE", "plugin"),
		"plugin/plugin.go":           strings.ReplaceAll(library, "PACKAGE", "plugin"),
		"cmd/gitops-action/main.go":  strings.ReplaceAll(program, "PACKAGE", "action"),
		"action/action.go":           strings.ReplaceAll(library, "PACKAGE", "action"),
		"plugin/internal/docgen/main.go": "package main\n\nimport \"os\"\n\nfunc main() {\n\tos.Mkdir(os.Args[2], 0o755)\n" +
			"\tos.WriteFile(os.Args[2]+\"/kubectl-gitops.1\", []byte(\".TH\\n\"), 0o644)\n}\n",
	} {
		put(t, filepath.Join(dir, name), text)
	}
	git(t, dir, "init", "--quiet", "--initial-branch=main")
	git(t, dir, "config", "user.name", "Ada")
	git(t, dir, "config", "user.email", "ada@example.com")
	commit(t, dir, "Start")
	return dir
}

func put(t *testing.T, file, text string) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(text), 0o644)); err != nil {
		t.Fatal(err)
	}
}

func commit(t *testing.T, dir, message string) {
	t.Helper()
	git(t, dir, "add", "--all")
	git(t, dir, "commit", "--quiet", "--message", message)
}

func git(t *testing.T, dir string, args ...string) string {
	t.Helper()
	out, err := exec.Command("git", append([]string{"-C", dir}, args...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

func host() string { return runtime.GOOS + "/" + runtime.GOARCH }

// release runs the command as people do.
func release(t *testing.T, dir, out string, args ...string) (string, error) {
	t.Helper()
	var stdout bytes.Buffer
	err := run(t.Context(), append([]string{"-dir", dir, "-o", out, "-platforms", host() + ",windows/amd64"}, args...), &stdout, io.Discard)
	return stdout.String(), err
}

func TestThreeStepsInOrder(t *testing.T) {
	dir, out := newCheckout(t), filepath.Join(t.TempDir(), "dist")
	refused := func(want string, args ...string) {
		t.Helper()
		before := git(t, dir, "rev-parse", "HEAD") + git(t, dir, "tag") + git(t, dir, "status", "--porcelain")
		if _, err := release(t, dir, out, args...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want %q", args, err, want)
		}
		if after := git(t, dir, "rev-parse", "HEAD") + git(t, dir, "tag") + git(t, dir, "status", "--porcelain"); after != before {
			t.Errorf("%v was refused and changed the repository: %s, was %s", args, after, before)
		}
		if _, err := os.Stat(out); err == nil {
			t.Errorf("%v was refused and left files", args)
		}
	}
	taken := func(args ...string) {
		t.Helper()
		if _, err := release(t, dir, out, args...); err != nil {
			t.Fatalf("%v: %v", args, err)
		}
	}

	refused("has no digests of 1.0.0", "tag", "1.0.0")
	refused("does not have the tag v1.0.0", "publish", "1.0.0")
	refused("not a version", "prepare", "1.0")
	refused("no section", "prepare", "1.1.0")
	put(t, filepath.Join(dir, "notes"), "not committed\n")
	refused("changes that no commit has", "prepare", "1.0.0")
	commit(t, dir, "Notes")

	taken("prepare", "1.0.0")
	refused("does not have the tag v1.0.0", "publish", "1.0.0")
	put(t, filepath.Join(dir, "action/action.go"), "package action\n\nfunc Print() { println(\"later\") }\n")
	commit(t, dir, "A change after the digests")
	refused("run `prepare 1.0.0` again", "tag", "1.0.0")
	git(t, dir, "tag", "v1.0.0") // by hand, out of order
	refused("must not be released", "publish", "1.0.0")
	git(t, dir, "tag", "--delete", "v1.0.0")

	taken("prepare", "1.0.0")
	taken("tag", "1.0.0")
	refused("exists", "prepare", "1.0.0")
	taken("publish", "1.0.0")

	table := read(t, filepath.Join(dir, tablePath))
	sums := read(t, filepath.Join(out, "checksums.txt"))
	for _, p := range []string{strings.ReplaceAll(host(), "/", "_"), "windows_amd64.exe"} {
		line := lineWith(table, "gitops-action_1.0.0_"+p)
		if line == "" || !strings.Contains(sums, line+"\n") {
			t.Errorf("the tagged commit does not name the published binary of %s:\n%s\n%s", p, table, sums)
		}
	}
	put(t, filepath.Join(dir, "CHANGELOG.md"), "# Changes\n\n## 0.9.0\n")
	commit(t, dir, "Older")
	if _, err := release(t, dir, out, "prepare", "0.9.0"); err == nil || !strings.Contains(err.Error(), "older than the tag v1.0.0") {
		t.Errorf("an older version after a newer: %v", err)
	}
}

func lineWith(text, part string) string {
	for line := range strings.Lines(text) {
		if strings.HasSuffix(strings.TrimSpace(line), part) {
			return strings.TrimSpace(line)
		}
	}
	return ""
}

func read(t *testing.T, file string) string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestSnapshotIsReproducibleWhereverItIsBuilt(t *testing.T) {
	dir := newCheckout(t)
	clone := filepath.Join(t.TempDir(), "elsewhere")
	git(t, dir, "clone", "--quiet", dir, clone)
	var outputs []string
	for _, checkout := range []string{dir, clone} {
		out := filepath.Join(t.TempDir(), "dist")
		if _, err := release(t, checkout, out, "snapshot"); err != nil {
			t.Fatal(err)
		}
		outputs = append(outputs, read(t, filepath.Join(out, "checksums.txt")))
		check := exec.Command("sha256sum", "--check", "--quiet", "checksums.txt")
		check.Dir = out
		if text, err := check.CombinedOutput(); err != nil {
			t.Errorf("sha256sum: %v\n%s", err, text)
		}
	}
	if outputs[0] != outputs[1] {
		t.Errorf("two builds of one commit differ:\n%s\n%s", outputs[0], outputs[1])
	}
	put(t, filepath.Join(dir, "plugin/plugin.go"), "package plugin\n\nfunc Print() { println(\"changed\") }\n")
	commit(t, dir, "Change")
	out := filepath.Join(t.TempDir(), "dist")
	if _, err := release(t, dir, out, "snapshot"); err != nil {
		t.Fatal(err)
	}
	if read(t, filepath.Join(out, "checksums.txt")) == outputs[0] {
		t.Error("another commit gives the same digests, so this test proves nothing")
	}
}

func TestArchivesHoldProgramLicenceAndManual(t *testing.T) {
	dir, out := newCheckout(t), filepath.Join(t.TempDir(), "dist")
	if _, err := release(t, dir, out, "snapshot", "1.2.3"); err != nil {
		t.Fatal(err)
	}
	name := "kubectl-gitops_v1.2.3_" + strings.ReplaceAll(host(), "/", "_")
	if got, want := untar(t, read(t, filepath.Join(out, name+".tar.gz"))), []string{"LICENSE 644", "kubectl-gitops 755", "man/kubectl-gitops.1 644"}; !slices.Equal(got, want) {
		t.Errorf("the archive holds %v, want %v", got, want)
	}
	z := read(t, filepath.Join(out, "kubectl-gitops_v1.2.3_windows_amd64.zip"))
	r, err := zip.NewReader(strings.NewReader(z), int64(len(z)))
	if err != nil || len(r.File) != 3 || r.File[0].Name != "kubectl-gitops.exe" {
		t.Errorf("the zip: %v, %v", r, err)
	}
	if bill := read(t, filepath.Join(out, name+".spdx.json")); !strings.Contains(bill, `"SPDX-2.3"`) || !strings.Contains(bill, binary.Module) {
		t.Errorf("the bill of materials:\n%s", bill)
	}
}

func untar(t *testing.T, data string) []string {
	t.Helper()
	z, err := gzip.NewReader(strings.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		files[h.Name] = h.Name + " " + string(rune('0'+h.Mode>>6&7)) + string(rune('0'+h.Mode>>3&7)) + string(rune('0'+h.Mode&7))
	}
	return slices.Sorted(maps.Values(files))
}

func TestKrewManifestNeedsEveryPlatform(t *testing.T) {
	template := read(t, "../../krew/gitops.yaml")
	var sums strings.Builder
	for _, p := range strings.Split(everywhere, ",") {
		ending := ".tar.gz"
		if strings.HasPrefix(p, "windows") {
			ending = ".zip"
		}
		sums.WriteString(strings.Repeat("a", 64) + "  kubectl-gitops_v1.2.3_" + strings.ReplaceAll(p, "/", "_") + ending + "\n")
	}
	out, err := krewManifest([]byte(template), "1.2.3", []byte(sums.String()))
	if err != nil || strings.Count(string(out), "\n    sha256: "+strings.Repeat("a", 64)+"\n") != 6 || strings.Contains(string(out), "{{") {
		t.Errorf("%v\n%s", err, out)
	}
	if _, err := krewManifest([]byte(template), "1.2.3", []byte("")); err == nil || !strings.Contains(err.Error(), "build all platforms") {
		t.Errorf("a manifest without archives: %v", err)
	}
}

func TestWrongArguments(t *testing.T) {
	for _, args := range [][]string{{}, {"publisch", "1.0.0"}, {"tag", "1.0.0", "more"}, {"-platforms", "linux", "snapshot"}} {
		if err := run(t.Context(), args, io.Discard, io.Discard); err == nil {
			t.Errorf("%v was accepted", args)
		}
	}
}
