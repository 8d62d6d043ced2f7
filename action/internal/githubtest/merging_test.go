package githubtest

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestMergesAreGits compares the double's merge of lines with git merge-file.
func TestMergesAreGits(t *testing.T) {
	git, err := exec.LookPath("git")
	if err != nil {
		t.Skip("git is not there to compare with")
	}
	text := func(s string) string { return strings.ReplaceAll(s, " ", "\n") }
	cases := [][3]string{
		{"a b c d ", "a X c d ", "a b c d "}, {"a b c d ", "a X c d ", "a Y c d "}, {"a b c d ", "a X c d ", "a X c d "},
		{"a b c d ", "X b c d ", "a b c Y "}, {"a b c d ", "a X c d ", "a b Y d "}, {"a b c d ", "a b x c d ", "a b y c d "},
		{"a b c d ", "a b x c d ", "a b c Y "}, {"a b c d ", "a d ", "a b Y d "}, {"a b c d ", "a d ", "a d "}, {"a b c d ", "", "a b c d "},
		{"a b c d ", "", "X b c d "}, {"a b c d", "a b c d ", "a b c d"}, {"a b c d ", "a b c d e ", "a b c d f "}, {"a b c d e f ", "X b c Y e f ", "a b c d e Z "},
		{"a b c d e f ", "X b c d e Y ", "X b c d e Z "}, {"a b c d e f ", "X b c d e f ", "X b c d e Z "}, {"a b c d e f ", "a B C d e f ", "a B C d e F "},
		{"a b c d e f ", "a B C d e f ", "a B c d e F "}, {"a b c d ", "a b c ", "a b c D "}, {"a b c d ", "a b e f g c d ", "a b c d "},
	}
	for _, c := range cases {
		t.Run(strings.Join(c[:], "|"), func(t *testing.T) {
			dir := t.TempDir()
			for i, name := range []string{"base", "ours", "theirs"} {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text(c[i])), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			cmd := exec.CommandContext(t.Context(), git, "merge-file", "-p", "-q", "ours", "base", "theirs")
			cmd.Dir = dir
			out, err := cmd.Output()
			got, clean := mergeLines(text(c[0]), text(c[1]), text(c[2]))
			if clean != (err == nil) || clean && got != string(out) {
				t.Errorf("clean %v:\n%s\ngit says %v:\n%s", clean, got, err, out)
			}
		})
	}
}

func TestMergesOfTrees(t *testing.T) {
	file := func(s string) File { return File{Mode: "100644", Data: strings.ReplaceAll(s, " ", "\n")} }
	tree := func(list ...string) map[string]File {
		out := map[string]File{}
		for i := 0; i+1 < len(list); i += 2 {
			out[list[i]] = file(list[i+1])
		}
		return out
	}
	cases := []struct {
		name               string
		base, ours, theirs map[string]File
		want               map[string]File
		conflicts          []string
	}{
		{"each side another file", tree("a", "1 ", "b", "1 "), tree("a", "2 ", "b", "1 "), tree("a", "1 ", "b", "2 "), tree("a", "2 ", "b", "2 "), nil},
		{"both the same", tree("a", "1 "), tree("a", "2 "), tree("a", "2 "), tree("a", "2 "), nil},
		{"one deletes, one changes", tree("a", "1 "), tree(), tree("a", "2 "), nil, []string{"a"}},
		{"both delete", tree("a", "1 "), tree(), tree(), tree(), nil},
		{"both add", tree(), tree("a", "1 "), tree("a", "2 "), nil, []string{"a"}},
		{"both add the same", tree(), tree("a", "1 "), tree("a", "1 "), tree("a", "1 "), nil},
		{"a renamed file is followed", tree("a", "1 2 3 4 "), tree("b", "1 2 3 4 "), tree("a", "1 2 3 X "), tree("b", "1 2 3 X "), nil},
		{"a renamed file that was changed as well", tree("a", "1 2 3 4 "), tree("b", "Y 2 3 4 "), tree("a", "1 2 3 X "), tree("b", "Y 2 3 X "), nil},
		{"a renamed file that was changed in the same line", tree("a", "1 2 3 4 "), tree("b", "1 2 3 Y "), tree("a", "1 2 3 X "), nil, []string{"b"}},
		{"a file where the other has a directory", tree(), tree("a", "1 "), tree("a/b", "1 "), nil, []string{"a"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, conflicts := mergeTrees(c.base, c.ours, c.theirs)
			if !slices.Equal(conflicts, c.conflicts) || c.want != nil && fmt.Sprint(got) != fmt.Sprint(c.want) {
				t.Errorf("%v, conflicts %v", got, conflicts)
			}
		})
	}
}

