package action

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kubectl-gitops/kubectl-gitops/action/internal/githubtest"
)

const (
	deployment = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: shop}\nspec:\n  template:\n    spec:\n      containers:\n      - name: web\n        image: %s\n"
	secret     = "apiVersion: v1\nkind: Secret\nmetadata: {name: db}\nstringData:\n  password: hunter2\n"
)

// wrongs is a repository with one of everything that a check looks for.
func wrongs() map[string]string {
	return map[string]string{
		"apps/web/deployment.yaml":     fmt.Sprintf(deployment, "nginx:latest"),
		"apps/web/again.yaml":          fmt.Sprintf(deployment, "ghcr.io/acme/web"),
		"apps/db/secret.yaml":          secret,
		"apps/web/main.go":             "package main\n",
		"apps/web/Dockerfile":          "FROM scratch\n",
		"promotion.yaml":               "kind: Promotion\n",
		"base/deployment.yaml":         fmt.Sprintf(deployment, "ghcr.io/acme/api"), // a kustomization sets the tag
		"prod/kustomization.yaml":      "resources: [../base]\nimages: [{name: ghcr.io/acme/api, newTag: 1.8.1}]\n",
		"prod/patch.yaml":              fmt.Sprintf(deployment, "ghcr.io/acme/api:1.0.0"),
		"prod/patch2.yaml":             fmt.Sprintf(deployment, "ghcr.io/acme/api:1.0.0"),
		"chart/templates/web.yaml":     "{{ if .Values.x }}\nimage: {{ .Values.image }}\n{{ end }}\n",
		".github/workflows/deploy.yml": "on: push\n",
		"scripts/go.sh":                "go run x.go\n",
	}
}

func rules(list []Finding) string {
	var b strings.Builder
	for _, f := range list {
		fmt.Fprintf(&b, "%s:%d %s\n", f.File, f.Line, f.Rule)
	}
	return b.String()
}

const allWrong = `apps/db/secret.yaml:5 secret
apps/web/Dockerfile:1 source-code
apps/web/again.yaml:9 floating-tag
apps/web/deployment.yaml:1 duplicate
apps/web/deployment.yaml:9 floating-tag
apps/web/main.go:1 source-code
promotion.yaml:1 unreadable
promotion.yaml:1 unreadable
`

func TestCheckFindsWhatShouldNotBeThere(t *testing.T) {
	t.Setenv("PATH", "")
	dir := checkoutOf(t, wrongs())
	code, out, errs := command(t, "check", "--dir", dir, "-o", "json")
	var got struct{ Findings []Finding }
	if err := json.Unmarshal([]byte(out), &got); err != nil || code != ExitFailed {
		t.Fatalf("exit %d, %v\n%s%s", code, err, out, errs)
	}
	if rules(got.Findings) != allWrong {
		t.Errorf("findings:\n%s\nwant:\n%s", rules(got.Findings), allWrong)
	}
	if strings.Contains(out, "hunter2") {
		t.Error("the secret is in the output")
	}
	if !strings.Contains(errs, "apps were not rendered") {
		t.Errorf("it does not say that nothing was rendered:\n%s", errs)
	}
	code, out, _ = command(t, "check", "--dir", dir, "--ignore", "apps/web/*.go", "--ignore", "apps/web/Dockerfile", "--ignore", "apps/db", "--ignore", "promotion.yaml", "--ignore", "apps/web/again.yaml", "--floating-tags", "warning")
	if code != ExitOK || !strings.Contains(out, "latest can change at any time") {
		t.Errorf("exit %d\n%s", code, out)
	}
}

