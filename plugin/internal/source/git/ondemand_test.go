package git_test

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/placeholder"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/source"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/source/git"
)

// asked records the requests of a server: "poll", "first" (what the server can do), "fetch" with what was wanted, or "whole" for
// the commands of version 1.
type asked struct {
	mu    sync.Mutex
	list  []string
	wants [][]string // of each fetch
	bytes int64      // of all answers
}

func (a *asked) wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		req.Body = io.NopCloser(bytes.NewReader(body))
		a.mu.Lock()
		switch text := string(body); {
		case req.Method == http.MethodGet && req.Header.Get("Git-Protocol") != "":
			a.list = append(a.list, "first")
		case strings.Contains(text, "command=ls-refs"):
			a.list = append(a.list, "poll")
		case strings.Contains(text, "command=fetch"):
			a.list = append(a.list, "fetch")
			a.wants = append(a.wants, wantsOf(text))
		default:
			a.list = append(a.list, "whole")
		}
		a.mu.Unlock()
		next.ServeHTTP(&counting{w, a}, req)
	})
}

func wantsOf(body string) (wants []string) {
	for line := range strings.Lines(body) {
		if _, hash, ok := strings.Cut(line, "want "); ok {
			wants = append(wants, strings.TrimSpace(hash))
		}
	}
	return wants
}

type counting struct {
	http.ResponseWriter
	a *asked
}

func (c *counting) Write(p []byte) (int, error) {
	c.a.mu.Lock()
	c.a.bytes += int64(len(p))
	c.a.mu.Unlock()
	return c.ResponseWriter.Write(p)
}

// since returns what was asked since the last call.
func (a *asked) since() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	text := strings.Join(a.list, " ")
	a.list = nil
	return text
}

