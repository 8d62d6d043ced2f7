package git_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/source/git"
)

func TestTreesNoGitClientWouldWriteAreRefused(t *testing.T) {
	r := newRepository(t)
	r.write("x", "x")
	r.commit("first")
	blob, tree := r.blob("pwned"), r.git("rev-parse", "HEAD^{tree}")
	link := r.blob(t.TempDir())
	for i, tt := range []struct {
		want    string
		entries []rawEntry
	}{
		{".git entry", []rawEntry{{"40000", ".git", tree}}},
		{".git entry", []rawEntry{{"40000", ".GIT", tree}}},
		{".git entry", []rawEntry{{"40000", ".git ", tree}}},
		{".git entry", []rawEntry{{"40000", ".git.", tree}}},
		{".git entry", []rawEntry{{"40000", "git~1", tree}}},
		{".git entry", []rawEntry{{"40000", ".g\u200cit", tree}}},
		{".git entry", []rawEntry{{"100644", ".git::$INDEX_ALLOCATION", blob}}},
		{"this name", []rawEntry{{"40000", "..", tree}}},
		{"this name", []rawEntry{{"40000", ".", tree}}},
		{"slash", []rawEntry{{"100644", "../escape", blob}}},
		{"slash", []rawEntry{{"100644", "/etc/escape", blob}}},
		{"drive letter", []rawEntry{{"100644", `C:\escape`, blob}}},
		{"drive letter", []rawEntry{{"40000", "c:", tree}}},
		{"exists", []rawEntry{{"100644", "twice", blob}, {"100644", "twice", blob}}},
		{"exists", []rawEntry{{"120000", "dir", link}, {"40000", "dir", tree}}}, // writes through the link
		{"not found", []rawEntry{{"100644", "gone", strings.Repeat("ab", 20)}}},
		{"", []rawEntry{{"100644", "a-tree-as-file", tree}}},
	} {
		branch := fmt.Sprintf("evil%d", i)
		commit := r.rawTree(branch, tt.entries...)
		dir := t.TempDir()
		_, _, err := git.Repo{URL: r.dir, Ref: branch}.Fetch(t.Context(), commit, dir)
		mustFail(t, err, tt.want, commit)
	}
}

// Links are written as they are. What protects the reader is the os.Root it must use.
func TestLinksOutOfTheCheckoutFailClosedWhenRead(t *testing.T) {
	r := newRepository(t)
	r.write("dir/inside.yaml", "inside")
	for name, target := range map[string]string{
		"absolute": "/etc/passwd", "up": "../../../../../../etc/passwd", "dir/ok": "inside.yaml", "dir/up-ok": "../dir/inside.yaml",
		"loop": "loop", "to-dir": "/etc", "dangling": "nowhere",
	} {
		if err := os.Symlink(target, filepath.Join(r.dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	commit := r.commit("links")
	dir, _ := fetch(t, git.Repo{URL: r.serve(nil).URL + "/config/.git"}, commit)
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	for _, name := range []string{"absolute", "up", "to-dir/passwd", "loop", "dangling"} {
		_, err := root.ReadFile(name)
		mustFail(t, err, name)
	}
	for _, name := range []string{"dir/ok", "dir/up-ok"} {
		if data, err := root.ReadFile(name); err != nil || string(data) != "inside" {
			t.Errorf("%s: %q %v", name, data, err)
		}
	}
}

func TestSubmodulesAreEmptyDirectories(t *testing.T) {
	r := newRepository(t)
	r.write(".gitmodules", "[submodule \"lib\"]\n\tpath = lib\n\turl = https://example.com/lib\n")
	r.git("update-index", "--add", "--cacheinfo", "160000,"+strings.Repeat("12", 20)+",lib")
	r.git("add", ".gitmodules")
	r.git("commit", "-q", "-m", "submodule")
	dir, _ := fetch(t, git.Repo{URL: r.serve(nil).URL + "/config/.git"}, r.git("rev-parse", "HEAD"))
	if got := list(t, dir); len(got) != 2 || !slices.Contains(got, "lib/") {
		t.Errorf("%q", got)
	}
}

func TestLimitsAreErrorsThatNameTheLimit(t *testing.T) {
	r := newRepository(t)
	for i := range 20 {
		r.write(fmt.Sprintf("d%d/f", i), strings.Repeat("x", 100_000)) // one blob
	}
	commit := r.commit("twenty files")
	r.write("bomb", strings.Repeat("\x00", 30<<20))
	bomb := r.commit("compresses well")
	for _, url := range []string{r.dir, r.serve(nil).URL + "/config/.git"} {
		for _, tt := range []struct {
			commit string
			limits git.Limits
			want   string
		}{
			{commit, git.Limits{Files: 39}, "more than 39 files and directories"},
			{commit, git.Limits{Bytes: 1_000_000}, "more than 1000000 bytes unpacked"},
			{bomb, git.Limits{Bytes: 20 << 20}, "more than 20 MiB unpacked"},
		} {
			_, _, err := git.Repo{URL: url, Limits: tt.limits}.Fetch(t.Context(), tt.commit, t.TempDir())
			mustFail(t, err, url, "the repository is too large", tt.want, "hint: raise the limit, as in --max-repo-", "or keep the config repository small")
		}
		fetch(t, git.Repo{URL: url, Limits: git.Limits{Files: 40, Bytes: 2_100_000}}, commit)
	}
}

func TestDirectoriesInsideEachOtherAreBounded(t *testing.T) {
	r := newRepository(t)
	r.write(strings.Repeat("d/", 300)+"f", "deep")
	commit := r.commit("deep")
	_, _, err := git.Repo{URL: r.dir}.Fetch(t.Context(), commit, t.TempDir())
	mustFail(t, err, "more than 256 directories inside each other")
}

// A tree of trees that repeat each other is small to transfer and endless to write.
func TestATreeBombIsBounded(t *testing.T) {
	r := newRepository(t)
	tree := r.git("hash-object", "-t", "tree", "-w", "/dev/null")
	var commit string
	for range 10 {
		var entries []rawEntry
		for i := range 10 {
			entries = append(entries, rawEntry{"40000", fmt.Sprintf("d%d", i), tree})
		}
		commit = r.rawTree("bomb", entries...)
		tree = r.git("rev-parse", "bomb^{tree}")
	}
	_, _, err := git.Repo{URL: r.serve(nil).URL + "/config/.git", Limits: git.Limits{Files: 2000}}.Fetch(t.Context(), commit, t.TempDir())
	mustFail(t, err, "more than 2000 files and directories")
}
