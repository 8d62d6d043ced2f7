package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/kubectl-gitops/kubectl-gitops/action/internal/githubtest"
)

// promotionDoc is docs/promotion.md: its workflows by name, its commands, and the promotion.yaml of its example.
type promotionDoc struct {
	workflows map[string]string
	commands  []string
	promotion string
}

func readPromotionDoc(t *testing.T) promotionDoc {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "docs", "promotion.md"))
	if err != nil {
		t.Fatal(err)
	}
	doc := promotionDoc{workflows: map[string]string{}}
	for _, m := range regexp.MustCompile("(?ms)^```(\\w+)\n(.*?)^```$").FindAllStringSubmatch(string(data), -1) {
		var w struct{ Name, Kind string }
		switch {
		case m[1] == "sh":
			doc.commands = append(doc.commands, strings.Split(strings.TrimSpace(m[2]), "\n")...)
		case yaml.Unmarshal([]byte(m[2]), &w) != nil:
			t.Errorf("this is no YAML:\n%s", m[2])
		case w.Kind == "Promotion":
			doc.promotion = m[2]
		case w.Name != "":
			doc.workflows[w.Name] = m[2]
		}
	}
	for _, name := range []string{"promote", "review", "rollback"} {
		if doc.workflows[name] == "" {
			t.Fatalf("docs/promotion.md has no workflow %q", name)
		}
	}
	return doc
}

const (
	stagingOf = "resources: [api.yaml]\nimages:\n- name: ghcr.io/acme/api\n  newTag: %s\n"
	valuesOf  = "replicaCount: 3\nimage:\n  repository: ghcr.io/acme/api\n  tag: %q # kept\n"
	configMap = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: api}\ndata: {a: \"%s\"}\n"
)

// shop is the config repository of the page, whose window is open at any time of the test.
func shop(t *testing.T, doc promotionDoc) (*githubtest.Server, *githubtest.Repo) {
	t.Helper()
	window := regexp.MustCompile(`(?m)^    window: .*\n`)
	if !window.MatchString(doc.promotion) {
		t.Fatal("the example has no window any more")
	}
	hub := githubtest.New(t)
	return hub, hub.AddRepo("acme/app", map[string]string{ // act runs in a checkout that is called so
		"promotion.yaml":                      window.ReplaceAllString(doc.promotion, ""),
		"clusters/staging/kustomization.yaml": fmt.Sprintf(stagingOf, "1.8.1"),
		"clusters/staging/api.yaml":           fmt.Sprintf(configMap, "1"),
		"clusters/prod/values.yaml":           fmt.Sprintf(valuesOf, "1.8.1"),
		"clusters/prod/Chart.yaml":            "apiVersion: v2\nname: shop\nversion: 1.0.0\n",
		"clusters/prod/templates/api.yaml":    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: api}\ndata: {image: \"{{ .Values.image.repository }}:{{ .Values.image.tag }}\"}\n",
	}, githubtest.RepoOptions{AutoMerge: true})
}

func TestWorkflowsOfPromotionAreValid(t *testing.T) {
	for name, text := range readPromotionDoc(t).workflows {
		if problems := lint(t, text); len(problems) > 0 {
			t.Errorf("%s: %s", name, strings.Join(problems, "\n"))
		}
	}
}

// TestADayWithIt runs the workflows of docs/promotion.md one after the other, as the page tells it.
func TestADayWithIt(t *testing.T) {
	doc, bin := readPromotionDoc(t), actBinary(t)
	hub, repo := shop(t, doc)
	promote := workspace(t, runnable(t, doc.workflows["promote"]))
	c := repo.Push("main", "Bump api 1.9.0", map[string]string{"clusters/staging/kustomization.yaml": fmt.Sprintf(stagingOf, "1.9.0")})

	log, ok := act(t, bin, promote, "schedule", `{}`, hub)
	if !ok || len(repo.Open()) != 0 || !strings.Contains(log, "prod waits: status gitops/gitops-system/staging") {
		t.Fatalf("%d pull requests\n%s", len(repo.Open()), log)
	}
	repo.Report(githubtest.Report{SHA: c.SHA, Name: "gitops/gitops-system/staging", State: "success", At: time.Now().Add(-time.Hour)})
	log, ok = act(t, bin, promote, "schedule", `{}`, hub)
	if !ok || len(repo.Open()) != 1 {
		t.Fatalf("%d pull requests\n%s", len(repo.Open()), log)
	}
	p := repo.Open()[0]
	if p.AutoMerge != "SQUASH" || repo.Read(p.Head, "clusters/prod/values.yaml") != fmt.Sprintf(valuesOf, "1.9.0") || !strings.Contains(p.Body, "https://github.com/acme/api/compare/v1.8.1...v1.9.0") {
		t.Errorf("%+v\n%s", p, repo.Read(p.Head, "clusters/prod/values.yaml"))
	}
	repo.Squash(1)

	rollback := workspace(t, runnable(t, doc.workflows["rollback"]))
	log, ok = act(t, bin, rollback, "workflow_dispatch", `{"inputs":{"pull-request":"1","reason":"errors"}}`, hub)
	if !ok || len(repo.Open()) != 1 {
		t.Fatalf("%d pull requests\n%s", len(repo.Open()), log)
	}
	repo.Merge(2)
	if got := repo.Read("main", "clusters/prod/values.yaml"); got != fmt.Sprintf(valuesOf, "1.8.1") || !strings.Contains(repo.Read("main", ".gitops/holds.yaml"), `reason: "errors"`) {
		t.Errorf("prod:\n%s\n%s", got, repo.Read("main", ".gitops/holds.yaml"))
	}
	log, ok = act(t, bin, promote, "schedule", `{}`, hub)
	if !ok || len(repo.Open()) != 0 || !strings.Contains(log, "held: api 1.9.0 in clusters/prod") {
		t.Errorf("%d pull requests\n%s", len(repo.Open()), log)
	}
}