const image = "image: api:1\n"

// proposal is a repository with one open pull request that changes a line.
func proposal(t *testing.T, options RepoOptions) (*Server, *Repo) {
	t.Helper()
	s := New(t)
	r := s.AddRepo("acme/config", map[string]string{"a.yaml": image, "b.yaml": "b: 1\n"}, options)
	r.Push("bump", "two", map[string]string{"a.yaml": "image: api:2\n"})
	r.OpenPull("bump", "Bump")
	return s, r
}

// TestMergeableIsComputedWhenAsked: "If the value is null, then GitHub has started a background job to compute the
// mergeability. After giving the job time to complete, resubmit the request."
func TestMergeableIsComputedWhenAsked(t *testing.T) {
	s, r := proposal(t, RepoOptions{})
	look := func(want any, state string) {
		t.Helper()
		if _, body := send(t, s, "GET", "/repos/acme/config/pulls/1", nil); body["mergeable"] != want || body["mergeable_state"] != state {
			t.Errorf("mergeable %v, state %v, want %v %s", body["mergeable"], body["mergeable_state"], want, state)
		}
	}
	look(nil, "unknown")
	look(true, "blocked")
	look(true, "blocked")
	r.Push("main", "another", map[string]string{"b.yaml": "b: 2\n"})
	look(nil, "unknown")
	look(true, "blocked")
	r.Push("main", "the same line", map[string]string{"a.yaml": "image: api:3\n"})
	look(nil, "unknown")
	look(false, "dirty")
	status, body := send(t, s, "PUT", "/repos/acme/config/pulls/1/merge", map[string]any{})
	if status != http.StatusMethodNotAllowed || body["message"] != "Pull Request is not mergeable" {
		t.Errorf("merge = %d %v", status, body["message"])
	}
}

func TestMergeStates(t *testing.T) {
	for state, c := range map[string]struct {
		options RepoOptions
		draft   bool
	}{
		"clean": {RepoOptions{MergeState: "CLEAN"}, false}, "unstable": {RepoOptions{MergeState: "UNSTABLE"}, false},
		"behind": {RepoOptions{UpToDate: true}, false}, "draft": {RepoOptions{}, true},
	} {
		s, r := proposal(t, c.options)
		r.Edit(1, func(p *Pull) { p.Draft = c.draft })
		r.Push("main", "another", map[string]string{"b.yaml": "b: 2\n"})
		send(t, s, "GET", "/repos/acme/config/pulls/1", nil)
		if _, body := send(t, s, "GET", "/repos/acme/config/pulls/1", nil); body["mergeable_state"] != state {
			t.Errorf("mergeable_state %v, want %s", body["mergeable_state"], state)
		}
	}
}

