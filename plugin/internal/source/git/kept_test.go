package git_test

import (
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/placeholder"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/source"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/source/git"
)

// listing describes all that a tree holds: modes, links, and the contents that were fetched.
func listing(t testing.TB, root *os.Root) (lines []string) {
	t.Helper()
	err := fs.WalkDir(root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		line := name + " " + d.Type().String()
		switch {
		case d.Type().IsRegular():
			data, err := root.ReadFile(name)
			if err != nil {
				return err
			}
			info, err := d.Info()
			if err != nil {
				return err
			}
			if line += " " + string(data); placeholder.IsNotFetched(data) {
				line = name + " a placeholder"
			} else {
				line += fmt.Sprint(info.Mode().Perm()&0o100 != 0)
			}
		case d.Type()&fs.ModeSymlink != 0:
			target, err := root.Readlink(name)
			if err != nil {
				return err
			}
			line += " " + target
		}
		lines = append(lines, line)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return lines
}

// The next commit costs what changed: its directories, and the files in directories that were read.
func TestTheNextCommitBeginsWithTheOneBefore(t *testing.T) {
	r := filtering(t)
	for i := range 200 {
		r.write(fmt.Sprintf("elsewhere/%d/%d/file.txt", i%20, i), fmt.Sprint(i))
	}
	first := r.commit("first")
	a, kept := new(asked), new(git.Kept)
	t.Setenv("TMPDIR", t.TempDir())
	o := git.OnDemand{Repo: git.Repo{URL: r.serve(a.wrap).URL + "/config/.git", Ref: "main", Server: new(git.Server)}, First: []string{"gitops.yaml"}, Keep: kept}
	visit := func(commit string, check func(*source.Tree)) (sent int64) {
		a.bytes = 0
		tree, err := o.Open(t.Context(), commit)
		if err == nil {
			err = tree.Fetch(t.Context(), "apps/shop")
		}
		if err != nil {
			t.Fatal(err)
		}
		check(tree)
		tree.Close()
		tree.Close()
		return a.bytes
	}
	all := visit(first, func(*source.Tree) {})
	if got := a.since(); got != "first fetch fetch fetch" {
		t.Errorf("the first commit asks: %s", got)
	}
	r.write("elsewhere/3/3/file.txt", "changed")
	second := r.commit("second")
	sent := visit(second, func(tree *source.Tree) {
		if got := contents(t, r, second, tree); !slices.Contains(got, "apps/shop/a.yaml") || !slices.Contains(got, "gitops.yaml") || tree.Revision.Subject != "second" {
			t.Errorf("%q of %+v", got, tree.Revision)
		}
	})
	if got := a.since(); got != "fetch" || sent > all/4 {
		t.Errorf("a commit that changes nothing that is read asks: %s, %d bytes instead of %d", got, sent, all)
	}
	visit(second, func(tree *source.Tree) {
		if tree.Revision.Subject != "second" {
			t.Errorf("%+v", tree.Revision)
		}
	})
	if got := a.since(); got != "fetch" {
		t.Errorf("the same commit asks: %s", got)
	}
	r.write("apps/shop/a.yaml", "changed")
	third := r.commit("third")
	visit(third, func(tree *source.Tree) {
		if got := contents(t, r, third, tree); !slices.Contains(got, "apps/shop/a.yaml") {
			t.Errorf("there are %q", got)
		}
	})
	if got := a.since(); got != "fetch fetch" {
		t.Errorf("a commit that changes what is read asks: %s", got)
	}
	kept.Close()
	visit(first, func(*source.Tree) {})
	if left := temporary(t); left != 0 {
		t.Errorf("%d temporary directories are left", left)
	}
}

// Whatever changes between commits, also when the branch is rewritten, a checkout that goes on from the one before is the same as a new one.
func TestCheckoutsThatGoOnAreTheSame(t *testing.T) {
	r := filtering(t)
	random := rand.New(rand.NewPCG(1, 2))
	server := r.serve(nil)
	o := git.OnDemand{Repo: git.Repo{URL: server.URL + "/config/.git", Server: new(git.Server)}, First: []string{"gitops.yaml"}, Keep: new(git.Kept)}
	defer o.Keep.Close()
	fresh := git.OnDemand{Repo: git.Repo{URL: o.URL}, First: o.First}
	place := func() string {
		parts := []string{"apps", "common", "x"}[random.IntN(3)]
		for range 1 + random.IntN(3) {
			parts = filepath.Join(parts, string(rune('a'+random.IntN(4))))
		}
		return parts
	}
	for i := range 40 {
		for range 1 + random.IntN(4) {
			at := filepath.Join(r.dir, place())
			if os.RemoveAll(at) != nil || os.MkdirAll(filepath.Dir(at), 0o755) != nil {
				continue // a file lies there
			}
			switch random.IntN(5) {
			case 0:
				_ = os.Symlink("../somewhere", at)
			case 1:
				_ = os.WriteFile(at, fmt.Appendf(nil, "executable %d\n", i), 0o755)
			case 2:
				_ = os.CopyFS(at, os.DirFS(filepath.Join(r.dir, "apps/shop"))) // a directory that is known from elsewhere
			case 3:
				_ = os.WriteFile(at, []byte("the same\n"), 0o644)
			default:
				_ = os.WriteFile(at, fmt.Appendf(nil, "file %d\n", i), 0o644)
			}
		}
		if i%7 == 6 {
			r.git("reset", "-q", "--soft", "HEAD~3")
		}
		commit := r.commit(fmt.Sprint("commit ", i))
		went, err := o.Open(t.Context(), commit)
		if err != nil {
			t.Fatal(err)
		}
		began := open(t, fresh, commit)
		reads := []string{"apps/shop", "common", place(), place()}
		for _, tree := range []*source.Tree{went, began} {
			if err := tree.Fetch(t.Context(), reads...); err != nil {
				t.Fatal(err)
			}
		}
		one, two := listing(t, went.Root), listing(t, began.Root)
		if len(one) != len(two) {
			t.Fatalf("commit %d:\n%q\n%q", i, one, two)
		}
		for j := range one { // what was not asked for may be there in one of them
			asked := slices.ContainsFunc(reads, func(p string) bool { return strings.HasPrefix(one[j], p+" ") || strings.HasPrefix(one[j], p+"/") })
			lacking := strings.HasSuffix(one[j], " a placeholder") || strings.HasSuffix(two[j], " a placeholder")
			if one[j] != two[j] && (asked || !lacking) {
				t.Fatalf("commit %d: %q and %q", i, one[j], two[j])
			}
		}
		contents(t, r, commit, went)
		for _, name := range append(reads, ".", "x", "apps") {
			if went.Objects.At(name) != began.Objects.At(name) || went.Revision != began.Revision {
				t.Fatalf("commit %d: %s is %q and %q", i, name, went.Objects.At(name), began.Objects.At(name))
			}
		}
		went.Close()
		began.Close()
	}
}

// A next commit that is cut off leaves nothing behind: opening it once more begins anew.
func TestNextCommitsThatAreCutOff(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	r := filtering(t)
	first := r.commit("first")
	r.write("apps/shop/a.yaml", "changed\n")
	if err := os.Remove(filepath.Join(r.dir, "apps/shop/deep/c.yaml")); err != nil {
		t.Fatal(err)
	}
	r.write("apps/shop/deep/c.yaml/now", "a directory\n")
	second := r.commit("second")
	cut := -1
	url := r.serve(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			if cut < 0 || req.Method != http.MethodPost {
				next.ServeHTTP(w, req)
				return
			}
			next.ServeHTTP(&cutting{w, cut}, req)
		})
	}).URL + "/config/.git"
	failed := 0
	for at := 1; at < 700; at += 41 {
		o := git.OnDemand{Repo: git.Repo{URL: url, Ref: "main", Server: new(git.Server)}, First: []string{"gitops.yaml"}, Keep: new(git.Kept)}
		tree := open(t, o, first)
		if err := tree.Fetch(t.Context(), "apps/shop"); err != nil {
			t.Fatal(err)
		}
		tree.Close()
		cut = at
		if tree, err := o.Open(t.Context(), second); err == nil {
			tree.Close()
		} else {
			failed++
		}
		cut = -1
		tree = open(t, o, second)
		if err := tree.Fetch(t.Context(), "apps/shop"); err != nil {
			t.Fatal(err)
		}
		if got := contents(t, r, second, tree); !slices.Contains(got, "apps/shop/a.yaml") || !slices.Contains(got, "apps/shop/deep/c.yaml/now") {
			t.Errorf("cut after %d bytes: %q", at, got)
		}
		tree.Close()
		o.Keep.Close()
	}
	if left := temporary(t); failed < 5 || left != 0 {
		t.Errorf("%d fetches failed, %d temporary directories are left", failed, left)
	}
}