// withPlugin puts kubectl-gitops on PATH, as the workflow does with go install.
func withPlugin(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	run(t, filepath.Join("..", ".."), []string{"CGO_ENABLED=0"}, "go", "build", "-o", filepath.Join(dir, "kubectl-gitops"), "./cmd/kubectl-gitops")
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
}

// TestReviewOfPullRequests runs the review workflow with the real renderer, on a harmless change, on a hostile one and on
// one that breaks an app.
func TestReviewOfPullRequests(t *testing.T) {
	doc, bin := readPromotionDoc(t), actBinary(t)
	withPlugin(t)
	review := runnable(t, doc.workflows["review"])
	const install = "go install github.com/kubectl-gitops/kubectl-gitops/cmd/kubectl-gitops@latest"
	if !strings.Contains(review, install) {
		t.Fatal("the workflow installs the plugin in another way")
	}
	dir := workspace(t, strings.Replace(review, install, "kubectl-gitops version", 1))
	hub, repo := shop(t, doc)
	check := func(number int, branch string) (string, bool) {
		payload := fmt.Sprintf(`{"action":"opened","number":%d,"pull_request":{"number":%d,"head":{"ref":%q,"sha":%q,"repo":{"full_name":"acme/app"}},"base":{"ref":"main","sha":%q,"repo":{"full_name":"acme/app"}}}}`,
			number, number, branch, repo.Head(branch).SHA, repo.Head("main").SHA)
		return act(t, bin, dir, "pull_request", payload, hub)
	}
	hostile := "</code></details><script>alert(1)</script> @acme/admins ![x](http://evil.example/x.png) -->"
	repo.Push("hostile", "Change a value", map[string]string{"clusters/staging/api.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: api}\ndata:\n  a: '" + hostile + "'\n  b: |\n    ```\n    ````\n    " + hostile + "\n"})
	repo.OpenPull("hostile", "Change a value")
	log, ok := check(1, "hostile")
	if comments := repo.Pulls()[0].Comments; !ok || len(comments) != 1 || !strings.HasPrefix(comments[0], "<!-- gitops-action: preview -->\n") || !strings.Contains(comments[0], "**Image-only change: no**") {
		t.Fatalf("comments %q\n%s", comments, log)
	}
	for _, line := range outsideFences(repo.Pulls()[0].Comments[0]) {
		for _, bad := range []string{"<script", "@acme", "](http"} {
			if strings.Contains(line, bad) {
				t.Errorf("%q is active in %q", bad, line)
			}
		}
	}
	log, ok = check(1, "hostile")
	if !ok || len(repo.Pulls()[0].Comments) != 1 || !strings.Contains(log, "the preview of #1 is up to date") {
		t.Errorf("it is not left as it is:\n%s", log)
	}

	repo.Push("broken", "Break it", map[string]string{
		"clusters/staging/kustomization.yaml": "resources: [none.yaml]\n",
		"clusters/prod/secret.yaml":           "apiVersion: v1\nkind: Secret\nmetadata: {name: db}\nstringData: {password: hunter2}\n",
	})
	repo.OpenPull("broken", "Break it")
	log, ok = check(2, "broken")
	if ok || !strings.Contains(log, "clusters/prod/secret.yaml:4") || strings.Contains(log, "hunter2") || !strings.Contains(log, "(render)") {
		t.Errorf("success %v\n%s", ok, log)
	}
}

// outsideFences are the lines of a comment that GitHub reads as Markdown.
func outsideFences(text string) []string {
	var out []string
	fence := ""
	for line := range strings.Lines(text) {
		trimmed := strings.TrimSpace(line)
		run := trimmed[:len(trimmed)-len(strings.TrimLeft(trimmed, "`"))]
		switch {
		case fence == "" && len(run) >= 3:
			fence = run
		case fence != "" && len(run) >= len(fence) && run == trimmed:
			fence = ""
		case fence == "":
			out = append(out, line)
		}
	}
	return out
}

// TestCommandsOfPromotion executes the commands of the page in a checkout.
func TestCommandsOfPromotion(t *testing.T) {
	doc := readPromotionDoc(t)
	dir := t.TempDir()
	bin := filepath.Join(dir, "bin")
	run(t, filepath.Join("..", ".."), nil, "go", "build", "-o", filepath.Join(bin, "gitops-action"), "./cmd/gitops-action")
	_, repo := shop(t, doc)
	repo.Push("main", "Bump api 1.9.0", map[string]string{"clusters/staging/kustomization.yaml": fmt.Sprintf(stagingOf, "1.9.0")})
	for name, f := range repo.Files("main") {
		write(t, filepath.Join(dir, "config", name), f.Data)
	}
	wants := map[string]string{"promote": "1 edit would be made", "check": "0 problems"}
	for _, command := range doc.commands {
		cmd := exec.CommandContext(t.Context(), "sh", "-c", command)
		cmd.Dir, cmd.Env = filepath.Join(dir, "config"), []string{"PATH=" + bin + string(os.PathListSeparator) + "/usr/bin:/bin"}
		out, err := cmd.CombinedOutput()
		word := strings.Fields(command)[1]
		if (err != nil) != strings.HasSuffix(command, "--check") || !strings.Contains(string(out), wants[word]) || wants[word] == "" {
			t.Errorf("%s: %v\n%s", command, err, out)
		}
	}
	if len(doc.commands) != len(wants) {
		t.Errorf("the page has %d commands", len(doc.commands))
	}
}
