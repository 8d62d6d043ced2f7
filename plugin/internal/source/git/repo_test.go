package git_test

import (
	"encoding/hex"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/source"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/source/git"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func poll(t testing.TB, r git.Repo) string {
	t.Helper()
	commit, err := r.Poll(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return commit
}

func fetch(t testing.TB, r git.Repo, commit string) (string, source.Revision) {
	t.Helper()
	dir := t.TempDir()
	rev, _, err := r.Fetch(t.Context(), commit, dir)
	if err != nil {
		t.Fatal(err)
	}
	return dir, rev
}

// list describes every entry below dir: "path mode content".
func list(t testing.TB, dir string) []string {
	t.Helper()
	var entries []string
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		rel, _ := filepath.Rel(dir, path)
		info, err := d.Info()
		if err != nil {
			return err
		}
		switch {
		case d.IsDir():
			entries = append(entries, rel+"/")
		case info.Mode()&os.ModeSymlink != 0:
			target, err := os.Readlink(path)
			if err != nil {
				return err
			}
			entries = append(entries, rel+" -> "+target)
		default:
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			entries = append(entries, rel+" "+info.Mode().Perm().String()+" "+string(data))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return entries
}

func TestOneCommitOfEveryKindOfRepositoryIsWritten(t *testing.T) {
	r := newRepository(t)
	r.write("old.yaml", "kind: Old")
	first := r.commit("first")
	r.git("rm", "-q", "old.yaml")
	r.write("apps/web.yaml", "kind: Deployment")
	r.write("run.sh", "#!/bin/sh")
	r.write("größe ☃\n\"odd\".yaml", "odd")
	if err := os.Chmod(filepath.Join(r.dir, "run.sh"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("apps/web.yaml", filepath.Join(r.dir, "link.yaml")); err != nil {
		t.Fatal(err)
	}
	commit := r.commit("Bump web to 2\nand more\n\nBecause 1 was slow.\n\nGitops-Allow-Deletions: 3")

	bare := filepath.Join(t.TempDir(), "bare.git")
	run(t, "", "clone", "-q", "--bare", r.dir, bare)
	shallow := filepath.Join(t.TempDir(), "shallow")
	run(t, "", "clone", "-q", "--depth=1", "file://"+r.dir, shallow)
	alternates := filepath.Join(t.TempDir(), "alternates")
	run(t, "", "clone", "-q", "--shared", r.dir, alternates)
	packed := filepath.Join(t.TempDir(), "packed")
	run(t, "", "clone", "-q", r.dir, packed)
	run(t, packed, "repack", "-q", "-a", "-d")
	run(t, packed, "pack-refs", "--all")
	worktree := filepath.Join(t.TempDir(), "worktree")
	r.git("worktree", "add", "-q", "--detach", worktree)
	want := source.Revision{
		Commit: commit, Parent: first, Ref: "main", Author: "Ada Lovelace", Email: "ada@example.com", Subject: "Bump web to 2 and more",
		Body: "Because 1 was slow.\n\nGitops-Allow-Deletions: 3", Time: time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC),
	}
	for name, url := range map[string]string{
		"http": r.serve(nil).URL + "/config/.git", "http with slash": r.serve(nil).URL + "/config/.git/",
		"file URL": "file://" + r.dir, "checkout": r.dir, "bare": bare, "shallow": shallow,
		"alternates": alternates, "packed": packed, "linked worktree": worktree, ".git itself": filepath.Join(r.dir, ".git"),
	} {
		t.Run(name, func(t *testing.T) {
			repo := git.Repo{URL: url}
			if got := poll(t, repo); got != commit {
				t.Errorf("Poll = %s, want %s", got, commit)
			}
			dir, rev := fetch(t, repo, commit)
			rev.Time = rev.Time.UTC()
			want := want
			if name == "linked worktree" {
				want.Ref = "HEAD"
			}
			if rev != want {
				t.Errorf("revision\n%+v, want\n%+v", rev, want)
			}
			got := list(t, dir)
			wanted := []string{
				"apps/", "apps/web.yaml -rw-r--r-- kind: Deployment", "größe ☃\n\"odd\".yaml -rw-r--r-- odd",
				"link.yaml -> apps/web.yaml", "run.sh -rwxr-xr-x #!/bin/sh",
			}
			if !slices.Equal(got, wanted) {
				t.Errorf("tree\n%q, want\n%q", got, wanted)
			}
		})
	}
}

func TestRefsAreFoundAsGitCloneFindsThem(t *testing.T) {
	r := newRepository(t)
	first := r.commit("first")
	r.git("tag", "light")
	r.git("tag", "-a", "annotated", "-m", "annotated")
	r.git("tag", "-a", "twice", "-m", "tag of a tag", "annotated")
	r.git("tag", "both")
	r.git("branch", "feature/x")
	second := r.commit("second")
	r.git("branch", "both")
	r.git("update-ref", "refs/pull/7/head", first)
	r.git("symbolic-ref", "refs/heads/alias", "refs/heads/feature/x")

	for _, url := range []string{r.dir, r.serve(nil).URL + "/config/.git"} {
		for _, tt := range []struct{ ref, commit, short string }{
			{"", second, "main"}, {"HEAD", second, "main"}, {"main", second, "main"}, {"refs/heads/main", second, "main"},
			{"light", first, "light"}, {"annotated", first, "annotated"}, {"refs/tags/annotated", first, "annotated"}, {"twice", first, "twice"},
			{"refs/heads/both", second, "both"}, {"refs/tags/both", first, "both"}, {"feature/x", first, "feature/x"}, {"heads/main", second, "heads/main"},
			{"refs/pull/7/head", first, "pull/7/head"}, {"alias", first, "alias"},
			{first, first, ""}, {strings.ToUpper(first), first, ""},
		} {
			repo := git.Repo{URL: url, Ref: tt.ref}
			if got := poll(t, repo); got != tt.commit {
				t.Errorf("%s: Poll(%q) = %s, want %s", url, tt.ref, got, tt.commit)
			}
			if _, rev := fetch(t, repo, tt.commit); rev.Commit != tt.commit || rev.Ref != tt.short {
				t.Errorf("%s: Fetch(%q) = %s %q, want %s %q", url, tt.ref, rev.Commit, rev.Ref, tt.commit, tt.short)
			}
		}
	}
}

func TestAMissingRefIsAnErrorThatNamesNearOnes(t *testing.T) {
	r := newRepository(t)
	commit := r.commit("first")
	for _, b := range []string{"production", "staging", "a", "b", "c", "d"} {
		r.git("branch", b)
	}
	for _, url := range []string{r.dir, r.serve(nil).URL + "/config/.git"} {
		_, err := git.Repo{URL: url, Ref: "prodution"}.Poll(t.Context())
		mustFail(t, err, url, `ref "prodution" not found`, "the repository has: production, ")
		if got, err := (git.Repo{URL: url, Ref: commit[:10]}).Poll(t.Context()); err != nil || got != commit {
			t.Errorf("%s: %s: %v", url, got, err)
		}
		_, _, err = git.Repo{URL: url, Ref: strings.Repeat("0123456789", 4)}.Fetch(t.Context(), strings.Repeat("0123456789", 4), t.TempDir())
		mustFail(t, err, url, "0123456789012345678901234567890123456789", "hint: ")
	}
	r.git("symbolic-ref", "HEAD", "refs/heads/gone")
	for _, url := range []string{r.dir, r.serve(nil).URL + "/config/.git"} {
		_, err := git.Repo{URL: url}.Poll(t.Context())
		mustFail(t, err, "HEAD of the repository points to no commit", "pass --ref with one of: main, ")
	}
}

func TestARewrittenBranchIsFollowed(t *testing.T) {
	r := newRepository(t)
	r.commit("first")
	r.write("a", "1")
	lost := r.commit("second")
	repo := git.Repo{URL: r.serve(nil).URL + "/config/.git", Ref: "main"}
	if poll(t, repo) != lost {
		t.Fatal("not at the second commit")
	}
	r.git("reset", "-q", "--hard", "HEAD^")
	r.write("a", "2")
	rewritten := r.commit("other second")
	if got := poll(t, repo); got != rewritten {
		t.Errorf("Poll = %s, want %s", got, rewritten)
	}
	_, _, err := repo.Fetch(t.Context(), lost, t.TempDir())
	mustFail(t, err, "the server does not give out this commit", lost, "no branch or tag leads to it")
}

func TestAnEmptyRepositoryIsAnError(t *testing.T) {
	r := newRepository(t)
	for _, url := range []string{r.dir, r.serve(nil).URL + "/config/.git"} {
		_, err := git.Repo{URL: url}.Poll(t.Context())
		mustFail(t, err, url, "the repository is empty")
	}
	_, _, err := git.WorkTree(r.dir)
	mustFail(t, err, "the repository is empty", "commit something first")
}

func TestADirectoryThatIsNoRepository(t *testing.T) {
	r := newRepository(t)
	r.write("apps/web.yaml", "kind: Deployment")
	r.commit("first")
	plain := t.TempDir()
	for _, tt := range []struct {
		url  string
		want []string
	}{
		{plain, []string{plain + ": not a Git repository", "run git init"}},
		{filepath.Join(plain, "gone"), []string{"no such directory"}},
		{"github.com/acme/config", []string{"no such directory", "did you mean https://github.com/acme/config?"}},
		{filepath.Join(r.dir, "apps"), []string{"not a Git repository", "--repo " + r.dir + " --path apps"}},
		{filepath.Join(r.dir, "apps/web.yaml"), []string{"not a directory"}},
		{"", []string{"no repository given", "--repo"}},
	} {
		_, err := git.Repo{URL: tt.url}.Poll(t.Context())
		mustFail(t, err, tt.want...)
	}
}

func TestRepositoriesInFormatsWeCannotReadAreRefused(t *testing.T) {
	r := newRepository(t, "--object-format=sha256")
	_, err := git.Repo{URL: r.dir}.Poll(t.Context())
	mustFail(t, err, r.dir, "sha256 hashes are not supported")
}

// go-git takes a relative alternate from the root of the file system: it must not read the wrong objects silently.
func TestRelativeAlternatesAreAnError(t *testing.T) {
	r := newRepository(t)
	commit := r.commit("first")
	shared := filepath.Join(filepath.Dir(r.dir), "shared")
	run(t, "", "clone", "-q", "--shared", r.dir, shared)
	if err := os.WriteFile(filepath.Join(shared, ".git/objects/info/alternates"), []byte("../../../config/.git/objects\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	_, _, err := git.Repo{URL: shared}.Fetch(t.Context(), commit, t.TempDir())
	mustFail(t, err, shared, commit)
}

func TestFetchNeedsAnEmptyDirectoryAndAFullCommit(t *testing.T) {
	r := newRepository(t)
	commit := r.commit("first")
	repo := git.Repo{URL: r.dir}
	_, _, err := repo.Fetch(t.Context(), commit, r.dir)
	mustFail(t, err, "directory is not empty")
	_, _, err = repo.Fetch(t.Context(), commit, filepath.Join(t.TempDir(), "gone"))
	mustFail(t, err, "no such file or directory")
	_, _, err = repo.Fetch(t.Context(), "main", t.TempDir())
	mustFail(t, err, `"main" is not a full commit`)
}

func TestWorkTreeFindsTheTopLevelFromBelow(t *testing.T) {
	r := newRepository(t)
	r.write("apps/web/x.yaml", "kind: Deployment")
	commit := r.commit("Add web")
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(filepath.Join(r.dir, "apps"), link); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{r.dir, filepath.Join(r.dir, "apps/web"), link} {
		root, rev, err := git.WorkTree(dir)
		if err != nil || root != r.dir || rev.Commit != commit || rev.Subject != "Add web" || rev.Ref != "main" {
			t.Errorf("WorkTree(%s) = %s %+v %v", dir, root, rev, err)
		}
	}
	_, _, err := git.WorkTree(t.TempDir())
	mustFail(t, err, "not inside a Git checkout", "pass --repo")
}

func TestAPollIsOneRequestOnAKeptConnection(t *testing.T) {
	r := newRepository(t)
	r.commit("first")
	requests, connections := 0, map[string]bool{}
	server := r.serve(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			requests++
			connections[req.RemoteAddr] = true
			next.ServeHTTP(w, req)
		})
	})
	for range 3 {
		poll(t, git.Repo{URL: server.URL + "/config/.git", Ref: "main"})
	}
	poll(t, git.Repo{URL: server.URL + "/config/.git", Ref: strings.Repeat("a", 40)})
	if requests != 3 || len(connections) != 1 {
		t.Errorf("%d requests on %d connections for 3 polls; a full commit needs none", requests, len(connections))
	}
}

func TestCommitTextCannotSteerATerminal(t *testing.T) {
	r := newRepository(t)
	commit := r.commit("evil \x1b[2J\u202e subject\n\nbody\x1b]0;x\x07\nline")
	_, rev := fetch(t, git.Repo{URL: r.dir}, commit)
	if rev.Subject != `evil ^[[2J\u202e subject` || rev.Body != `body^[]0;x\a`+"\nline" {
		t.Errorf("%q %q", rev.Subject, rev.Body)
	}
}
