package action

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/kubectl-gitops/kubectl-gitops/action/internal/githubtest"
	"github.com/kubectl-gitops/kubectl-gitops/action/internal/promotion"
)

const stagingFile = "clusters/staging/kustomization.yaml"

const prodValues = `# prod
replicaCount: 6
host: shop.example.com
image:
  repository: ghcr.io/acme/api
  tag: "1.8.1" # set by CI
worker: {image: "ghcr.io/acme/worker:2.0.0"}
features:
  checkout: old
`

const chain = `apiVersion: kubectl-gitops.dev/v1alpha1
kind: Promotion
environments:
- {name: dev, path: clusters/dev}
- {name: staging, path: clusters/staging}
- {name: prod, path: clusters/prod}
`

// stages is a GitHub with a config repository of two environments, in different formats.
func stages(t testing.TB, more map[string]string) (*githubtest.Server, *githubtest.Repo) {
	t.Helper()
	hub := githubtest.New(t)
	files := map[string]string{
		stagingFile:                    "resources: [../../base]\nreplicas: [{name: api, count: 1}]\nimages:\n- name: ghcr.io/acme/api\n  newTag: 1.8.1\n- name: worker\n  newName: ghcr.io/acme/worker\n  newTag: 2.0.0\n",
		"clusters/staging/values.yaml": "host: staging.example.com\nfeatures:\n  checkout: new\n",
		"clusters/prod/values.yaml":    prodValues,
	}
	for name, data := range more {
		files[name] = data
	}
	return hub, hub.AddRepo("acme/config", files, githubtest.RepoOptions{AutoMerge: true})
}

func stagingRuns(api, worker string) map[string]string {
	return map[string]string{stagingFile: "resources: [../../base]\nreplicas: [{name: api, count: 1}]\nimages:\n- name: ghcr.io/acme/api\n  newTag: " + api + "\n- name: worker\n  newName: ghcr.io/acme/worker\n  newTag: " + worker + "\n"}
}

func promoting(more ...string) map[string]string {
	inputs := map[string]string{"operation": "promote", "from": "clusters/staging", "to": "clusters/prod"}
	for i := 0; i+1 < len(more); i += 2 {
		inputs[more[i]] = more[i+1]
	}
	return inputs
}

func TestPromoteCopiesImagesAcrossFormatsAndNothingElse(t *testing.T) {
	hub, repo := stages(t, nil)
	repo.Push("main", "Bump api to 1.8.2", stagingRuns("1.8.2", "2.0.0"))
	repo.Push("main", "Bump api to 1.9.0 and @worker", stagingRuns("1.9.0", "2.1.0"))
	got := runStep(t, hub, promoting()).mustSucceed(t)
	got.want(t, map[string]string{"pr-operation": "created", "changed": "true"})
	p := repo.Open()[0]
	want := strings.NewReplacer(`"1.8.1"`, `"1.9.0"`, "worker:2.0.0", "worker:2.1.0").Replace(prodValues)
	if file := repo.Read(p.Head, "clusters/prod/values.yaml"); file != want {
		t.Errorf("file:\n%s\nwant:\n%s", file, want)
	}
	if p.Title != "Promote to clusters/prod: api 1.8.1 → 1.9.0, worker 2.0.0 → 2.1.0" {
		t.Errorf("title %q", p.Title)
	}
	for _, part := range []string{"Commits that brought these versions to `clusters/staging`", "Bump api to 1.8.2 (Ada, ", "`api 1.9.0, worker 2.1.0`", "| `host`, `clusters/prod/values.yaml:3` | `shop.example.com` | `staging.example.com` |", "`features.checkout`"} {
		if !strings.Contains(p.Body, part) {
			t.Errorf("%q is not in the body:\n%s", part, p.Body)
		}
	}
	if strings.Contains(p.Body, "@worker") {
		t.Errorf("the body mentions somebody:\n%s", p.Body)
	}

	// Once more there is nothing to write; a newer version rolls the same pull request forward.
	hub.ResetRequests()
	runStep(t, hub, promoting()).mustSucceed(t).want(t, map[string]string{"pr-operation": "unchanged", "changed": "false"})
	if w := hub.Writes(); len(w) > 0 {
		t.Errorf("it wrote %v", w)
	}
	repo.Push("main", "Bump api to 1.9.1", stagingRuns("1.9.1", "2.1.0"))
	runStep(t, hub, promoting()).mustSucceed(t).want(t, map[string]string{"pr-operation": "updated", "pr-number": "1"})
	if p = repo.Open()[0]; !strings.Contains(p.Title, "api 1.8.1 → 1.9.1") {
		t.Errorf("title %q", p.Title)
	}

	// Merged, there is nothing left to promote.
	repo.Merge(1)
	runStep(t, hub, promoting()).mustSucceed(t).want(t, map[string]string{"changed": "false", "pr-operation": "none"})
}