// TestMergeMethods: the branch stays, a squash is one commit, and a rebase leaves merge commits out.
func TestMergeMethods(t *testing.T) {
	for _, c := range []struct {
		method  string
		commits int // more on main
		parents int
	}{{"merge", 3, 2}, {"squash", 1, 1}, {"rebase", 1, 1}} {
		s, r := proposal(t, RepoOptions{MergeState: "CLEAN"})
		r.Push("main", "another", map[string]string{"b.yaml": "b: 2\n"})
		r.UpdateBranch(1, map[string]string{"c.yaml": "c: 1\n"}) // a merge commit that brings something
		before := r.Commits("main")
		status, body := send(t, s, "PUT", "/repos/acme/config/pulls/1/merge", map[string]any{"merge_method": c.method})
		if status != http.StatusOK {
			t.Fatalf("%s = %d %v", c.method, status, body["message"])
		}
		if n := r.Commits("main") - before; n != c.commits || len(r.Head("main").Parents) != c.parents || !slices.Contains(r.Branches(), "bump") {
			t.Errorf("%s: %d more commits, parents %v, branches %v", c.method, n, r.Head("main").Parents, r.Branches())
		}
		if got := r.Read("main", "c.yaml"); (got == "") != (c.method == "rebase") || r.Read("main", "a.yaml") != "image: api:2\n" {
			t.Errorf("%s: c.yaml %q, a.yaml %q", c.method, got, r.Read("main", "a.yaml"))
		}
	}
}

func TestRefusedMerges(t *testing.T) {
	cases := []struct {
		name    string
		options RepoOptions
		body    map[string]any
		status  int
		message string
	}{
		{"another head", RepoOptions{}, map[string]any{"sha": strings.Repeat("a", 40)}, 409, "Head branch was modified. Review and try the merge again."},
		{"a method that is off", RepoOptions{MergeMethods: []string{"squash"}}, map[string]any{"merge_method": "rebase"}, 405, "Rebase merges are not allowed on this repository."},
		{"base branch moves", RepoOptions{BaseModified: 2}, map[string]any{}, 405, "Base branch was modified. Review and try the merge again."},
	}
	for _, c := range cases {
		s, r := proposal(t, c.options)
		for range max(c.options.BaseModified, 1) {
			if status, body := send(t, s, "PUT", "/repos/acme/config/pulls/1/merge", c.body); status != c.status || body["message"] != c.message {
				t.Errorf("%s: %d %v", c.name, status, body["message"])
			}
		}
		if c.options.BaseModified > 0 {
			if status, _ := send(t, s, "PUT", "/repos/acme/config/pulls/1/merge", c.body); status != http.StatusOK || !r.Pulls()[0].Merged {
				t.Errorf("%s: at last %d", c.name, status)
			}
		}
	}
	s, r := proposal(t, RepoOptions{DeleteBranchOnMerge: true})
	if send(t, s, "PUT", "/repos/acme/config/pulls/1/merge", map[string]any{}); slices.Contains(r.Branches(), "bump") {
		t.Error("the branch stayed although the repository deletes it")
	}
}

// TestARebaseThatConflicts: the sum of the commits merges, one of them does not.
func TestARebaseThatConflicts(t *testing.T) {
	s, r := proposal(t, RepoOptions{})
	r.Push("bump", "back", map[string]string{"a.yaml": image})
	r.Push("bump", "other", map[string]string{"b.yaml": "b: 2\n"})
	r.Push("main", "three", map[string]string{"a.yaml": "image: api:3\n"})
	status, body := send(t, s, "PUT", "/repos/acme/config/pulls/1/merge", map[string]any{"merge_method": "rebase"})
	if status != http.StatusMethodNotAllowed || body["message"] != "This branch can't be rebased" {
		t.Errorf("rebase = %d %v", status, body["message"])
	}
	if status, _ = send(t, s, "PUT", "/repos/acme/config/pulls/1/merge", map[string]any{"merge_method": "squash"}); status != http.StatusOK {
		t.Errorf("squash = %d", status)
	}
}

func TestAutoMergeEndsWithAConflict(t *testing.T) {
	_, r := proposal(t, RepoOptions{AutoMerge: true})
	r.Edit(1, func(p *Pull) { p.AutoMerge = "SQUASH" })
	r.Push("main", "another", map[string]string{"b.yaml": "b: 2\n"})
	if r.Pulls()[0].AutoMerge == "" {
		t.Error("auto-merge ended without a conflict")
	}
	r.Push("main", "the same line", map[string]string{"a.yaml": "image: api:3\n"})
	if r.Pulls()[0].AutoMerge != "" || r.RequirementsMet(1) {
		t.Error("auto-merge went on over a conflict")
	}
}

