package action

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/kubectl-gitops/kubectl-gitops/action/internal/display"
	"github.com/kubectl-gitops/kubectl-gitops/action/internal/githubtest"
	"github.com/kubectl-gitops/kubectl-gitops/action/internal/promotion"
)

func rollback(more ...string) map[string]string {
	inputs := map[string]string{"operation": "rollback"}
	for i := 0; i+1 < len(more); i += 2 {
		inputs[more[i]] = more[i+1]
	}
	return inputs
}

// merges are the three ways in which GitHub merges a pull request.
var merges = map[string]func(*githubtest.Repo, int){
	"merge": (*githubtest.Repo).Merge, "squash": (*githubtest.Repo).Squash, "rebase": (*githubtest.Repo).Rebase,
}

// released is a repository in which a pull request of two commits brought api 1.9.0 to prod.
func released(t *testing.T, merge func(*githubtest.Repo, int)) (*githubtest.Server, *githubtest.Repo) {
	t.Helper()
	hub, repo := newConfig(t, githubtest.RepoOptions{})
	repo.Push("main", "in between", map[string]string{"other.yaml": "a: 1\n"})
	repo.Push("release", "one", map[string]string{prodFile: kustomization("ghcr.io/acme/api", "1.8.9"), "clusters/prod/new.yaml": "b: 1\n"})
	repo.Push("release", "two", map[string]string{prodFile: kustomization("ghcr.io/acme/api", "1.9.0")})
	repo.OpenPull("release", "api 1.9.0")
	merge(repo, 1)
	return hub, repo
}

func TestRollBackAPullRequestHoweverItWasMerged(t *testing.T) {
	for name, merge := range merges {
		t.Run(name, func(t *testing.T) {
			hub, repo := released(t, merge)
			got := runStepIn(t, hub, rollback("pull-request-number", "1", "reason", "errors in checkout"), map[string]string{"GITHUB_ACTOR": "ada"}).mustSucceed(t)
			got.want(t, map[string]string{"pr-operation": "created"})
			p := repo.Open()[0]
			if p.Title != "Roll back #1: api 1.9.0 → 1.8.1" {
				t.Errorf("title %q", p.Title)
			}
			files := repo.Files(p.Head)
			if files[prodFile].Data != kustomization("ghcr.io/acme/api", "1.8.1") {
				t.Errorf("file:\n%s", files[prodFile].Data)
			}
			if _, there := files["clusters/prod/new.yaml"]; there || files["other.yaml"].Data != "a: 1\n" {
				t.Errorf("files %v", files)
			}
			holds, err := promotion.ParseHolds([]byte(files[promotion.HoldsPath].Data))
			if err != nil || len(holds) != 1 || !strings.HasPrefix(holds[0].String(), "api 1.9.0 in clusters/prod since 20") || !strings.HasSuffix(holds[0].String(), "by ada: errors in checkout") {
				t.Errorf("%v %v\n%s", holds, err, files[promotion.HoldsPath].Data)
			}
			if strings.Contains(got.stdout, "not a plain revert") {
				t.Errorf("it is a plain revert:\n%s", got.stdout)
			}
			hub.ResetRequests()
			runStepIn(t, hub, rollback("pull-request-number", "1", "reason", "errors in checkout"), map[string]string{"GITHUB_ACTOR": "ada"}).mustSucceed(t).want(t, map[string]string{"pr-operation": "unchanged"})
			if w := hub.Writes(); len(w) > 0 {
				t.Errorf("it wrote %v", w)
			}
		})
	}
}

func TestRollBackACommit(t *testing.T) {
	hub, repo := newConfig(t, githubtest.RepoOptions{})
	c := repo.Push("main", "bump", map[string]string{prodFile: kustomization("ghcr.io/acme/api", "1.9.0")})
	runStep(t, hub, rollback("commit", display.SHA(c.SHA), "pull-request", "false", "hold", "false")).mustSucceed(t)
	if file := repo.Read("main", prodFile); file != kustomization("ghcr.io/acme/api", "1.8.1") {
		t.Errorf("file:\n%s", file)
	}
	if repo.Read("main", promotion.HoldsPath) != "" {
		t.Error("it is held all the same")
	}
	side := repo.Push("side", "not on main", map[string]string{"x.yaml": "a: 1\n"})
	if got := runStep(t, hub, rollback("commit", side.SHA)); got.code != ExitFailed || !strings.Contains(got.stderr, "is not on the branch main") {
		t.Errorf("exit %d\n%s", got.code, got.stderr)
	}
}