func TestPromoteTheWholeChainOneStageAtATime(t *testing.T) {
	hub, repo := stages(t, map[string]string{promotion.FilePath: chain, "clusters/dev/app.yaml": "image: ghcr.io/acme/api:1.9.0\n"})
	got := runStep(t, hub, map[string]string{"operation": "promote", "pull-request": "false"}).mustSucceed(t)
	if file := repo.Read("main", stagingFile); !strings.Contains(file, "newTag: 1.9.0") {
		t.Errorf("staging:\n%s", file)
	}
	if file := repo.Read("main", "clusters/prod/values.yaml"); file != prodValues {
		t.Errorf("prod got it in the same run:\n%s", file)
	}
	var results []resultJSON
	if err := json.Unmarshal([]byte(got.outputs["results"]), &results); err != nil || len(results) != 2 {
		t.Fatalf("%v: %s", err, got.outputs["results"])
	}
	if results[0].Target != "prod" || results[0].Changed || results[1].Target != "staging" || !results[1].Changed || got.outputs["changed"] != "true" {
		t.Errorf("results %+v", results)
	}
	runStep(t, hub, map[string]string{"operation": "promote", "to": "prod"}).mustSucceed(t).want(t, map[string]string{"pr-operation": "created"})
}

func TestPromoteLeavesWhatItShouldNotTouch(t *testing.T) {
	two := "containers:\n- image: ghcr.io/acme/side:1.0\n- image: ghcr.io/acme/side:2.0\n- image: ghcr.io/acme/only-here:1\n"
	hub, repo := stages(t, map[string]string{"clusters/staging/more.yaml": two, "clusters/prod/more.yaml": "containers:\n- image: ghcr.io/acme/side:0.9\n- image: ghcr.io/acme/prod-only:3\n"})
	repo.Push("main", "older", stagingRuns("1.7.0", "2.1.0"))
	got := runStep(t, hub, promoting()).mustSucceed(t)
	for _, want := range []string{"it has two versions in clusters/staging", "not in clusters/prod", "no version in clusters/staging", "1.7.0 is older than 1.8.1"} {
		if !strings.Contains(got.stdout, want) {
			t.Errorf("%q is not told:\n%s", want, got.stdout)
		}
	}
	got.want(t, map[string]string{"images": `[{"name":"ghcr.io/acme/worker","from":["ghcr.io/acme/worker:2.0.0"],"to":"ghcr.io/acme/worker:2.1.0"}]`})
	runStep(t, hub, promoting("allow-downgrade", "true", "images", "ghcr.io/acme/api", "pull-request", "false")).mustSucceed(t)
	if file := repo.Read("main", "clusters/prod/values.yaml"); file != strings.Replace(prodValues, "1.8.1", "1.7.0", 1) {
		t.Errorf("file:\n%s", file)
	}
}

func TestPromoteAlso(t *testing.T) {
	hub, repo := stages(t, nil)
	runStep(t, hub, promoting("also", "values.yaml:features.checkout")).mustSucceed(t)
	if file := repo.Read(repo.Open()[0].Head, "clusters/prod/values.yaml"); file != strings.Replace(prodValues, "checkout: old", "checkout: new", 1) {
		t.Errorf("file:\n%s", file)
	}
}

