package git_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/source/git"
)

func TestFieldCheckoutOf(t *testing.T) {
	r := newRepository(t)
	commit := r.commit("first")
	clone := filepath.Join(t.TempDir(), "clone")
	run(t, "", "clone", "-q", r.dir, clone)
	linked := filepath.Join(t.TempDir(), "linked")
	run(t, clone, "worktree", "add", "-q", "--detach", linked)
	with := func(url string) string {
		other := newRepository(t)
		other.git("commit", "-q", "--allow-empty", "-m", "other")
		other.git("remote", "add", "upstream", url)
		return other.dir
	}
	for _, test := range []struct {
		name, top, url, commit string
		want                   bool
	}{
		{"M11 the repository itself", r.dir, r.dir, "", true},
		{"M11 a clone", clone, r.dir, "", true},
		{"M11 a clone, by file URL", clone, "file://" + r.dir, "", true},
		{"M11 a linked worktree", linked, r.dir, "", true},
		{"M11 another repository", with("https://github.com/acme/shop"), "https://github.com/acme/config", strings.Repeat("ab", 20), false},
		{"M11 https and ssh", with("git@github.com:acme/config.git"), "https://github.com/acme/config", "", true},
		{"M11 ssh and https", with("https://GitHub.com/acme/config/"), "ssh://git@github.com/acme/config.git", "", true},
		{"M11 a remote with a token in its URL", with("https://ada:secret@github.com/acme/config.git"), "https://github.com/acme/config", "", true},
		{"M11 a remote with a user name", with("https://ada@github.com/acme/config.git"), "https://github.com/acme/config", "", true},
		{"M11 another server", with("https://gitlab.com/acme/config"), "https://github.com/acme/config", "", false},
		{"M11 a mirror, known by its commit", clone, "https://mirror.example/config", commit, true},
		{"M11 a mirror, another commit", clone, "https://mirror.example/config", strings.Repeat("ab", 20), false},
		{"M11 no address", clone, "helper::x", "", false},
		{"M11 no checkout", t.TempDir(), r.dir, commit, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := git.CheckoutOf(test.top, test.url, test.commit); got != test.want {
				t.Errorf("%v", got)
			}
		})
	}
}
