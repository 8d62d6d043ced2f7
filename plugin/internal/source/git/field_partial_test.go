package git_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/placeholder"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/source/git"
)

// A partial clone is written as far as it goes; what it lacks is a placeholder.
func TestFieldPartialClone(t *testing.T) {
	for _, tt := range []struct {
		name, filter string
		missing      map[string]bool // what is a placeholder
	}{
		{"Habits blob:limit", "blob:limit=1k", map[string]bool{"data/big.bin": true, "apps/shop/big.yaml": true}},
		{"Habits blob:none", "blob:none", map[string]bool{"data/big.bin": true, "apps/shop/big.yaml": true, "apps/shop/a.yaml": true, "link": true}},
		{"Habits tree:0", "tree:0", map[string]bool{"data": true, "apps": true, "link": true}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRepository(t)
			r.git("config", "uploadpack.allowFilter", "true")
			r.write("data/big.bin", strings.Repeat("x", 5000))
			r.write("apps/shop/a.yaml", "small\n")
			r.write("apps/shop/big.yaml", strings.Repeat("y\n", 5000))
			if err := os.Symlink("apps/shop/a.yaml", filepath.Join(r.dir, "link")); err != nil {
				t.Skip(err)
			}
			commit := r.commit("first")
			if tt.filter == "tree:0" { // the tree of the commit itself is there, as after a checkout
				tt.missing = map[string]bool{"data": true, "apps": true, "link": true}
			}
			clone := filepath.Join(t.TempDir(), "clone")
			run(t, "", "clone", "-q", "--no-checkout", "--filter="+tt.filter, "file://"+r.dir, clone)
			if tt.filter == "tree:0" {
				copyObject(t, r.dir, clone, "tree", commit+"^{tree}")
			}
			dir := t.TempDir()
			_, objects, err := git.Repo{URL: clone}.Fetch(t.Context(), commit, dir)
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range []string{"data", "data/big.bin", "apps", "apps/shop/a.yaml", "apps/shop/big.yaml", "link"} {
				info, err := os.Lstat(filepath.Join(dir, name))
				isPlaceholder := false
				if err == nil && info.Mode().IsRegular() {
					data, readErr := os.ReadFile(filepath.Join(dir, name))
					if readErr != nil {
						t.Fatal(readErr)
					}
					_, isPlaceholder = placeholder.Of(data)
				}
				if isPlaceholder != tt.missing[name] {
					t.Errorf("%s: a placeholder: %v", name, isPlaceholder)
				}
			}
			if objects.At("apps") == "" {
				t.Error("Git's name of a directory is not known")
			}
		})
	}
}

// copyObject copies one object and nothing it names, as asking a partial clone for it would.
func copyObject(t *testing.T, from, to, kind, name string) {
	t.Helper()
	read := exec.CommandContext(t.Context(), "git", "-C", from, "cat-file", kind, name)
	data, err := read.Output()
	if err != nil {
		t.Fatal(err)
	}
	write := exec.CommandContext(t.Context(), "git", "-C", to, "hash-object", "-t", kind, "-w", "--stdin")
	write.Stdin = bytes.NewReader(data)
	if out, err := write.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

// A repository that is no partial clone and lacks an object is damaged: that is an error.
func TestAMissingObjectOfAWholeClone(t *testing.T) {
	r := newRepository(t)
	r.write("a.yaml", "a\n")
	commit := r.commit("first")
	blob := r.git("rev-parse", "HEAD:a.yaml")
	if err := os.Remove(filepath.Join(r.dir, ".git", "objects", blob[:2], blob[2:])); err != nil {
		t.Fatal(err)
	}
	_, _, err := git.Repo{URL: r.dir}.Fetch(t.Context(), commit, t.TempDir())
	mustFail(t, err, `"a.yaml"`)
}

// The limits of a repository name the flags that raise them.
func TestFieldLimitsNameTheirFlags(t *testing.T) {
	r := newRepository(t)
	for _, name := range []string{"a", "b", "c"} {
		r.write(name, strings.Repeat("x", 1000))
	}
	commit := r.commit("first")
	for _, url := range []string{r.dir, r.serve(nil).URL + "/config/.git"} {
		_, _, err := git.Repo{URL: url, Limits: git.Limits{Files: 2}}.Fetch(t.Context(), commit, t.TempDir())
		if err != nil { // the pack of a server is counted more roughly
			mustFail(t, err, "more than 2 files and directories", "--max-repo-files 4")
		} else if url == r.dir {
			t.Error("no limit of files")
		}
		_, _, err = git.Repo{URL: url, Limits: git.Limits{Bytes: 2000}}.Fetch(t.Context(), commit, t.TempDir())
		mustFail(t, err, "more than 2000 bytes unpacked", "--max-repo-size 1Mi")
	}
}
