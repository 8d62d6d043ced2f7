package git_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/source/git"
)

// TestAttackRefs: who may push a branch does not say what the tag of its name means.
func TestAttackRefs(t *testing.T) {
	h := newHistory(t)
	h.git("tag", "-a", "-m", "release", "v1.0.0", h.web)
	h.git("branch", "v1.0.0", h.topic)
	h.git("tag", "light", h.web)
	h.git("branch", "light", h.topic)
	h.git("tag", "-a", "-m", "the same", "same", h.web)
	h.git("branch", "same", h.web)
	h.git("tag", "alone", h.web)
	bare := filepath.Join(t.TempDir(), "bare.git")
	run(t, "", "clone", "-q", "--mirror", h.dir, bare)
	run(t, bare, "repack", "-q", "-a", "-d")
	for name, url := range map[string]string{"local": h.dir, "bare and packed": bare, "http": h.serve(nil).URL + "/config/.git"} {
		for ref, want := range map[string]string{"v1.0.0": "", "light": "", "v1.0.0~1": "", "light^{commit}": "",
			"same": h.web, "alone": h.web, "refs/tags/v1.0.0": h.web, "refs/heads/v1.0.0": h.topic, "refs/tags/light": h.web, "main": h.revert} {
			t.Run("X16 "+name+" "+ref, func(t *testing.T) {
				got, err := git.Repo{URL: url, Ref: ref}.Poll(t.Context())
				switch {
				case want != "" && (err != nil || got != want):
					t.Errorf("got %s, %v, want %s", got, err, want)
				case want == "" && (err == nil || !strings.Contains(err.Error(), "is the name of a branch and of a tag")):
					t.Errorf("got %s, %v", got, err)
				}
			})
		}
	}
}
