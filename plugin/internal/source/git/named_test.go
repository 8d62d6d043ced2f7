package git_test

import (
	"fmt"
	"testing"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/source/git"
)

// A ref is resolved with the one request of a poll, and tells whether it moves.
func TestResolve(t *testing.T) {
	r := newRepository(t)
	first := r.commit("first")
	r.git("tag", "-a", "v1.0.0", "-m", "annotated")
	r.git("tag", "light")
	second := r.commit("second")
	r.git("branch", "feature/x", first)
	r.git("branch", "v1.0.0") // and a tag at another commit
	var c traffic
	url := r.serve(c.wrap).URL + "/config/.git"
	for ref, want := range map[string]string{
		"": second + " true", "HEAD": second + " true", "main": second + " true", "feature/x": first + " true", "refs/heads/main": second + " true",
		"light": first + " false", "refs/tags/v1.0.0": first + " false",
	} {
		commit, branch, err := git.Repo{URL: url, Ref: ref}.Resolve(t.Context())
		if got := fmt.Sprint(commit, " ", branch); err != nil || got != want {
			t.Errorf("%q: %s %v, want %s", ref, got, err, want)
		}
		c.want(t, post)
	}
	commit, branch, err := git.Repo{URL: url, Ref: first}.Resolve(t.Context())
	if err != nil || commit != first || branch {
		t.Errorf("a commit: %s %v %v", commit, branch, err)
	}
	c.want(t)
	_, _, err = git.Repo{URL: url, Ref: "v1.0.0"}.Resolve(t.Context())
	mustFail(t, err, `"v1.0.0"`, "is the name of a branch and of a tag")
	_, _, err = git.Repo{URL: url, Ref: "ligth"}.Resolve(t.Context())
	mustFail(t, err, `ref "ligth" not found`, "light")
	_, _, err = git.Repo{URL: url, Ref: "main~1"}.Resolve(t.Context())
	mustFail(t, err, "is an ancestor of something", "write a branch, a tag")
}

func TestTags(t *testing.T) {
	r := newRepository(t)
	first := r.commit("first")
	r.git("tag", "-a", "v1.0.0", "-m", "annotated")
	second := r.commit("second")
	r.git("tag", "v1.1.0")
	var c traffic
	tags, err := git.Tags(t.Context(), git.Repo{URL: r.serve(c.wrap).URL + "/config/.git"})
	if want := fmt.Sprint(map[string]string{"v1.0.0": first, "v1.1.0": second}); err != nil || fmt.Sprint(tags) != want {
		t.Errorf("%v %v, want %s", tags, err, want)
	}
	c.want(t, post)
}
