package e2e

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/tools/clientcmd"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/e2e/githttp"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/e2e/kube"
)

// skippedCommands are those of the documentation that the walk below does not execute, each with its reason. An entry is
// a page and the beginning of a command; an empty beginning is the whole page.
var skippedCommands = []struct{ page, begins, reason string }{
	{"README.md", "make demo", "CI runs it: .ci/run"},
	{"README.md", "make build", "the binaries of the walk are built the same way"},
	{"README.md", "kind create", "the control plane of the test stands in for kind"},
	{"README.md", "git clone", "the walk has this checkout already"},
	{"docs/action.md", "", "its scripts and workflows are executed in action/e2e"},
	{"docs/promotion.md", "", "its workflows and commands are executed in action/e2e, TestADayWithIt and after; both halves together in testdata/script/promotion.txtar"},
	{"docs/benchmarks.md", "", "takes hours"},
	{"docs/air-gap.md", "", "its mirrors do not exist; testdata/script/air_gap.txtar has real ones"},
	{"docs/get-it.md", "version=", "downloads a release; the archive is installed in .ci/release, TestKrewInstallsTheSnapshot"},
	{"docs/get-it.md", "curl", "downloads a release; the manifest is installed in .ci/release, TestKrewInstallsTheSnapshot"},
	{"docs/get-it.md", "mv", "part of the same"},
	{"docs/get-it.md", "base=", "part of the same"},
	{"docs/get-it.md", "sha256sum", "part of the same; .ci/release checks checksums.txt with sha256sum"},
	{"docs/get-it.md", "tar", "part of the same"},
	{"docs/get-it.md", "install", "part of the same"},
	{"docs/get-it.md", "kubectl krew", "krew installs the archive in .ci/release, TestKrewInstallsTheSnapshot"},
	{"docs/get-it.md", "go install", "downloads a release"},
	{"docs/rendering.md", "", "executed in plugin, TestRenderingPage"},
	{"docs/verify.md", "", "needs a release, GitHub's and Sigstore's servers; .ci/release tests that builds are reproducible"},
	{"docs/trust.md", "", "needs keys and a signed commit; executed in testdata/script/trust.txtar"},
	{"docs/notify.md", "openssl", "for the receiver; the signature is checked in plugin/internal/notify"},
	{"docs/from-argo-cd.md", "", "executed in testdata/script/migrate_argocd.txtar"},
	{"docs/from-flux.md", "", "executed in testdata/script/migrate_flux.txtar"},
}

// mayFail are commands that the pages show failing: their exit status 1 is an answer.
var mayFail = regexp.MustCompile(`gitops diff|--check|nginx=1\.27`)

// pageCommand is one command of a page.
type pageCommand struct {
	page string
	line int
	text string
}

// TestDocumentation executes what the README and the pages of docs tell people to type, page by page, as one person who
// follows the page would: in one shell, with a config repository like the one of the demo.
func TestDocumentation(t *testing.T) {
	if testing.Short() {
		t.Skip("runs against a control plane")
	}
	cluster, err := kube.Start(t.Context(), kube.Options{Log: t.Output()}) // of its own: pages use the default namespaces
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Stop)
	build := exec.Command("go", "build", "-C", "../..", "-o", shared.bin+"/", "./cmd/gitops-action")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build gitops-action: %v\n%s", err, out)
	}
	for page, commands := range documentation(t) {
		if len(commands) > 0 {
			t.Run(page, func(t *testing.T) { follow(t, cluster, commands) })
		}
	}
}

// documentation returns the commands to execute, by page.
func documentation(t *testing.T) map[string][]pageCommand {
	t.Helper()
	pages, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	used := map[int]bool{}
	out := map[string][]pageCommand{}
	for _, file := range append(pages, "../../README.md") {
		page := strings.TrimPrefix(filepath.ToSlash(file), "../../")
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range commandsOf(page, string(data)) {
			i := slices.IndexFunc(skippedCommands, func(s struct{ page, begins, reason string }) bool {
				return s.page == page && strings.HasPrefix(c.text, s.begins)
			})
			if i >= 0 {
				used[i] = true
				continue
			}
			out[page] = append(out[page], c)
		}
	}
	for i, s := range skippedCommands {
		if !used[i] {
			t.Errorf("skippedCommands: %s has no command %q any more", s.page, s.begins)
		}
	}
	return out
}

var fence = regexp.MustCompile("^```(\\w*)")