// filtering is a repository with a few apps, whose server can filter.
func filtering(t testing.TB) repository {
	r := newRepository(t)
	r.git("config", "uploadpack.allowFilter", "true")
	r.write("gitops.yaml", "apps: []\n")
	r.write("README.md", "hello\n")
	for _, app := range []string{"shop", "blog"} {
		for _, name := range []string{"a.yaml", "b.yaml", "deep/c.yaml"} {
			r.write("apps/"+app+"/"+name, app+" "+name+"\n")
		}
	}
	r.write("apps/shop/run.sh", "#!/bin/sh\n")
	r.write("common/base/kustomization.yaml", "resources: [x.yaml]\n")
	r.write("common/base/x.yaml", "x\n")
	if err := os.Chmod(filepath.Join(r.dir, "apps/shop/run.sh"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("shop", filepath.Join(r.dir, "apps/link")); err != nil {
		t.Skip(err)
	}
	return r
}

func open(t testing.TB, o git.OnDemand, commit string) *source.Tree {
	t.Helper()
	tree, err := o.Open(t.Context(), commit)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tree.Close)
	return tree
}

// contents returns the files of a tree whose contents are there, sorted; and fails for one that holds something else.
func contents(t testing.TB, r repository, commit string, tree *source.Tree) (names []string) {
	t.Helper()
	err := fs.WalkDir(tree.Root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		got, err := tree.Root.ReadFile(name)
		if err != nil {
			return err
		}
		if placeholder.IsNotFetched(got) {
			return nil
		}
		if want := r.git("show", commit+":"+name); strings.TrimSpace(string(got)) != want {
			t.Errorf("%s holds %q", name, got)
		}
		names = append(names, name)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestWhatIsNotReadIsNotFetched(t *testing.T) {
	r := filtering(t)
	commit := r.commit("first")
	a := new(asked)
	repo := git.Repo{URL: r.serve(a.wrap).URL + "/config/.git", Server: new(git.Server)}
	if poll(t, repo) != commit || a.since() != "poll" {
		t.Error("the poll is not one request")
	}
	tree := open(t, git.OnDemand{Repo: repo, First: []string{"gitops.yaml", "gitops.lock.yaml"}}, commit)
	if got := a.since(); got != "first fetch fetch" {
		t.Errorf("opening asks: %s", got)
	}
	if got := contents(t, r, commit, tree); !slices.Equal(got, []string{"gitops.yaml"}) {
		t.Errorf("there are %q", got)
	}
	if target, err := tree.Root.Readlink("apps/link"); err != nil || target != "shop" {
		t.Errorf("link to %q, %v", target, err)
	}
	for range 2 { // what is there is not asked for again
		if err := tree.Fetch(t.Context(), "apps/shop", "apps/nothing", "gitops.yaml", "apps/shop/deep"); err != nil {
			t.Fatal(err)
		}
	}
	if err := tree.Fetch(t.Context(), "apps/shop/a.yaml"); err != nil {
		t.Fatal(err)
	}
	if got := a.since(); got != "fetch" {
		t.Errorf("an app asks: %s", got)
	}
	shop := []string{"apps/shop/a.yaml", "apps/shop/b.yaml", "apps/shop/deep/c.yaml", "apps/shop/run.sh"}
	if got := contents(t, r, commit, tree); !slices.Equal(got, append(slices.Clone(shop), "gitops.yaml")) {
		t.Errorf("there are %q", got)
	}
	if info, err := tree.Root.Stat("apps/shop/run.sh"); err != nil || info.Mode().Perm()&0o100 == 0 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if err := tree.Fetch(t.Context(), "common/base/kustomization.yaml"); err != nil {
		t.Fatal(err)
	}
	if got := contents(t, r, commit, tree); !slices.Contains(got, "common/base/x.yaml") || a.since() != "fetch" {
		t.Errorf("what lies beside a file does not come along: %q", got)
	}

	dir := t.TempDir()
	rev, objects, err := repo.Fetch(t.Context(), commit, dir)
	if err != nil || rev != tree.Revision {
		t.Errorf("%v: %+v, and whole %+v", err, tree.Revision, rev)
	}
	for _, name := range append(shop, ".", "apps", "apps/blog/a.yaml", "nothing") {
		if tree.Objects.At(name) != objects.At(name) {
			t.Errorf("%s is %q, and whole %q", name, tree.Objects.At(name), objects.At(name))
		}
	}
}

// A changed commit is one request for its directories and one for what changed of what was read.
func TestTheNextCommitFetchesWhatChanged(t *testing.T) {
	r := filtering(t)
	first := r.commit("first")
	a := new(asked)
	o := git.OnDemand{Repo: git.Repo{URL: r.serve(a.wrap).URL + "/config/.git", Server: new(git.Server)}, First: []string{"gitops.yaml"}}
	tree := open(t, o, first)
	if err := tree.Fetch(t.Context(), "apps/shop", "apps/blog", "common/base/x.yaml"); err != nil {
		t.Fatal(err)
	}
	r.write("apps/shop/a.yaml", "changed\n")
	r.write("README.md", "changed\n")
	second := r.commit("second")
	a.since()
	if poll(t, o.Repo) != second {
		t.Fatal("another commit")
	}
	tree = open(t, o, second)
	if err := tree.Fetch(t.Context(), "apps/shop"); err != nil {
		t.Fatal(err)
	}
	if got := a.since(); got != "poll fetch fetch" {
		t.Errorf("the next commit asks: %s", got)
	}
	if got := contents(t, r, second, tree); slices.Contains(got, "apps/blog/a.yaml") || !slices.Contains(got, "apps/shop/a.yaml") {
		t.Errorf("there are %q", got)
	}
	for range 3 {
		if poll(t, o.Repo) != second {
			t.Fatal("another commit")
		}
	}
	if got := a.since(); got != "poll poll poll" {
		t.Errorf("nothing new asks: %s", got)
	}
}

// Servers that cannot filter, or speak version 1 only, send the whole pack.
func TestServersThatDoNotFilter(t *testing.T) {
	old := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			req.Header.Del("Git-Protocol")
			next.ServeHTTP(w, req)
		})
	}
	for name, tt := range map[string]struct {
		filter string
		wrap   func(http.Handler) http.Handler
		want   string
	}{
		"no filter": {"false", func(h http.Handler) http.Handler { return h }, "first whole whole"},
		"version 1": {"true", old, "first whole whole"},
	} {
		t.Run(name, func(t *testing.T) {
			r := filtering(t)
			r.git("config", "uploadpack.allowFilter", tt.filter)
			commit := r.commit("first")
			a := new(asked)
			o := git.OnDemand{Repo: git.Repo{URL: r.serve(func(h http.Handler) http.Handler { return a.wrap(tt.wrap(h)) }).URL + "/config/.git", Server: new(git.Server)}}
			tree := open(t, o, commit)
			if got := a.since(); got != tt.want {
				t.Errorf("opening asks: %s", got)
			}
			if err := tree.Fetch(t.Context(), "apps/shop"); err != nil || a.since() != "" {
				t.Errorf("asked again: %v", err)
			}
			if got := contents(t, r, commit, tree); len(got) != 11 {
				t.Errorf("there are %q", got)
			}
			open(t, o, commit)
			if got := a.since(); got != "whole whole" {
				t.Errorf("the second time: %s", got)
			}
		})
	}
}