// TestRollBackWhatOthersTouchedSince: values that still are what was brought go back, others stay, and it is said.
func TestRollBackWhatOthersTouchedSince(t *testing.T) {
	two := func(api, web, replicas string) string {
		return fmt.Sprintf("images:\n- name: ghcr.io/acme/api\n  newTag: %s\n- name: ghcr.io/acme/web\n  newTag: %s\nreplicas:\n- {name: api, count: %s}\n", api, web, replicas)
	}
	hub, repo := newConfig(t, githubtest.RepoOptions{})
	repo.Push("main", "start", map[string]string{prodFile: two("1.0.0", "5.0.0", "2")})
	repo.Push("release", "both", map[string]string{prodFile: two("1.1.0", "5.1.0", "4")})
	repo.OpenPull("release", "both")
	repo.Squash(1)
	repo.Push("main", "web moved on, next line", map[string]string{prodFile: "# note\n" + two("1.1.0", "5.2.0", "4")})
	got := runStep(t, hub, rollback("pull-request-number", "1")).mustSucceed(t)
	if file := repo.Read(repo.Open()[0].Head, prodFile); file != "# note\n"+two("1.0.0", "5.2.0", "2") {
		t.Errorf("file:\n%s", file)
	}
	for _, want := range []string{"not a plain revert", "web now runs 5.2.0, not 5.1.0, so it stays"} {
		if !strings.Contains(got.stdout, want) || !strings.Contains(repo.Open()[0].Body, "not a plain revert") {
			t.Errorf("no %q in:\n%s", want, got.stdout)
		}
	}
	repo.Push("main", "api too", map[string]string{prodFile: "# note\n" + two("1.2.0", "5.2.0", "5")})
	if got = runStep(t, hub, rollback("pull-request-number", "1")); got.code != ExitFailed || !strings.Contains(got.stderr, "nothing of the change is left") || !strings.Contains(got.stderr, "images and paths") {
		t.Errorf("exit %d\n%s", got.code, got.stderr)
	}
}

func TestRollBackWhileOthersCommit(t *testing.T) {
	hub, repo := released(t, (*githubtest.Repo).Squash)
	hub.Before = raceAt(hub, "PATCH", "/git/refs/", func() {
		repo.Push("main", "first line", map[string]string{prodFile: "# first\n" + kustomization("ghcr.io/acme/api", "1.9.0")})
	})
	runStep(t, hub, rollback("pull-request-number", "1", "pull-request", "false")).mustSucceed(t)
	if file := repo.Read("main", prodFile); file != "# first\n"+kustomization("ghcr.io/acme/api", "1.8.1") {
		t.Errorf("file:\n%s", file)
	}
}

func TestRollBackAnImageToItsPreviousVersionAndHoldIt(t *testing.T) {
	hub, repo := stages(t, map[string]string{promotion.FilePath: chain, "clusters/dev/a.yaml": "a: 1\n"})
	prod := func(api string) map[string]string {
		return map[string]string{"clusters/prod/values.yaml": strings.Replace(prodValues, "1.8.1", api, 1)}
	}
	repo.Push("main", "1.8.2", prod("1.8.2"))
	repo.Push("main", "1.9.0", prod("1.9.0"))
	back := func(want string) {
		t.Helper()
		runStep(t, hub, rollback("images", "ghcr.io/acme/api", "paths", "prod", "pull-request", "false")).mustSucceed(t)
		if file := repo.Read("main", "clusters/prod/values.yaml"); file != strings.Replace(prodValues, "1.8.1", want, 1) {
			t.Errorf("want %s:\n%s", want, file)
		}
	}
	back("1.8.2")
	back("1.8.1") // not 1.9.0, which is held

	// Neither a bump nor a promotion brings a held version back.
	repo.Push("main", "staging", stagingRuns("1.9.0", "2.0.1"))
	got := runStep(t, hub, promoting("pull-request", "false")).mustSucceed(t)
	if file := repo.Read("main", "clusters/prod/values.yaml"); file != strings.Replace(prodValues, "worker:2.0.0", "worker:2.0.1", 1) || !strings.Contains(got.stdout, "held: api 1.9.0 in clusters/prod") {
		t.Errorf("file:\n%s\n%s", file, got.stdout)
	}
	bump := map[string]string{"images": "ghcr.io/acme/api=1.9.0", "paths": "clusters/prod", "pull-request": "false"}
	if got = runStep(t, hub, bump); got.code != ExitFailed || !strings.Contains(got.stderr, "held: api 1.9.0") || !strings.Contains(got.stderr, "release input") {
		t.Errorf("exit %d\n%s", got.code, got.stderr)
	}
	// Elsewhere it is not held.
	got = runStep(t, hub, map[string]string{"images": "ghcr.io/acme/api=1.9.0", "pull-request": "false"}).mustSucceed(t)
	if !strings.Contains(got.stdout, "note: held: api 1.9.0") || strings.Contains(repo.Read("main", "clusters/prod/values.yaml"), "1.9.0") {
		t.Errorf("stdout:\n%s", got.stdout)
	}
	// The next version is free, and so is the held one after its release.
	runStep(t, hub, map[string]string{"images": "ghcr.io/acme/api=1.9.1", "paths": "clusters/prod", "dry-run": "true"}).mustSucceed(t).want(t, map[string]string{"changed": "true"})
	runStep(t, hub, rollback("release", "ghcr.io/acme/api=1.9.0", "pull-request", "false")).mustSucceed(t)
	if holds, err := promotion.ParseHolds([]byte(repo.Read("main", promotion.HoldsPath))); err != nil || len(holds) != 1 || holds[0].Tag != "1.8.2" {
		t.Errorf("%v %v", holds, err)
	}
	runStep(t, hub, bump).mustSucceed(t).want(t, map[string]string{"changed": "true"})
}

