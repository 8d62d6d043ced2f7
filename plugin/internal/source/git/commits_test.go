package git_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/source"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/source/git"
)

// history is a repository with a fork, a merge, a revert and a branch that began before "applied".
//
//	old - applied - web - (merge of topic) - readme - revert
//	   \- topic, topic2 -/
type history struct {
	repository
	old, applied, web, topic, topic2, merge, readme, revert string
}

func newHistory(t testing.TB) history {
	h := history{repository: newRepository(t)}
	h.write("apps/web/a.yaml", "1")
	h.write("apps/shop/a.yaml", "1")
	h.write("base/b.yaml", "1")
	h.old = h.commit("old")
	h.git("checkout", "-q", "-b", "topic")
	h.write("apps/shop/a.yaml", "2")
	h.topic = h.commit("topic\n\nGitops-Allow-Deletions: 3")
	h.write("apps/shop/c.yaml", "1")
	h.topic2 = h.commit("topic2")
	h.git("checkout", "-q", "main")
	h.write("base/b.yaml", "2")
	h.applied = h.commit("applied")
	h.write("apps/web/a.yaml", "2")
	h.web = h.commit("web")
	h.git("merge", "-q", "--no-ff", "-m", "merge", "topic")
	h.merge = h.git("rev-parse", "HEAD")
	h.write("README.md", "hello")
	h.readme = h.commit("readme")
	h.write("apps/web/a.yaml", "1")
	h.revert = h.commit("revert")
	return h
}

func subjects(commits []source.Commit) string {
	var out []string
	for _, c := range commits {
		text := c.Subject
		if c.Touches {
			text += "*"
		}
		out = append(out, text)
	}
	return strings.Join(out, " ")
}

func TestCommitsOfARange(t *testing.T) {
	h := newHistory(t)
	filtering := newHistory(t)
	filtering.git("config", "uploadpack.allowFilter", "true")
	picky := newHistory(t)
	picky.git("config", "uploadpack.allowFilter", "true")
	picky.git("config", "uploadpackfilter.allow", "false")
	bare := filepath.Join(t.TempDir(), "bare.git")
	run(t, "", "clone", "-q", "--bare", h.dir, bare)
	run(t, bare, "repack", "-q", "-a", "-d")
	for name, url := range map[string]string{
		"local": h.dir, "bare and packed": bare, "http": h.serve(nil).URL + "/config/.git",
		"http with filters": filtering.serve(nil).URL + "/config/.git", "http that refuses filters": picky.serve(nil).URL + "/config/.git",
	} {
		repo := git.Repo{URL: url}
		for _, c := range []struct {
			name, from, to string
			paths          []string
			want           string
		}{
			{"a range with a merge", h.applied, h.revert, nil, "revert readme merge web topic2 topic"},
			{"one commit", h.readme, h.revert, nil, "revert"},
			{"none", h.revert, h.revert, nil, ""},
			{"back to an older commit", h.revert, h.web, nil, ""},
			{"to another branch", h.web, h.topic2, nil, "topic2 topic"},
			{"from another branch", h.topic, h.web, nil, "web applied"},
			{"paths of one app", h.applied, h.revert, []string{"apps/web", "base/b.yaml"}, "revert* readme merge web* topic2 topic"},
			{"paths of the merged branch", h.applied, h.revert, []string{"apps/shop/a.yaml"}, "revert readme merge web topic2 topic*"},
			{"a path that came later", h.applied, h.revert, []string{"apps/shop/c.yaml"}, "revert readme merge web topic2* topic"},
			{"paths that are nowhere", h.applied, h.revert, []string{"apps/web/a.yaml/b", "no/such"}, "revert readme merge web topic2 topic"},
			{"everything", h.applied, h.revert, []string{"."}, "revert* readme* merge* web* topic2* topic*"},
		} {
			t.Run(name+"/"+c.name, func(t *testing.T) {
				commits, err := repo.Commits(t.Context(), c.from, c.to, c.paths...)
				if err != nil {
					t.Fatal(err)
				}
				if got := subjects(commits); sorted(got) != sorted(c.want) || !childrenFirst(commits) {
					t.Errorf("commits %q, want %q", got, c.want)
				}
				for _, commit := range commits {
					if commit.Subject == "topic" && commit.Body != "Gitops-Allow-Deletions: 3" {
						t.Errorf("body of topic: %q", commit.Body)
					}
				}
			})
		}
		t.Run(name+"/a commit that is gone", func(t *testing.T) {
			_, err := repo.Commits(t.Context(), strings.Repeat("ab", 20), h.revert)
			if err == nil || !strings.Contains(err.Error(), "does not have commit "+strings.Repeat("ab", 20)+" any more") {
				t.Errorf("error %v", err)
			}
		})
	}
}