func TestCheckOfAPullRequestCountsOnlyWhatItAdds(t *testing.T) {
	t.Setenv("PATH", "")
	hub := githubtest.New(t)
	repo := hub.AddRepo("acme/config", wrongs(), githubtest.RepoOptions{})
	fork := repo.Push("feature", "more", map[string]string{"apps/db/deployment.yaml": "# moved\n" + fmt.Sprintf(deployment, "nginx:latest"), "apps/web/deployment.yaml": "# down one line\n" + fmt.Sprintf(deployment, "nginx:latest")})
	repo.OpenPull("feature", "more")
	repo.Push("main", "main moves on", map[string]string{"apps/db/secret.yaml": secret + "  other: hunter3\n"})
	got := runStep(t, hub, map[string]string{"operation": "check", "pull-request-number": "1"})
	var found []Finding
	if err := json.Unmarshal([]byte(got.outputs["findings"]), &found); err != nil || got.code != ExitFailed {
		t.Fatalf("exit %d %v\n%s%s", got.code, err, got.stdout, got.stderr)
	}
	if rules(found) != "apps/db/deployment.yaml:10 floating-tag\n" {
		t.Errorf("findings:\n%s", rules(found))
	}
	if !strings.Contains(got.stdout, "::error file=apps/db/deployment.yaml,line=10,title=gitops-action floating-tag::") || !strings.Contains(got.stderr, "error: check: 1 problem") {
		t.Errorf("log:\n%s%s", got.stdout, got.stderr)
	}
	// On a pull request from a fork the token may only read, and that is enough.
	hub.SetToken("reader", githubtest.Permissions{Contents: "read", PullRequests: "read"})
	got = runStepIn(t, hub, map[string]string{"operation": "check", "token": "reader", "floating-tags": "off"}, pullEvent(t, 1, repo.Head("main").SHA, fork.SHA, "eve/config")).mustSucceed(t)
	if len(hub.Writes()) > 0 || !strings.Contains(got.stdout, "no problems found") {
		t.Errorf("writes %v\n%s", hub.Writes(), got.stdout)
	}
	if got = runStep(t, hub, map[string]string{"operation": "check", "paths": "apps/db"}); got.code != ExitFailed || !strings.Contains(got.stdout, "main has 1 problem") {
		t.Errorf("exit %d\n%s", got.code, got.stdout)
	}
}

// pullEvent is the environment of a run on: pull_request.
func pullEvent(t *testing.T, number int, base, head, from string) map[string]string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "event.json")
	text := fmt.Sprintf(`{"number":%d,"pull_request":{"head":{"sha":%q,"repo":{"full_name":%q}},"base":{"sha":%q,"repo":{"full_name":"acme/config"}}}}`, number, head, from, base)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return map[string]string{"GITHUB_EVENT_NAME": "pull_request", "GITHUB_EVENT_PATH": file}
}

// renderer is a program in the place of kubectl-gitops: the real one is run by action/e2e.
func renderer(t *testing.T, script string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "kubectl-gitops")
	if err := os.WriteFile(file, []byte("#!/bin/sh\n"+script), 0o700); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestPreviewKeepsOneComment(t *testing.T) {
	program := renderer(t, `printf '### 1 changed\n\n**Image-only change: yes**\n\n'; env; cat "$3"/x.yaml "$5"/x.yaml; ls "$5"`)
	hub := githubtest.New(t)
	repo := hub.AddRepo("acme/config", map[string]string{"x.yaml": "a: 1\n", "run.sh": "#!/bin/sh\n"}, githubtest.RepoOptions{})
	repo.Push("feature", "change", map[string]string{"x.yaml": "a: 2\n"})
	repo.OpenPull("feature", "change")
	repo.Edit(1, func(p *githubtest.Pull) { p.ForeignComments = []string{previewMarker + "of somebody else"} })
	inputs := map[string]string{"operation": "preview", "kubectl-gitops-path": program}
	event := func() map[string]string {
		return pullEvent(t, 1, repo.Head("main").SHA, repo.Head("feature").SHA, "acme/config")
	}
	got := runStepIn(t, hub, inputs, event()).mustSucceed(t)
	got.want(t, map[string]string{"pr-operation": "created", "changed": "true", "image-only": "true", "pr-number": "1"})
	comments := repo.Pulls()[0].Comments
	if len(comments) != 1 || !strings.HasPrefix(comments[0], previewMarker) || !strings.Contains(comments[0], "a: 1\na: 2") || !strings.Contains(got.summary, "Image-only") {
		t.Fatalf("comments %q", comments)
	}
	if strings.Contains(comments[0]+got.summary, githubtest.Token) || strings.Contains(comments[0], "INPUT_") || strings.Contains(comments[0], "GITHUB_") {
		t.Errorf("the program saw the environment of the step:\n%s", comments[0])
	}
	inputs["kubectl-gitops-path"] = renderer(t, `printf '### the same\n'`)
	runStepIn(t, hub, inputs, event()).mustSucceed(t).want(t, map[string]string{"pr-operation": "updated"})
	hub.ResetRequests()
	runStepIn(t, hub, inputs, event()).mustSucceed(t).want(t, map[string]string{"pr-operation": "unchanged", "changed": "false"})
	if w := hub.Writes(); len(w) > 0 || len(repo.Pulls()[0].Comments) != 1 {
		t.Errorf("writes %v", w)
	}
	// A run for a commit that is not the newest leaves the comment alone.
	old := event()
	repo.Push("feature", "change", map[string]string{"x.yaml": "a: 3\n"})
	got = runStepIn(t, hub, map[string]string{"operation": "preview", "kubectl-gitops-path": program}, old).mustSucceed(t)
	if !strings.Contains(got.stdout, "newer commit") || repo.Pulls()[0].Comments[0] != previewMarker+"### the same\n" {
		t.Errorf("%q\n%s", repo.Pulls()[0].Comments, got.stdout)
	}
	// A fork's token may only read.
	got = runStepIn(t, hub, inputs, pullEvent(t, 1, repo.Head("main").SHA, repo.Head("feature").SHA, "eve/config")).mustSucceed(t)
	if !strings.Contains(got.stdout, "in the summary only") || !strings.Contains(got.summary, "### the same") {
		t.Errorf("%s\n%s", got.stdout, got.summary)
	}
	hub.SetToken("reader", githubtest.Permissions{Contents: "read", PullRequests: "read"})
	inputs["token"], inputs["kubectl-gitops-path"] = "reader", program
	got = runStepIn(t, hub, inputs, event()).mustSucceed(t)
	if !strings.Contains(got.stdout, "the token lacks pull-requests: write") {
		t.Errorf("%s", got.stdout)
	}
}

