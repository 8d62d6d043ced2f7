package action

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/kubectl-gitops/kubectl-gitops/action/internal/githubtest"
	"github.com/kubectl-gitops/kubectl-gitops/action/internal/promotion"
)

const (
	application = "kind: Application\nspec:\n  source:\n    helm:\n      values: |\n        image:\n          repository: ghcr.io/acme/api\n          tag: \"1.8.1\" # set by CI\n        replicas: 1\n"
	worker      = "kind: Job\nspec: {template: {spec: {containers: [{image: busybox:1, args: [--next=ghcr.io/acme/api:1.8.1]}]}}}\n"
)

// The pull request says what keeps the old version, and so do the log, its annotations and the outputs.
func TestFieldAPullRequestNamesWhatItLeaves(t *testing.T) {
	hub, repo := newConfig(t, githubtest.RepoOptions{})
	repo.Push("main", "more", map[string]string{"clusters/prod/app.yaml": application, "clusters/prod/worker.yaml": worker})
	got := runStep(t, hub, map[string]string{"images": "ghcr.io/acme/api=1.8.2"}).mustSucceed(t)
	p := repo.Open()[0]
	if got, want := repo.Read(p.Head, "clusters/prod/app.yaml"), strings.Replace(application, "1.8.1", "1.8.2", 1); got != want {
		t.Errorf("R9: the text of values is\n%s", got)
	}
	if repo.Read(p.Head, "clusters/prod/worker.yaml") != worker {
		t.Error("A5: an argument was edited")
	}
	for _, want := range []string{"1 place with the old version, not edited", "`clusters/prod/worker.yaml:2`", "not a place where images are edited"} {
		if !strings.Contains(p.Body, want) || !strings.Contains(got.summary, want) {
			t.Errorf("A5: %q is not in the pull request or the summary:\n%s\n%s", want, p.Body, got.summary)
		}
	}
	if want := "::notice file=clusters/prod/worker.yaml,line=2,title=gitops-action::ghcr.io/acme/api stays at 1.8.1"; !strings.Contains(got.stdout, want) {
		t.Errorf("A5: %q is not in the log:\n%s", want, got.stdout)
	}
	var results []struct{ Left []promotion.Left }
	if err := json.Unmarshal([]byte(got.outputs["results"]), &results); err != nil || len(results) != 1 || len(results[0].Left) != 1 || results[0].Left[0].Line != 2 {
		t.Errorf("A5: %v: %s", err, got.outputs["results"])
	}
}

// An edit inside a text is rolled back as any other, also when somebody has changed the file since.
func TestFieldRollBackInsideAText(t *testing.T) {
	hub, repo := newConfig(t, githubtest.RepoOptions{})
	repo.Push("main", "more", map[string]string{"clusters/prod/app.yaml": application})
	repo.Push("release", "one", map[string]string{"clusters/prod/app.yaml": strings.Replace(application, "1.8.1", "1.9.0", 1)})
	repo.OpenPull("release", "api 1.9.0")
	repo.Squash(1)
	repo.Push("main", "another value", map[string]string{"clusters/prod/app.yaml": strings.NewReplacer("1.8.1", "1.9.0", "replicas: 1", "replicas: 5").Replace(application)})
	runStep(t, hub, rollback("pull-request-number", "1", "pull-request", "false")).mustSucceed(t)
	if got, want := repo.Read("main", "clusters/prod/app.yaml"), strings.Replace(application, "replicas: 1", "replicas: 5", 1); got != want {
		t.Errorf("R9: rolled back to\n%s", got)
	}
}

// A promotion reads and writes texts, and lists what keeps the old version in the target.
func TestFieldPromotionIntoAText(t *testing.T) {
	dir := checkoutOf(t, map[string]string{
		"staging/app.yaml": strings.Replace(application, "1.8.1", "1.9.0", 1),
		"prod/web.yaml":    application, "prod/worker.yaml": worker,
	})
	code, stdout, stderr := command(t, "promote", "--dir", dir, "--from", "staging", "--to", "prod")
	want := "prod/web.yaml:8:16: 1.8.1 -> 1.9.0\nleft: prod/worker.yaml:2: busybox: 1, not nothing (no version in staging)\n" +
		"left: prod/worker.yaml:2: ghcr.io/acme/api: 1.8.1, not 1.9.0 (not a place where images are edited)\n1 edit made in 1 file\n"
	if code != ExitOK || stdout != want {
		t.Errorf("R9: exit %d\n%s%s\nwant\n%s", code, stdout, stderr, want)
	}
}

// A values file of one environment has the tag only; the name is in the defaults, outside the paths.
func TestFieldTagsOfOneEnvironment(t *testing.T) {
	files := map[string]string{
		"web/Chart.yaml":       "name: web\n",
		"web/values.yaml":      "image: {repository: ghcr.io/acme/web, tag: null}\n",
		"web/values-prod.yaml": "image: {tag: \"12\"}\n",
		"web/values-dev.yaml":  "image: {tag: \"13\"}\n",
		"other/huge.yaml":      "a: 1\n",
	}
	for _, path := range []string{"web/values-prod.yaml", "web/values-*.yaml", "web"} {
		dir := checkoutOf(t, files)
		code, stdout, stderr := command(t, "bump", "--dir", dir, "--image", "ghcr.io/acme/web=14", "--path", path)
		if code != ExitOK || read(t, dir+"/web/values-prod.yaml") != "image: {tag: \"14\"}\n" || read(t, dir+"/web/values.yaml") != files["web/values.yaml"] {
			t.Errorf("A6 %s: exit %d\n%s%s", path, code, stdout, stderr)
		}
		if dev := read(t, dir+"/web/values-dev.yaml"); (dev == files["web/values-dev.yaml"]) != (path == "web/values-prod.yaml") {
			t.Errorf("A6 %s: dev is %s", path, dev)
		}
	}
	hub := githubtest.New(t)
	repo := hub.AddRepo("acme/config", files, githubtest.RepoOptions{})
	runStep(t, hub, map[string]string{"images": "ghcr.io/acme/web=14", "paths": "web/values-prod.yaml", "pull-request": "false"}).mustSucceed(t)
	if repo.Read("main", "web/values-prod.yaml") != "image: {tag: \"14\"}\n" || repo.Read("main", "web/values-dev.yaml") != files["web/values-dev.yaml"] {
		t.Error("A6: the archive's defaults were not understood")
	}
	dir := checkoutOf(t, files)
	code, stdout, stderr := command(t, "promote", "--dir", dir, "--from", "web/values-dev.yaml", "--to", "web/values-prod.yaml")
	if code != ExitOK || read(t, dir+"/web/values-prod.yaml") != "image: {tag: \"13\"}\n" {
		t.Errorf("M8: exit %d\n%s%s", code, stdout, stderr)
	}
	files[".gitops/holds.yaml"] = "apiVersion: kubectl-gitops.dev/v1alpha1\nkind: Holds\nholds:\n- {image: ghcr.io/acme/web, tag: \"14\", path: web/values-prod.yaml}\n"
	dir = checkoutOf(t, files)
	code, stdout, stderr = command(t, "bump", "--dir", dir, "--image", "ghcr.io/acme/web=14")
	if code != ExitOK || read(t, dir+"/web/values-prod.yaml") != files["web/values-prod.yaml"] || read(t, dir+"/web/values-dev.yaml") != "image: {tag: \"14\"}\n" {
		t.Errorf("A6 held: exit %d\n%s%s", code, stdout, stderr)
	}
}