// All commits of the test have the same time: only that parents come after their children is certain.
func sorted(text string) string {
	words := strings.Fields(text)
	for i := range words {
		for j := i + 1; j < len(words); j++ {
			if words[j] < words[i] {
				words[i], words[j] = words[j], words[i]
			}
		}
	}
	return strings.Join(words, " ")
}

func childrenFirst(commits []source.Commit) bool {
	seen := map[string]bool{}
	for _, c := range commits {
		for _, parent := range c.Parents {
			if seen[parent] {
				return false
			}
		}
		seen[c.Commit] = true
	}
	return true
}

func TestCommitsAreBounded(t *testing.T) {
	r := newRepository(t)
	first := r.commit("first")
	var script strings.Builder
	for i := range 1001 {
		fmt.Fprintf(&script, "commit refs/heads/main\ncommitter Ada <ada@example.com> %d +0000\ndata 1\nx\n", 1770000000+i)
		if i == 0 {
			fmt.Fprintf(&script, "from %s\n", first)
		}
	}
	r.fastImport(script.String())
	last := r.git("rev-parse", "main")
	for name, url := range map[string]string{"local": r.dir, "http": r.serve(nil).URL + "/config/.git"} {
		t.Run(name, func(t *testing.T) {
			_, err := git.Repo{URL: url}.Commits(t.Context(), first, last)
			if err == nil || !strings.Contains(err.Error(), "more than 1000 commits since "+first) {
				t.Errorf("error %v", err)
			}
			commits, err := git.Repo{URL: url}.Commits(t.Context(), r.git("rev-parse", "main~1000"), last)
			if err != nil || len(commits) != 1000 {
				t.Errorf("%d commits, error %v", len(commits), err)
			}
		})
	}
}

func TestFieldLastChange(t *testing.T) {
	h := newHistory(t)
	filtering := newHistory(t)
	filtering.git("config", "uploadpack.allowFilter", "true")
	for name, url := range map[string]string{"local": h.dir, "http": h.serve(nil).URL + "/config/.git", "http with filters": filtering.serve(nil).URL + "/config/.git"} {
		repo := git.Repo{URL: url}
		for _, c := range []struct{ to, path, want string }{
			{h.revert, "apps/web/a.yaml", "revert"},
			{h.readme, "apps/web/a.yaml", "web"},
			{h.revert, "apps/shop/a.yaml", "topic"},
			{h.revert, "apps/shop", "topic2"},
			{h.revert, "base", "applied"},
			{h.revert, "README.md", "readme"},
			{h.merge, "apps/web", "web"},
			{h.revert, ".", "revert"},
			{h.old, "base/b.yaml", "old"},
		} {
			t.Run("M2 "+name+"/"+c.want+" "+c.path, func(t *testing.T) {
				got, err := repo.LastChange(t.Context(), c.to, c.path)
				if err != nil || got.Subject != c.want {
					t.Errorf("got %q, error %v", got.Subject, err)
				}
			})
		}
		t.Run("M2 "+name+"/never", func(t *testing.T) {
			if _, err := repo.LastChange(t.Context(), h.revert, "no/such"); err == nil {
				t.Error("no error")
			}
		})
	}
}

func TestFieldTouched(t *testing.T) {
	h := newHistory(t)
	commits, err := git.Repo{URL: h.dir}.Commits(t.Context(), h.applied, h.revert, "apps/web", "apps/shop", "base")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"web": "apps/web", "revert": "apps/web", "topic": "apps/shop", "topic2": "apps/shop", "merge": "", "readme": ""}
	for _, c := range commits {
		if got := strings.Join(c.Touched, " "); got != want[c.Subject] {
			t.Errorf("M2 %s touches %q, want %q", c.Subject, got, want[c.Subject])
		}
	}
}