// TestRollBackARollback brings the version back and releases it.
func TestRollBackARollback(t *testing.T) {
	hub, repo := released(t, (*githubtest.Repo).Merge)
	runStep(t, hub, rollback("pull-request-number", "1")).mustSucceed(t)
	repo.Merge(2)
	runStep(t, hub, rollback("pull-request-number", "2", "hold", "false")).mustSucceed(t)
	repo.Squash(3)
	if file := repo.Read("main", prodFile); file != kustomization("ghcr.io/acme/api", "1.9.0") || !strings.Contains(repo.Read("main", promotion.HoldsPath), "holds: []") {
		t.Errorf("file:\n%s\n%s", file, repo.Read("main", promotion.HoldsPath))
	}
}

func TestHoldsAreSpliced(t *testing.T) {
	a, b := promotion.Hold{Image: "ghcr.io/acme/api", Tag: "1.30", Path: "clusters/prod", Reason: "it's: \"odd\" # really", By: "ada", Since: "2026-11-25"}, promotion.Hold{Image: "nginx", Digest: "sha256:" + strings.Repeat("a", 64), Path: "."}
	none := func(promotion.Hold) bool { return false }
	file, err := promotion.EditHolds(nil, none, []promotion.Hold{a})
	if err != nil {
		t.Fatal(err)
	}
	odd := strings.Replace(string(file), "holds:\n- ", "# mine\nholds:   # list\n  # first\n  - ", 1)
	odd = strings.ReplaceAll(strings.ReplaceAll(odd, "\n  tag", "\n    tag"), "\n  path", "\n    path")
	odd = strings.ReplaceAll(strings.ReplaceAll(strings.ReplaceAll(odd, "\n  reason", "\n    reason"), "\n  by", "\n    by"), "\n  since", "\n    since")
	both, err := promotion.EditHolds([]byte(odd), none, []promotion.Hold{b})
	if err != nil || !strings.HasPrefix(string(both), odd) {
		t.Fatalf("%v\n%s", err, both)
	}
	back, err := promotion.EditHolds(both, func(h promotion.Hold) bool { return h.Image == "nginx" }, nil)
	if err != nil || string(back) != odd {
		t.Errorf("%v\n%s\nwant:\n%s", err, back, odd)
	}
	empty, err := promotion.EditHolds(file, func(promotion.Hold) bool { return true }, nil)
	if err != nil || !strings.HasSuffix(string(empty), "holds: []\n") {
		t.Errorf("%v\n%s", err, empty)
	}
	if again, err := promotion.EditHolds(empty, none, []promotion.Hold{a}); err != nil || string(again) != string(file) {
		t.Errorf("%v\n%s\nwant:\n%s", err, again, file)
	}
	flow := "apiVersion: kubectl-gitops.dev/v1alpha1\nkind: Holds\nholds: [{image: a, tag: b, path: .}]\n"
	if _, err := promotion.EditHolds([]byte(flow), none, []promotion.Hold{a}); err == nil || !strings.Contains(err.Error(), "cannot be edited safely") {
		t.Errorf("%v", err)
	}
}