func TestPromoteLinksTheApplication(t *testing.T) {
	mapping := chain + "sources:\n- {image: ghcr.io/acme/api, repository: https://github.com/acme/api.git, tag: \"v{tag}\"}\n"
	hub, repo := stages(t, map[string]string{promotion.FilePath: mapping})
	repo.Push("main", "bump", stagingRuns("1.9.0", "2.0.0"))
	runStep(t, hub, promoting()).mustSucceed(t)
	if want := "(https://github.com/acme/api/compare/v1.8.1...v1.9.0)"; !strings.Contains(repo.Open()[0].Body, want) {
		t.Errorf("no %s in:\n%s", want, repo.Open()[0].Body)
	}
}

func TestPromoteWhileABumpLands(t *testing.T) {
	hub, repo := stages(t, nil)
	repo.Push("main", "bump", stagingRuns("1.9.0", "2.0.0"))
	hub.Before = raceAt(hub, "PATCH", "/git/refs/", func() {
		repo.Push("main", "a bump of prod", map[string]string{"clusters/prod/values.yaml": strings.Replace(prodValues, "worker:2.0.0", "worker:2.0.1", 1)})
		repo.Push("main", "a bump of staging", stagingRuns("1.9.1", "2.0.0"))
	})
	runStep(t, hub, promoting("pull-request", "false")).mustSucceed(t)
	want := strings.NewReplacer("worker:2.0.0", "worker:2.0.1", `"1.8.1"`, `"1.9.1"`).Replace(prodValues)
	if file := repo.Read("main", "clusters/prod/values.yaml"); file != want {
		t.Errorf("file:\n%s\nwant:\n%s", file, want)
	}
}

func TestTwoPromotionsAtOnceAreOnePullRequest(t *testing.T) {
	hub, repo := stages(t, nil)
	repo.Push("main", "bump", stagingRuns("1.9.0", "2.0.0"))
	together(t, hub, func(int) map[string]string { return promoting() })
	if n := len(repo.Pulls()); n != 1 {
		t.Errorf("%d pull requests", n)
	}
}

func TestPromoteInACheckout(t *testing.T) {
	dir := checkoutOf(t, map[string]string{promotion.FilePath: chain, "clusters/dev/a.yaml": "a: 1\n", "clusters/prod/values.yaml": prodValues, stagingFile: stagingRuns("1.9.0", "2.0.0")[stagingFile]})
	code, out, errs := command(t, "promote", "--dir", dir, "--to", "prod", "--check")
	if code != ExitFailed || !strings.Contains(out, "1 edit would be made") || read(t, dir+"/clusters/prod/values.yaml") != prodValues {
		t.Errorf("exit %d\n%s%s", code, out, errs)
	}
	code, out, errs = command(t, "promote", "--dir", dir, "--from", "staging", "--to", "prod", "-o", "json")
	if code != ExitOK || !json.Valid([]byte(out)) || !strings.Contains(read(t, dir+"/clusters/prod/values.yaml"), `tag: "1.9.0" # set by CI`) {
		t.Errorf("exit %d\n%s%s", code, out, errs)
	}
	if code, _, errs = command(t, "promote", "--dir", dir, "--from", "qa", "--to", "prod"); code != ExitFailed || !strings.Contains(errs, "environments of promotion.yaml: dev, staging, prod") {
		t.Errorf("exit %d\n%s", code, errs)
	}
}

// TestHostileCommitsDoNotReachTheReviewer: messages, names and values come from people who may only write to staging.
func TestHostileCommitsDoNotReachTheReviewer(t *testing.T) {
	hub, repo := stages(t, nil)
	files := stagingRuns("1.9.0", "2.0.0")
	files["clusters/staging/values.yaml"] = "host: '<img src=x> @acme/admins | ](http://evil.example) -->'\nfeatures:\n  checkout: new\n"
	repo.Push("main", "Bump </details><script>alert(1)</script> @acme/admins [x](http://evil.example) #1 -->\n\nbody", files)
	got := runStep(t, hub, promoting()).mustSucceed(t)
	body, _, _ := strings.Cut(repo.Open()[0].Body, markerStart)
	for _, bad := range []string{"<script", "<img", "@acme", "](http://evil"} {
		if strings.Contains(body, bad) || strings.Contains(got.summary, bad) {
			t.Errorf("%q is active in:\n%s\n%s", bad, body, got.summary)
		}
	}
}