func TestPreviewOfMuchIsCut(t *testing.T) {
	program := renderer(t, `case "$*" in *max-bytes" "9*) head -c 200000 /dev/zero | tr '\0' x ;; *) echo short ;; esac`)
	hub := githubtest.New(t)
	repo := hub.AddRepo("acme/config", map[string]string{"x.yaml": "a: 1\n"}, githubtest.RepoOptions{})
	repo.Push("feature", "change", map[string]string{"x.yaml": "a: 2\n"})
	repo.OpenPull("feature", "change")
	got := runStep(t, hub, map[string]string{"operation": "preview", "kubectl-gitops-path": program, "pull-request-number": "1"}).mustSucceed(t)
	if c := repo.Pulls()[0].Comments[0]; !strings.Contains(c, "short\n\nThe whole preview is in the summary") || len(got.summary) < 200000 {
		t.Errorf("comment %q, summary of %d", c, len(got.summary))
	}
}

func TestBadPreviews(t *testing.T) {
	t.Setenv("PATH", "/usr/bin:/bin")
	ok := map[string]string{"operation": "preview", "pull-request-number": "1"}
	with := func(more ...string) map[string]string {
		out := map[string]string{}
		for k, v := range ok {
			out[k] = v
		}
		for i := 0; i+1 < len(more); i += 2 {
			out[more[i]] = more[i+1]
		}
		return out
	}
	cases := []badInput{
		{"no program", ok, "kubectl-gitops is not on this runner"},
		{"a program that is none", with("kubectl-gitops-path", "/etc/passwd"), "is not an executable file"},
		{"a program that fails", with("kubectl-gitops-path", renderer(t, "echo 'error: gitops.yaml:3: unknown key' >&2; exit 1")), "gitops.yaml:3: unknown key"},
		{"no pull request", with("pull-request-number", ""), "belongs to no pull request"},
		{"a pattern", with("paths", "clusters/*"), "preview takes directories, not patterns"},
		{"images", with("images", "a=1"), "preview changes nothing"},
		{"unknown pull request", with("pull-request-number", "7"), "Could not resolve to a PullRequest"},
		{"floating tags", map[string]string{"operation": "check", "floating-tags": "on"}, "use error, warning or off"},
		{"ignore outside", map[string]string{"operation": "check", "ignore": "../x"}, "outside the repository"},
		{"a number for bump", map[string]string{"images": "a=1", "pull-request-number": "1"}, "belongs to rollback, preview and check"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			hub, repo := stages(t, nil)
			repo.Push("feature", "change", map[string]string{"x.yaml": "a: 2\n"})
			repo.OpenPull("feature", "change")
			got := runStep(t, hub, c.inputs)
			if got.code != ExitFailed || !strings.Contains(got.stderr, c.want) || strings.Count(got.stderr, "error: ") < 1 {
				t.Errorf("exit %d, want %q in:\n%s%s", got.code, c.want, got.stderr, got.stdout)
			}
			if w := hub.Writes(); len(w) > 0 {
				t.Errorf("it wrote %v", w)
			}
		})
	}
}