func TestBadRollbacks(t *testing.T) {
	cases := []badInput{
		{"nothing to roll back", rollback(), "give one of the inputs"},
		{"two ways at once", rollback("commit", "abcdef1", "pull-request-number", "1"), "give one of the inputs"},
		{"no number", rollback("pull-request-number", "one"), "is not a number"},
		{"unknown pull request", rollback("pull-request-number", "9"), "Could not resolve to a PullRequest"},
		{"open pull request", rollback("pull-request-number", "1"), "it is not merged"},
		{"no commit", rollback("commit", "main"), "is not a commit"},
		{"unknown commit", rollback("commit", "abcdef1"), "there is no such commit"},
		{"images without paths", rollback("images", "ghcr.io/acme/api"), "rolling images back needs the environments"},
		{"images with a pattern", rollback("images", "ghcr.io/acme/api", "paths", "clusters/*"), "is a pattern"},
		{"image without history", rollback("images", "ghcr.io/acme/api", "paths", "clusters/prod"), "no other version in its history"},
		{"unknown image", rollback("images", "ghcr.io/acme/apy", "paths", "clusters/prod"), "similar: ghcr.io/acme/api"},
		{"empty directory", rollback("images", "ghcr.io/acme/api", "paths", "clusters/qa"), "there is no YAML in clusters/qa"},
		{"release without rollback", map[string]string{"images": "a=1", "release": "a"}, "belong to operation: rollback"},
		{"promote without environments", map[string]string{"operation": "promote"}, "the repository has no promotion.yaml"},
		{"promote to nothing", promoting("to", "clusters/qa"), "there is no YAML in clusters/qa"},
		{"promote from nothing", promoting("from", "clusters/qa"), "there is no YAML in clusters/qa"},
		{"promote into itself", promoting("to", "clusters/staging"), "overlap"},
		{"promote without from", map[string]string{"operation": "promote", "to": "clusters/prod"}, "nothing says where"},
		{"promote to a pattern", promoting("to", "clusters/*"), "is in clusters/* and in clusters/staging"},
		{"promote to the whole repository", promoting("to", "."), "is not below the root"},
		{"promote a version", promoting("images", "ghcr.io/acme/api=1.9.0"), "give the name only"},
		{"promote values", promoting("values", "a.yaml:b=c"), "with the also input"},
		{"promote a missing value", promoting("also", "values.yaml:none"), `there is no key "none"`},
		{"promote a missing file", promoting("also", "none.yaml:a"), "there is no file clusters/staging/none.yaml"},
		{"also without promote", map[string]string{"images": "a=1", "also": "a:b"}, "belong to operation: promote"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			hub, repo := stages(t, nil)
			repo.Push("open", "open", map[string]string{"x.yaml": "a: 1\n"})
			repo.OpenPull("open", "open")
			got := runStep(t, hub, c.inputs)
			if got.code != ExitFailed || !strings.Contains(got.stderr, c.want) || strings.Count(got.stderr, "error: ") != 1 {
				t.Errorf("exit %d, want %q in:\n%s%s", got.code, c.want, got.stderr, got.stdout)
			}
			if w := hub.Writes(); len(w) > 0 {
				t.Errorf("it wrote %v", w)
			}
		})
	}
}

// TestALostAnswerDoesNotRollBackTwice: the version before is decided once in a run.
func TestALostAnswerDoesNotRollBackTwice(t *testing.T) {
	hub, repo := newConfig(t, githubtest.RepoOptions{})
	for _, tag := range []string{"1.8.2", "1.9.0"} {
		repo.Push("main", tag, map[string]string{prodFile: kustomization("ghcr.io/acme/api", tag)})
	}
	hub.Before = func(_ int, r *http.Request) *githubtest.Fault {
		if r.Method == http.MethodPatch {
			hub.Before = nil
			return &githubtest.Fault{Lost: true}
		}
		return nil
	}
	runStep(t, hub, rollback("images", "ghcr.io/acme/api", "paths", "clusters/prod", "pull-request", "false")).mustSucceed(t)
	if file := repo.Read("main", prodFile); file != kustomization("ghcr.io/acme/api", "1.8.2") {
		t.Errorf("file:\n%s", file)
	}
}

// TestRollBackWhatIsNoText: contents that JSON cannot carry come back by their name in Git.
func TestRollBackWhatIsNoText(t *testing.T) {
	const before, after = "\x89PNG\x00\xff\xfe", "\x89PNG\x01\xff"
	hub, repo := newConfig(t, githubtest.RepoOptions{})
	repo.Push("main", "a picture", map[string]string{"logo.png": before})
	c := repo.Push("main", "another", map[string]string{"logo.png": after, "more.png": after})
	runStep(t, hub, rollback("commit", c.SHA, "pull-request", "false")).mustSucceed(t)
	if files := repo.Files("main"); files["logo.png"].Data != before || len(files["more.png"].Data) != 0 {
		t.Errorf("%q", files)
	}
}

// TestRollBackOfRewrittenBytesIsRefused: what .gitattributes makes an archive say is not what Git stores.
func TestRollBackOfRewrittenBytesIsRefused(t *testing.T) {
	hub, repo := newConfig(t, githubtest.RepoOptions{})
	repo.Push("main", "attributes", map[string]string{".gitattributes": "*.txt export-subst\n", "a.txt": "one\n"})
	c := repo.Push("main", "change", map[string]string{"a.txt": "two\n"})
	hub.ArchiveFilter = func(path, data string) string { return strings.Replace(data, "one", "ONE", 1) }
	if got := runStep(t, hub, rollback("commit", c.SHA)); got.code != ExitFailed || !strings.Contains(got.stderr, "Git stores other bytes") || len(hub.Writes()) > 0 {
		t.Errorf("exit %d\n%s", got.code, got.stderr)
	}
}