// A large file beside others is left out until it is named; one that the server lacks is an error when it is named, and only then.
func TestLargeAndMissingFilesThatNobodyReads(t *testing.T) {
	r := filtering(t)
	r.write("apps/shop/large.bin", strings.Repeat("x", 5<<20))
	r.write("apps/shop/missing.yaml", "missing\n")
	commit := r.commit("first")
	a := new(asked)
	o := git.OnDemand{Repo: git.Repo{URL: r.serve(a.wrap).URL + "/config/.git", Limits: git.Limits{Bytes: 6 << 20, Object: 6 << 20}}}
	tree := open(t, o, commit)
	if err := tree.Fetch(t.Context(), "apps/shop"); err != nil {
		t.Fatal(err)
	}
	if got := contents(t, r, commit, tree); slices.Contains(got, "apps/shop/large.bin") || !slices.Contains(got, "apps/shop/missing.yaml") {
		t.Errorf("there are %q", got)
	}
	if err := tree.Fetch(t.Context(), "apps/shop/large.bin"); err != nil {
		t.Fatal(err)
	}
	if got := contents(t, r, commit, tree); !slices.Contains(got, "apps/shop/large.bin") {
		t.Errorf("there are %q", got)
	}

	blob := r.git("rev-parse", "HEAD:apps/shop/missing.yaml")
	if err := os.Remove(filepath.Join(r.dir, ".git", "objects", blob[:2], blob[2:])); err != nil {
		t.Fatal(err)
	}
	tree = open(t, o, commit)
	a.since()
	if err := tree.Fetch(t.Context(), "apps/shop", "common"); err != nil {
		t.Fatal(err)
	}
	if got := contents(t, r, commit, tree); slices.Contains(got, "apps/shop/missing.yaml") || !slices.Contains(got, "apps/shop/a.yaml") || !slices.Contains(got, "common/base/x.yaml") {
		t.Errorf("after %s there are %q", a.since(), got)
	}
	err := tree.Fetch(t.Context(), "apps/shop/missing.yaml", "apps/blog/a.yaml")
	mustFail(t, err, "apps/shop/missing.yaml: ", "does not give out this file (blob "+blob+")", "git fsck")
	if err := tree.Fetch(t.Context(), "apps/blog/a.yaml"); err != nil {
		t.Error(err)
	}
}

// A server that gives out files, and no directories, is asked for each file by its name, all in one request.
func TestServersThatGiveOutNoDirectories(t *testing.T) {
	r := filtering(t)
	commit := r.commit("first")
	a := new(asked)
	url := r.serve(func(next http.Handler) http.Handler {
		return a.wrap(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			body, _ := io.ReadAll(req.Body)
			req.Body = io.NopCloser(bytes.NewReader(body))
			for _, want := range wantsOf(string(body)) {
				if r.git("cat-file", "-t", want) == "tree" {
					w.Header().Set("Content-Type", "application/x-git-upload-pack-result")
					text := "ERR upload-pack: not our ref " + want
					_, _ = fmt.Fprintf(w, "%04x%s", len(text)+4, text)
					return
				}
			}
			next.ServeHTTP(w, req)
		}))
	}).URL + "/config/.git"
	tree := open(t, git.OnDemand{Repo: git.Repo{URL: url}}, commit)
	a.since()
	if err := tree.Fetch(t.Context(), "apps"); err != nil {
		t.Fatal(err)
	}
	if err := tree.Fetch(t.Context(), "common/base/x.yaml"); err != nil {
		t.Fatal(err)
	}
	if got := a.since(); got != "fetch fetch fetch" {
		t.Errorf("asked: %s", got)
	}
	if got := contents(t, r, commit, tree); len(got) != 9 {
		t.Errorf("there are %q", got)
	}
}

// cutting ends an answer after some bytes of it.
type cutting struct {
	http.ResponseWriter
	left int
}

func (c *cutting) Write(p []byte) (int, error) {
	if len(p) > c.left {
		_, _ = c.ResponseWriter.Write(p[:c.left])
		_ = http.NewResponseController(c.ResponseWriter).Flush()
		panic(http.ErrAbortHandler)
	}
	c.left -= len(p)
	return c.ResponseWriter.Write(p)
}