// A patch is no object: a kustomization somewhere names it, or it says so itself.
func TestFieldDuplicates(t *testing.T) {
	t.Setenv("PATH", "")
	patch := func(body string) string {
		return "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: shop}\n" + body
	}
	two := func(kustomization string) map[string]string {
		return map[string]string{
			"web/a.yaml": patch("spec: {replicas: 1}\n"), "web/b.yaml": patch("spec: {replicas: 2}\n"), "overlays/prod/kustomization.yaml": kustomization,
		}
	}
	for name, c := range map[string]struct {
		files map[string]string
		args  []string
		want  string
	}{
		"A12 patches by path":          {two("patches:\n- path: ../../web/a.yaml\n- path: ../../web/b.yaml\n  target: {kind: Deployment}\n"), nil, ""},
		"A12 patchesStrategicMerge":    {two("patchesStrategicMerge: [../../web/a.yaml, ../../web/b.yaml]\n"), nil, ""},
		"A12 one is named":             {two("patches: [{path: ../../web/a.yaml}]\n"), nil, ""},
		"A12 none is named":            {two("patches: []\n"), nil, "web/b.yaml:1 duplicate\n"},
		"A12 resources of two":         {two("resources: [../../web/b.yaml]\n"), nil, ""},
		"A12 files of a generator":     {two("configMapGenerator: [{name: x, files: [a=../../web/a.yaml, ../../web/b.yaml]}]\n"), nil, ""},
		"A12 the kustomization is not": {two("patches: [{path: ../../web/a.yaml}, {path: ../../web/b.yaml}]\n"), []string{"--path", "web"}, ""},
		"A12 the name without suffix": {map[string]string{"p/a.yaml": patch(""), "p/b.yaml": patch(""), "o/Kustomization": "patches: [{path: ../p/a.yaml}, {path: ../p/b.yaml}]\n"},
			nil, ""},
		"A12 a directory of patches": {map[string]string{"clusters/x/patches/web/a.yaml": patch(""), "clusters/x/patches/web/b.yaml": patch("")}, nil, ""},
		"A12 a directive": {map[string]string{"p/a.yaml": patch("spec: {replicas: 1}\n"), "p/b.yaml": patch("spec:\n  template:\n    spec:\n      containers:\n      - name: x\n        $patch: delete\n"),
			"p/c.yaml": patch("spec: {$retainKeys: [strategy]}\n"), "p/d.yaml": patch("spec: {\"$setElementOrder/volumes\": []}\n")}, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, out, errs := command(t, append([]string{"check", "--dir", checkoutOf(t, c.files), "-o", "json"}, c.args...)...)
			var got struct{ Findings []Finding }
			if err := json.Unmarshal([]byte(out), &got); err != nil {
				t.Fatalf("%v\n%s%s", err, out, errs)
			}
			if rules(got.Findings) != c.want {
				t.Errorf("findings:\n%s\nwant:\n%s", rules(got.Findings), c.want)
			}
		})
	}
}

func TestFieldFileNames(t *testing.T) {
	for _, tt := range []struct {
		name, text, file string
		line             int
	}{
		{"M12 a space", "apps/my shop/all objects.yaml:3: v1/Secret/x: a Secret with plain data", "apps/my shop/all objects.yaml", 3},
		{"M12 an app before it", "cart: apps/a b.yaml:3: not a Kubernetes object", "apps/a b.yaml", 3},
		{"M12 quotes", "apps/it's \"one\".yaml:7: duplicate key", "apps/it's \"one\".yaml", 7},
		{"M12 unicode", "apps/größe.yml:1: a tab", "apps/größe.yml", 1},
		{"M12 a hash and a percent sign", "apps/50% #1.json:2: not valid JSON", "apps/50% #1.json", 2},
		{"M12 a control character", "\"apps/a\\x01.yaml\":4: a tab", "apps/a\x01.yaml", 4},
		{"M12 no line", "apps/a b.yaml: the file is a Git LFS pointer", "apps/a b.yaml", 0},
		{"M12 a template", "chart/templates/a b.tpl:5: nil pointer", "chart/templates/a b.tpl", 5},
		{"M12 in a sentence", "rendering failed at apps/a.yaml:5 for some reason", "apps/a.yaml", 5},
		{"M12 none", "the repository is too large", "fallback.yaml", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := findingOf("fallback.yaml", "render", tt.text)
			if f.File != tt.file || f.Line != tt.line {
				t.Errorf("%q line %d", f.File, f.Line)
			}
		})
	}
}