// TestAClosedPullRequestCanBeReopened while its branch is what it was.
func TestAClosedPullRequestCanBeReopened(t *testing.T) {
	_, r := proposal(t, RepoOptions{})
	r.ClosePull(1)
	if !r.Reopen(1) || r.Pulls()[0].State != "open" {
		t.Error("it cannot be reopened")
	}
	r.ClosePull(1)
	r.DeleteBranch("bump")
	r.Push("bump", "anew", map[string]string{"a.yaml": "image: api:4\n"})
	if r.Reopen(1) {
		t.Error("it was reopened on another branch of its name")
	}
}

// TestNamesThatCannotBeAsked: of reviewers GitHub refuses all because of one; assignees it drops without a word, except
// when they are set.
func TestNamesThatCannotBeAsked(t *testing.T) {
	s, r := proposal(t, RepoOptions{Collaborators: []string{"ada", "grace"}, Teams: []string{"ops"}})
	r.Edit(1, func(p *Pull) { p.Author = "grace" })
	const pulls, issues = "/repos/acme/config/pulls/1", "/repos/acme/config/issues/1"
	cases := []struct {
		method, path string
		body         map[string]any
		status       int
		message      string
	}{
		{"POST", pulls + "/requested_reviewers", map[string]any{"reviewers": []string{"ada", "grace"}}, 422, "Review cannot be requested from pull request author."},
		{"POST", pulls + "/requested_reviewers", map[string]any{"reviewers": []string{"ada", "eve"}}, 422, "Reviews may only be requested from collaborators"},
		{"POST", pulls + "/requested_reviewers", map[string]any{"team_reviewers": []string{"ops", "none"}}, 422, "Reviews may only be requested from collaborators"},
		{"POST", issues + "/assignees", map[string]any{"assignees": []string{"ada", "eve"}}, 201, ""},
		{"PATCH", issues, map[string]any{"assignees": []string{"eve"}}, 422, "Validation Failed"},
		{"POST", issues + "/labels", map[string]any{"labels": []string{"good", strings.Repeat("x", 51)}}, 422, "Validation Failed"},
	}
	for _, c := range cases {
		if status, body := send(t, s, c.method, c.path, c.body); status != c.status || !strings.Contains(fmt.Sprint(body["message"]), c.message) && c.message != "" {
			t.Errorf("%s %s %v: %d %v", c.method, c.path, c.body, status, body["message"])
		}
	}
	if p := r.Pulls()[0]; len(p.Reviewers)+len(p.Teams)+len(p.Labels) > 0 || !slices.Equal(p.Assignees, []string{"ada"}) {
		t.Errorf("%+v", p)
	}
}

// TestUpdateRefsComparesAndSets: GraphQL's updateRefs has the condition that the REST calls lack, also with force.
func TestUpdateRefsComparesAndSets(t *testing.T) {
	s, r := proposal(t, RepoOptions{})
	update := func(before, after string, force bool) string {
		_, body := send(t, s, "POST", "/graphql", map[string]any{
			"query":     `mutation U($id: ID!, $before: GitObjectID!, $after: GitObjectID!, $force: Boolean!) { updateRefs(input: {repositoryId: $id, refUpdates: [{name: "refs/heads/bump", beforeOid: $before, afterOid: $after, force: $force}]}) { clientMutationId } }`,
			"variables": map[string]any{"id": "R_acme/config", "before": before, "after": after, "force": force},
		})
		if body["errors"] == nil {
			return ""
		}
		return fmt.Sprint(body["errors"])
	}
	head, main := r.Head("bump").SHA, r.Push("main", "more", map[string]string{"b.yaml": "b: 2\n"}).SHA
	if err := update(main, main, true); !strings.Contains(err, "another value than expected") {
		t.Errorf("from another commit: %q", err)
	}
	if err := update(head, main, false); !strings.Contains(err, "not a fast forward") {
		t.Errorf("without force: %q", err)
	}
	if err := update(head, main, true); err != "" || r.Head("bump").SHA != main {
		t.Errorf("with force: %q", err)
	}
}