// Wherever an answer is cut off, each file is a placeholder or whole, and asking once more converges.
func TestFetchesThatAreCutOff(t *testing.T) {
	r := filtering(t)
	commit := r.commit("first")
	cut, most := -1, 0
	url := r.serve(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			if cut < 0 || req.Method != http.MethodPost {
				next.ServeHTTP(w, req)
				return
			}
			next.ServeHTTP(&cutting{w, cut}, req)
		})
	}).URL + "/config/.git"
	t.Setenv("TMPDIR", t.TempDir())
	failed := 0
	for ; cut < 900; cut += 13 {
		o := git.OnDemand{Repo: git.Repo{URL: url}, First: []string{"gitops.yaml"}}
		tree, err := o.Open(t.Context(), commit)
		if err != nil {
			failed++
			continue
		}
		for range 2 {
			if err = tree.Fetch(t.Context(), "apps", "common"); err == nil {
				break
			}
			failed++
			contents(t, r, commit, tree)
			most, cut = cut, -1
		}
		if err != nil {
			t.Error(err)
		}
		if got := contents(t, r, commit, tree); len(got) != 10 {
			t.Errorf("there are %q", got)
		}
		if tree.Close(); cut < 0 {
			cut = most
		}
	}
	if failed < 10 {
		t.Errorf("%d fetches failed", failed)
	}
	if left := temporary(t); left != 0 {
		t.Errorf("%d temporary directories are left", left)
	}
}

func temporary(t *testing.T) (n int) {
	t.Helper()
	for _, pattern := range []string{"gitops-*", "kubectl-gitops-*"} {
		found, err := filepath.Glob(filepath.Join(os.TempDir(), pattern))
		if err != nil {
			t.Fatal(err)
		}
		n += len(found)
	}
	return n
}

// The branch of a shallow repository is pushed with force, and the commit before is gone, while its files are fetched.
func TestABranchThatIsRewrittenBetweenTwoRequests(t *testing.T) {
	origin := filtering(t)
	origin.commit("first")
	origin.write("apps/shop/a.yaml", "second\n")
	origin.commit("second")
	r := repository{t, filepath.Join(t.TempDir(), "config")}
	run(t, "", "clone", "-q", "--depth=1", "file://"+origin.dir, r.dir)
	r.git("config", "uploadpack.allowFilter", "true")
	o := git.OnDemand{Repo: git.Repo{URL: r.serve(nil).URL + "/config/.git", Ref: "main", Server: new(git.Server)}, First: []string{"gitops.yaml"}}
	commit := poll(t, o.Repo)
	tree := open(t, o, commit)
	r.write("apps/shop/a.yaml", "other\n")
	r.git("add", "-A")
	r.git("commit", "-q", "--amend", "-m", "other")
	r.git("update-ref", "-d", "refs/remotes/origin/main")
	r.git("update-ref", "-d", "refs/remotes/origin/HEAD")
	r.git("reflog", "expire", "--expire=now", "--all")
	r.git("gc", "-q", "--prune=now")
	mustFail(t, tree.Fetch(t.Context(), "apps/shop/a.yaml"), "apps/shop/a.yaml: ", "does not give out this file")
	if _, err := o.Open(t.Context(), commit); err == nil {
		t.Error("the commit is still there")
	}
	next := poll(t, o.Repo)
	tree = open(t, o, next)
	if err := tree.Fetch(t.Context(), "apps/shop"); err != nil {
		t.Fatal(err)
	}
	if got := contents(t, r, next, tree); !slices.Contains(got, "apps/shop/a.yaml") {
		t.Errorf("there are %q", got)
	}
	if tree.Revision.Ref != "main" {
		t.Errorf("the ref is %q", tree.Revision.Ref)
	}
}

// Limits hold for what is fetched, and names are counted apart: a commit may have many more than are read.
func TestLimitsOfWhatIsFetched(t *testing.T) {
	r := filtering(t)
	r.write("big/a", strings.Repeat("x", 8000))
	commit := r.commit("first")
	url := r.serve(nil).URL + "/config/.git"
	_, err := git.OnDemand{Repo: git.Repo{URL: url, Limits: git.Limits{Files: 1}}}.Open(t.Context(), commit)
	mustFail(t, err, "more than 1 files and directories", "--max-repo-files")
	tree := open(t, git.OnDemand{Repo: git.Repo{URL: url, Limits: git.Limits{Files: 3}}}, commit)
	mustFail(t, tree.Fetch(t.Context(), "apps"), "more than 3 files and directories", "--max-repo-files")
	tree = open(t, git.OnDemand{Repo: git.Repo{URL: url, Limits: git.Limits{Bytes: 5000}}}, commit)
	mustFail(t, tree.Fetch(t.Context(), "big"), "the repository is too large", "--max-repo-size")
}
