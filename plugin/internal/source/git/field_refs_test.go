package git_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/source/git"
)

// Refs as people write them mean what `git rev-parse` says, in a checkout and on servers with and without filters.
func TestFieldRefs(t *testing.T) {
	make := func(config ...string) history {
		h := newHistory(t)
		h.git("tag", "-a", "-m", "release", "v1.0.0", h.web)
		h.git("tag", "light", h.topic)
		h.git("branch", "feature/x", h.readme)
		h.git("branch", h.old[:7], h.topic2) // a name that could be a hash
		for i := 0; i+1 < len(config); i += 2 {
			h.git("config", config[i], config[i+1])
		}
		return h
	}
	h := make()
	filtering := make("uploadpack.allowFilter", "true")
	bare := filepath.Join(t.TempDir(), "bare.git")
	run(t, "", "clone", "-q", "--mirror", h.dir, bare)
	run(t, bare, "repack", "-q", "-a", "-d")
	for name, url := range map[string]string{"local": h.dir, "bare and packed": bare, "http": h.serve(nil).URL + "/config/.git",
		"http with filters": filtering.serve(nil).URL + "/config/.git"} {
		for _, ref := range []string{"HEAD", "@", "HEAD~1", "HEAD^", "HEAD~", "HEAD~0", "HEAD^0", "@~2", "main^", "main~2^2", "main^^", "main~2^2~1", "main~3^1", "feature/x~1",
			"refs/heads/main~1", "v1.0.0", "v1.0.0^{commit}", "v1.0.0^{}", "v1.0.0~1", "v1.0.0^{commit}^", "v1.0.0^0", "light^", h.readme, strings.ToUpper(h.readme),
			h.readme + "~1", h.readme[:7], h.merge[:12], strings.ToUpper(h.web[:8]), h.web[:7] + "^", "v1.0.0-2-g" + h.merge[:7], h.old[:7] + "~1"} {
			t.Run("M12 "+name+" "+ref, func(t *testing.T) {
				want := h.git("rev-parse", ref+"^{commit}")
				if strings.HasPrefix(ref, h.old[:7]) {
					want = h.git("rev-parse", strings.Replace(ref, h.old[:7], "refs/heads/"+h.old[:7], 1))
				}
				got, err := git.Repo{URL: url, Ref: ref}.Poll(t.Context())
				if err != nil || got != want {
					t.Errorf("got %s, %v, want %s", got, err, want)
				}
			})
		}
		for ref, says := range map[string][]string{
			"main~9":            {"is the first one: it has no parent"},
			"main^3":            {"has no parent 3"},
			"main@{1}":          {"the reflog of one checkout", "git rev-parse 'main@{1}'"},
			"main@{upstream}":   {"the reflog of one checkout"},
			"HEAD:apps":         {"names a file or directory", "--path"},
			":/web":             {"names a file or directory, or searches"},
			"main..topic":       {"is a range of commits"},
			"^main":             {"is not a ref name", "before ^"},
			"main~x":            {"cannot be read from \"x\" on"},
			"main^{tree}":       {"^{tree} is not a commit"},
			"main^{/web}":       {"^{/web} is not a commit"},
			"main~99999":        {"goes back more than 10000 commits"},
			"main~5000~5000~1":  {"goes back more than 10000 commits"},
			"0123456":           {"ref \"0123456\" not found", "no commit begins with it"},
			"main~":             nil,
			"nosuch~1":          {"ref \"nosuch\" not found", "the repository has:"},
			"v1.0.0-2-g0123456": {"not found"},
		} {
			t.Run("M12 "+name+" refused "+ref, func(t *testing.T) {
				_, err := git.Repo{URL: url, Ref: ref}.Poll(t.Context())
				if says == nil {
					if err != nil {
						t.Error(err)
					}
					return
				}
				mustFail(t, err, says...)
			})
		}
	}
}

// Digits that begin two commits are no answer: whoever may push a branch could add the second one.
func TestFieldAmbiguousRef(t *testing.T) {
	r := newRepository(t)
	seen := map[string]string{}
	var digits string
	for i := 0; digits == ""; i++ {
		commit := r.git("commit-tree", "-m", strings.Repeat("x", i), "4b825dc642cb6eb9a060e54bf8d69288fbee4904")
		if other := seen[commit[:4]]; other != "" {
			digits = commit[:4]
			r.git("update-ref", "refs/heads/one", other)
			r.git("update-ref", "refs/heads/two", commit)
		}
		seen[commit[:4]] = commit
	}
	r.git("symbolic-ref", "HEAD", "refs/heads/one")
	for name, url := range map[string]string{"local": r.dir, "http": r.serve(nil).URL + "/config/.git"} {
		t.Run("M12 "+name, func(t *testing.T) {
			_, err := git.Repo{URL: url, Ref: digits}.Poll(t.Context())
			mustFail(t, err, "more than one commit begins with", "give more digits: "+digits)
		})
	}
}

// What a ref with steps led to is asked once: a later poll costs what a poll of the branch costs.
func TestFieldRefIsRemembered(t *testing.T) {
	h := newHistory(t)
	var count traffic
	server := h.serve(count.wrap)
	repo := git.Repo{URL: server.URL + "/config/.git", Ref: "main~1", Server: new(git.Server)}
	for i, most := range []int{10, 1, 1} {
		got, err := repo.Poll(t.Context())
		if requests := count.since(); err != nil || got != h.readme || len(requests) > most {
			t.Errorf("poll %d: %s, %v, %d requests", i, got, err, len(requests))
		}
	}
	h.commit("one more")
	if got, err := repo.Poll(t.Context()); err != nil || got != h.revert {
		t.Errorf("after a push: %s, %v", got, err)
	}
}

// A fetch of what such a ref means is described without the expression being taken for a branch.
func TestFieldRefIsFetched(t *testing.T) {
	h := newHistory(t)
	for ref, want := range map[string]string{"HEAD~1": "HEAD~1", h.web[:7]: "", "@": "main", "main": "main"} {
		repo := git.Repo{URL: h.dir, Ref: ref}
		commit, err := repo.Poll(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		rev, _, err := repo.Fetch(t.Context(), commit, t.TempDir())
		if err != nil || rev.Commit != commit || rev.Ref != want {
			t.Errorf("%s: %+v, %v", ref, rev, err)
		}
	}
}