// commandsOf are the commands of a page: the lines after "$ " of console blocks, and every line of sh blocks. A script
// that names itself in its first line stays one command.
func commandsOf(page, text string) []pageCommand {
	var out []pageCommand
	language, script := "", false
	lines := strings.Split(text, "\n")
	for i := 0; i < len(lines); i++ {
		if m := fence.FindStringSubmatch(lines[i]); m != nil {
			if language != "" {
				language, script = "", false
				continue
			}
			language = m[1]
			if language == "" {
				language = "text"
			}
			continue
		}
		line, at := lines[i], i+1
		switch language {
		case "console":
			var ok bool
			if line, ok = strings.CutPrefix(line, "$ "); !ok {
				continue
			}
		case "sh":
			if script || strings.TrimSpace(line) == "" {
				continue
			}
			script = strings.HasPrefix(line, "# ") && strings.Contains(line, ".sh")
			if !script && strings.HasPrefix(line, "#") {
				continue
			}
		default:
			continue
		}
		for strings.HasSuffix(line, "\\") && i+1 < len(lines) {
			i++
			line = strings.TrimSuffix(line, "\\") + " " + strings.TrimSpace(lines[i])
		}
		out = append(out, pageCommand{page, at, strings.TrimSpace(line)})
	}
	return out
}

// reader is somebody who follows a page: a home directory, a kubeconfig, and a config repository.
type reader struct {
	home, repo string
	env        []string
}

func newReader(t *testing.T, cluster *kube.Cluster) *reader {
	t.Helper()
	home := t.TempDir()
	bin := filepath.Join(home, ".local", "bin")
	r := &reader{home: home, repo: filepath.Join(home, "config.git"), env: []string{
		"HOME=" + home, "KUBECONFIG=" + filepath.Join(home, "kubeconfig"), "GIT_CONFIG_NOSYSTEM=1",
		"PATH=" + strings.Join([]string{bin, shared.bin, os.Getenv("PATH")}, string(os.PathListSeparator))}}
	rest := cluster.RESTConfig()
	config := kube.NewKubeconfig(rest.Host, rest.CAData, rest.BearerToken, "default")
	demo, err := filepath.Abs("demo/config")
	err = errors.Join(err, os.MkdirAll(bin, 0o755), os.WriteFile(filepath.Join(home, ".gitconfig"), []byte(gitConfig), 0o600),
		clientcmd.WriteToFile(*config, filepath.Join(home, "kubeconfig")))
	if err != nil {
		t.Fatal(err)
	}
	seed := fmt.Sprintf("cp -r %q seed && git init -q seed && git -C seed add -A && git -C seed commit -qm Start && git clone -q --bare seed %q", demo, r.repo)
	if out, err := r.shell(t.Context(), seed); err != nil {
		t.Fatalf("%s: %v\n%s", seed, err, out)
	}
	return r
}

func (r *reader) shell(ctx context.Context, script string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "-c", script)
	cmd.Dir, cmd.Env = r.home, r.env
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// follow executes the commands of one page.
func follow(t *testing.T, cluster *kube.Cluster, commands []pageCommand) {
	r := newReader(t, cluster)
	t.Cleanup(func() { // the next page starts with an empty cluster
		clean := "kubectl delete namespace gitops-system shop --ignore-not-found --timeout=120s"
		if out, err := r.shell(context.WithoutCancel(t.Context()), clean); err != nil {
			t.Errorf("%s: %v\n%s", clean, err, out)
		}
	})
	server, err := githttp.Start(r.home, githttp.Options{TLS: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Stop)
	authority := filepath.Join(r.home, "authority.pem")
	writeFile(t, authority, string(server.CA()))
	r.env = append(r.env, "SSL_CERT_FILE="+authority)
	demo, err := filepath.Abs("demo/config") // the README copies it from the checkout
	if err != nil {
		t.Fatal(err)
	}
	marker := "#" + rand.Text() + "#"
	var script strings.Builder
	for i, c := range commands {
		from := r.repo
		if strings.Contains(c.text, "gitops install") { // it wants an address that the cluster can reach
			from = server.URL() + "/config.git"
		}
		text := strings.NewReplacer("https://github.com/acme/config", from, "plugin/e2e/demo/config", demo).Replace(c.text)
		tail := "|| exit"
		if mayFail.MatchString(text) {
			tail = "|| [ $? = 1 ] || exit"
		}
		fmt.Fprintf(&script, "echo '%s%d'\n{ %s\n} %s\n", marker, i, text, tail)
	}
	out, err := r.shell(t.Context(), script.String())
	if err == nil {
		return
	}
	reached := commands[max(strings.Count(out, marker)-1, 0)]
	t.Errorf("%s:%d: %s: %v\n%s", reached.page, reached.line, reached.text, err, out[max(strings.LastIndex(out, marker), 0):])
}

func TestCommandsOfAPage(t *testing.T) {
	page := "text\n```console\n$ one \\\n    --flag\noutput\n$ two # why\n```\n```yaml\n$ no\n```\n```sh\nthree\n# a remark\nfour\n```\n```sh\n# deploy.sh A\nset -e\n```\n"
	var got []string
	for _, c := range commandsOf("p", page) {
		got = append(got, fmt.Sprintf("%d %s", c.line, c.text))
	}
	want := []string{"3 one  --flag", "6 two # why", "12 three", "14 four", "17 # deploy.sh A"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