// TestSecretsAreNotListed: a difference in a Secret is named without its values.
func TestSecretsAreNotListed(t *testing.T) {
	hub, repo := stages(t, map[string]string{
		"clusters/staging/secret.yaml": "apiVersion: v1\nkind: Secret\nmetadata: {name: db}\nstringData: {password: hunter2}\n",
		"clusters/prod/secret.yaml":    "apiVersion: v1\nkind: Secret\nmetadata: {name: db}\nstringData: {password: swordfish}\n",
	})
	repo.Push("main", "bump", stagingRuns("1.9.0", "2.0.0"))
	got := runStep(t, hub, promoting()).mustSucceed(t)
	all := got.stdout + got.summary + got.outFile + repo.Open()[0].Body
	if !strings.Contains(all, "stringData.password") || strings.Contains(all, "hunter2") || strings.Contains(all, "swordfish") {
		t.Errorf("%s", all)
	}
}

// TestOneTargetThatFailsDoesNotStopTheOthers: prod is pinned by digest and cannot take a tag, staging can.
func TestOneTargetThatFailsDoesNotStopTheOthers(t *testing.T) {
	pinned := "image: ghcr.io/acme/api:1.8.0@sha256:" + strings.Repeat("a", 64) + "\n"
	hub, repo := stages(t, map[string]string{promotion.FilePath: chain, "clusters/dev/app.yaml": "image: ghcr.io/acme/api:1.9.0\n", "clusters/prod/values.yaml": pinned})
	got := runStep(t, hub, map[string]string{"operation": "promote"})
	if got.code != ExitFailed || !strings.Contains(got.stderr, "is pinned to") || len(repo.Open()) != 1 || !strings.Contains(repo.Open()[0].Title, "Promote to staging") {
		t.Errorf("exit %d, %d pull requests\n%s%s", got.code, len(repo.Open()), got.stdout, got.stderr)
	}
	got.want(t, map[string]string{"changed": "true", "pr-number": "1"})
}

// TestAHeldPromotionIsClosedWithItsReason.
func TestAHeldPromotionIsClosedWithItsReason(t *testing.T) {
	hub, repo := stages(t, nil)
	repo.Push("main", "bump", stagingRuns("1.9.0", "2.0.0"))
	runStep(t, hub, promoting()).mustSucceed(t)
	file, err := promotion.EditHolds(nil, func(promotion.Hold) bool { return false }, []promotion.Hold{{Image: "ghcr.io/acme/api", Tag: "1.9.0", Path: "clusters/prod", Reason: "slow"}})
	if err != nil {
		t.Fatal(err)
	}
	repo.Push("main", "hold", map[string]string{promotion.HoldsPath: string(file)})
	runStep(t, hub, promoting()).mustSucceed(t).want(t, map[string]string{"pr-operation": "closed"})
	if p := repo.Pulls()[0]; p.State != "closed" || len(p.Comments) != 1 || !strings.Contains(p.Comments[0], "held: api 1.9.0") {
		t.Errorf("%+v", p)
	}
}

// TestPromoteTakesWhatTheKustomizationSays: the tag in the manifest is replaced by it, so it is not what runs.
func TestPromoteTakesWhatTheKustomizationSays(t *testing.T) {
	hub, repo := stages(t, map[string]string{"clusters/staging/api.yaml": "spec: {containers: [{image: \"ghcr.io/acme/api:dev\"}]}\n"})
	repo.Push("main", "bump", stagingRuns("1.9.0", "2.0.0"))
	runStep(t, hub, promoting("pull-request", "false")).mustSucceed(t)
	if file := repo.Read("main", "clusters/prod/values.yaml"); file != strings.Replace(prodValues, "1.8.1", "1.9.0", 1) {
		t.Errorf("file:\n%s", file)
	}
}
