package worktree_test

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/source/worktree"
)

func TestCheckout(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is not installed")
	}
	top, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, content string) {
		t.Helper()
		file := filepath.Join(top, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := worktree.Find(top); err == nil {
		t.Error("a directory outside of Git was taken for a checkout")
	}
	write("apps/shop/web.yaml", "before")
	write(".gitignore", "*.tmp\nbuild/\n")
	for _, args := range [][]string{{"init", "-q", "-b", "main"}, {"add", "."}, {"commit", "-q", "-m", "first"}} {
		cmd := exec.CommandContext(t.Context(), "git", args...)
		cmd.Dir = top
		cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=/nonexistent", "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null",
			"GIT_AUTHOR_NAME=Ada", "GIT_AUTHOR_EMAIL=ada@example.com", "GIT_COMMITTER_NAME=Ada", "GIT_COMMITTER_EMAIL=ada@example.com"}
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %q: %v\n%s", args, err, out)
		}
	}
	write("apps/shop/web.yaml", "after")

	link := filepath.Join(t.TempDir(), "link") // a name of the same directory
	if err := os.Symlink(filepath.Join(top, "apps"), link); err != nil {
		t.Fatal(err)
	}
	for dir, below := range map[string]string{top: ".", filepath.Join(top, "apps", "shop"): "apps/shop", filepath.Join(link, "shop"): "apps/shop"} {
		if c, rel, err := worktree.Find(dir); err != nil || c.Top != top || rel != below {
			t.Errorf("%s: %q, %q, %v", dir, c.Top, rel, err)
		}
	}

	c, _, err := worktree.Find(top)
	if err != nil {
		t.Fatal(err)
	}
	commit, err := c.Poll(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	tree, err := c.Open(t.Context(), commit)
	if err != nil {
		t.Fatal(err)
	}
	defer tree.Close()
	if got, err := fs.ReadFile(tree.Root.FS(), "apps/shop/web.yaml"); string(got) != "after" || err != nil || tree.Revision.Author != "Ada" {
		t.Errorf("%q, %v, %+v", got, err, tree.Revision)
	}
	ignored := worktree.Ignored(top)
	for name, want := range map[string]bool{"a.tmp": true, "apps/b.tmp": true, "build": true, "apps/shop/web.yaml": false} {
		if got := ignored(name, name == "build"); got != want {
			t.Errorf("%s ignored: %v", name, got)
		}
	}
}
