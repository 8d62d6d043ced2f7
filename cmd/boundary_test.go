// Package cmd_test checks which packages the binaries, and the packages inside them, are built from.
package cmd_test

import (
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/kubectl-gitops/kubectl-gitops"

// boundaries are the imports that a package must never have, directly or through others, each with its reason.
var boundaries = []struct {
	root      string
	forbidden map[string]string
}{
	{"cmd/gitops-action", map[string]string{
		"k8s.io":               "CI never talks to a cluster: it writes to Git, and the cluster pulls",
		"sigs.k8s.io":          "CI never talks to a cluster: it writes to Git, and the cluster pulls",
		module + "/plugin":     "the two halves share no package: their contract is the config repository",
		"github.com/go-git":    "the action works through GitHub's API, without a clone",
		"github.com/getkin":    "only the GitHub double of the tests reads OpenAPI",
		"github.com/vektah":    "only the GitHub double of the tests reads GraphQL schemas",
		"testing":              "test code does not belong into the binary",
		"net/http/httptest":    "test code does not belong into the binary",
		module + "/action/e2e": "test code does not belong into the binary",
	}},
	{"cmd/kubectl-gitops", map[string]string{
		"github.com/google/go-github":           "the cluster side never writes to Git or GitHub",
		"github.com/sethvargo/go-githubactions": "the cluster side does not run in a workflow",
		module + "/bumper":                      "the two halves share no package: their contract is the config repository",
		module + "/action":                      "the two halves share no package: their contract is the config repository",
		"k8s.io/kubernetes":                     "the control plane is for tests only",
		"go.etcd.io":                            "the control plane is for tests only",
		"k8s.io/client-go/kubernetes/fake":      "there is no fake of Kubernetes",
		"testing":                               "test code does not belong into the binary",
	}},
	{"bumper", map[string]string{
		"net":              "bumper is pure: bytes in, edits out",
		"os/exec":          "bumper is pure: bytes in, edits out",
		"github.com":       "bumper needs yaml.v3 and the standard library only",
		"k8s.io":           "bumper needs yaml.v3 and the standard library only",
		module + "/action": "bumper knows nothing of GitHub",
	}},
	{"action/internal/promotion", map[string]string{
		"net":                                "what is promoted is decided without a request",
		"os/exec":                            "what is promoted is decided without another program",
		"github.com/google":                  "the clients of GitHub and of registries are not those who decide",
		module + "/action/internal/github":   "it is given what GitHub reported, as values of its own",
		module + "/action/internal/registry": "it is given what images say of themselves",
	}},
	{"action/internal/github", map[string]string{
		module + "/bumper":                    "the client moves files and commits, and does not know why",
		module + "/action/internal/promotion": "the client moves files and commits, and does not know why",
		"gopkg.in/yaml.v3":                    "it does not look into files",
		"go.yaml.in/yaml/v3":                  "it does not look into files",
	}},
	{"action/internal/registry", map[string]string{
		module + "/action/internal/github":    "the credentials of GitHub are not those of registries",
		module + "/action/internal/promotion": "it says what images are, not what becomes of them",
	}},
	{"action/internal/display", map[string]string{"net": "text is made of values", "os/exec": "text is made of values"}},
	{"action/internal/glob", map[string]string{"net": "it compares paths", "os/exec": "it compares paths", module + "/bumper": "it compares paths"}},
	{"plugin/internal/chart", map[string]string{
		"k8s.io/client-go":                    "charts are rendered without a cluster",
		"helm.sh/helm/v4/pkg/action":          "releases, storage and clients double the binary, and the record is ours",
		"helm.sh/helm/v4/pkg/cli":             "nothing of the user's Helm configuration is read",
		"helm.sh/helm/v4/pkg/getter":          "nothing is fetched while rendering",
		"helm.sh/helm/v4/pkg/registry":        "nothing is fetched while rendering",
		module + "/plugin/internal/reconcile": "charts know no pass",
	}},
	{"plugin/internal/access", map[string]string{
		"k8s.io":                              "Secrets are given to it as keys and values",
		"os/exec":                             "no helper of Docker or Git is run",
		module + "/plugin/internal/source":    "it knows addresses, and neither Git nor Helm",
		module + "/plugin/internal/chartrepo": "it knows addresses, and neither Git nor Helm",
	}},
	{"plugin/internal/chartrepo", map[string]string{
		"k8s.io/client-go":                  "charts are fetched without a cluster and its credentials",
		module + "/plugin/internal/source":  "the credentials of Git are not those of charts",
		module + "/plugin/internal/cluster": "charts are fetched without a cluster and its credentials",
	}},
	{"plugin/internal/sops", map[string]string{
		"net":                "decrypting asks nobody",
		"github.com/getsops": "its library links the clients of five clouds",
		module + "/plugin":   "decrypting knows only YAML and age",
	}},
	{"plugin/internal/sealed", map[string]string{
		"k8s.io/client-go":                  "values are masked without a cluster",
		module + "/plugin/internal/sops":    "keys and what they decrypt stay in the process that renders",
		module + "/plugin/internal/cluster": "values are masked without a cluster",
	}},
	{"plugin/internal/render", map[string]string{
		"k8s.io/client-go/rest":             "rendering needs no cluster",
		module + "/plugin/internal/cluster": "rendering needs no cluster",
	}},
	{"plugin/internal/diff", map[string]string{
		"k8s.io/client-go/rest":             "diff is pure",
		module + "/plugin/internal/cluster": "diff is pure",
	}},
	{"plugin/internal/fields", map[string]string{
		"k8s.io/client-go/rest":             "fields is pure",
		module + "/plugin/internal/cluster": "fields is pure",
	}},
	{"plugin/internal/source", map[string]string{
		"net":              "it has the words for commits and files: source/git reads them",
		"os/exec":          "it has the words for commits and files: source/git reads them",
		"github.com":       "it has the words for commits and files: source/git reads them",
		module + "/plugin": "everybody may speak of commits and files",
	}},
	{"plugin/internal/source/git", map[string]string{
		"k8s.io/client-go":                    "reading Git needs no cluster",
		"os/exec":                             "no program is run: neither git nor a hook",
		module + "/plugin/internal/notify":    "the credentials of Git are sent to Git's server only",
		module + "/plugin/internal/trust":     "whose signatures count is for trust to say",
		module + "/plugin/internal/reconcile": "it does not know who asks for commits",
	}},
	{"plugin/internal/source/signed", map[string]string{
		"k8s.io/client-go":                       "what may be shown does not depend on a cluster",
		"github.com/go-git":                      "it is given a source, and knows neither repositories nor credentials",
		module + "/plugin/internal/source/git":   "it is given a source, and knows neither repositories nor credentials",
		module + "/plugin/internal/reconcile":    "it does not know who asks for commits",
		module + "/plugin/internal/record/store": "it is told which commit was verified before",
		module + "/plugin/internal/trust":        "whose signatures count is for trust to say",
	}},
	{"plugin/internal/source/worktree", map[string]string{
		"k8s.io/client-go":                    "a working tree is read without a cluster",
		"os/exec":                             "no program is run: neither git nor a hook",
		module + "/plugin/internal/reconcile": "it does not know who asks for files",
	}},
	{"plugin/internal/reconcile", map[string]string{
		"golang.org/x/crypto/ssh":                        "a run takes commits and files from a source; credentials of Git end in target",
		"github.com/go-git/go-git/v5/plumbing/object":    "a run takes commits and files from a source",
		"github.com/go-git/go-git/v5/plumbing/transport": "a run takes commits and files from a source; credentials of Git end in target",
		module + "/plugin/internal/source/git":           "a run takes commits and files from a source; credentials of Git end in target",
	}},
	{"plugin/internal/target", map[string]string{
		module + "/plugin/internal/ui":     "what is worked on does not depend on how it is shown",
		module + "/plugin/internal/notify": "the credentials of Git are sent to Git's server only",
		module + "/plugin/internal/events": "finding out what to work on tells nobody",
	}},
	{"plugin/internal/inspect", map[string]string{
		module + "/plugin/internal/reconcile":    "looking never changes anything",
		module + "/plugin/internal/record/store": "it reads records through an interface that cannot save them",
		module + "/plugin/internal/source":       "it asks the cluster, not Git",
		module + "/plugin/internal/render":       "it asks the cluster, not Git",
	}},
	{"plugin/internal/object", map[string]string{
		"k8s.io/client-go": "what an object is, is known without a cluster",
		module + "/plugin": "decoding, confinement, masking and requests ask it",
	}},
	{"plugin/internal/desired", map[string]string{
		module + "/plugin/internal/render": "a renderer may ask it, too",
	}},
	{"plugin/internal/apps/gitopsyaml", map[string]string{
		"k8s.io/client-go":                     "a definition does not know a cluster",
		module + "/plugin/internal/reconcile":  "a definition does not know how it is run",
		module + "/plugin/internal/cluster":    "a definition does not know how it is run",
		module + "/plugin/internal/render":     "it says how a directory is to be rendered, and renders none",
		module + "/plugin/internal/source/git": "it is given the files",
	}},
	{"plugin/internal/apps/recorded", map[string]string{
		module + "/plugin/internal/reconcile":    "a definition does not know how it is run",
		module + "/plugin/internal/record/store": "it is given a record",
	}},
	{"plugin/internal/reconcile/internal/pass", map[string]string{
		module + "/plugin/internal/plan/crossapp": "one app does not know the others",
	}},
	{"plugin/internal/entries", map[string]string{
		"k8s.io":                           "it looks at names of files",
		module + "/plugin/internal/render": "whether an entry is right is for who renders it",
	}},
	{"plugin/internal/preview", map[string]string{
		"k8s.io/client-go":                  "previews are made offline",
		module + "/plugin/internal/cluster": "previews are made offline",
		module + "/plugin/internal/source":  "it compares what was rendered, wherever that came from",
	}},
	{"plugin/internal/preview/pairing", map[string]string{
		module + "/plugin/internal/cluster":    "previews are made offline",
		module + "/plugin/internal/source/git": "it is given the files of two states",
		module + "/plugin/internal/target":     "it is given plain values, and knows no flags",
	}},
	{"plugin/internal/ui", map[string]string{
		"k8s.io/client-go/rest":                  "what people see is made of values: it asks no cluster",
		"k8s.io/client-go/tools":                 "what people see is made of values: it asks no cluster",
		module + "/plugin/internal/cluster":      "printing never changes anything",
		module + "/plugin/internal/record/store": "printing never changes anything",
		module + "/plugin/internal/reconcile":    "printing never changes anything",
		module + "/plugin/internal/install":      "printing never changes anything",
		module + "/plugin/internal/events":       "printing never changes anything",
		module + "/plugin/internal/source":       "it has no credentials",
		module + "/plugin/internal/target":       "it does not know what is worked on",
	}},
	{"plugin/internal/trust", map[string]string{
		"net/http":                         "no key server is asked",
		"os/exec":                          "no program is run: neither git nor gpg nor ssh-keygen",
		"k8s.io":                           "who signed a commit does not depend on a cluster",
		"github.com/go-git":                "it verifies bytes; source/git knows what a commit is",
		module + "/plugin/internal/source": "it verifies bytes; source/git knows what a commit is",
	}},
	{"plugin/internal/notify", map[string]string{
		"k8s.io/client-go":                    "who is told learns nothing but the state of an app",
		module + "/plugin/internal/cluster":   "who is told learns nothing but the state of an app",
		module + "/plugin/internal/source":    "the credentials of Git are not those of commit statuses",
		module + "/plugin/internal/reconcile": "telling never delays a pass, and knows none",
	}},
	{"plugin/internal/install", map[string]string{
		module + "/plugin/internal/render":    "it gets rights as data, and reads no repository",
		module + "/plugin/internal/source":    "it names the Secret with credentials, and never reads it",
		module + "/plugin/internal/reconcile": "it makes what runs passes, and runs none",
	}},
	{"plugin/internal/rbac", map[string]string{
		module + "/plugin/internal/render": "rights are counted from objects, wherever they came from",
		module + "/plugin/internal/record": "what needs rights is for the callers to say",
	}},
}

// pure are the packages that speak of results, and those that decide: values in, values out.
var pure = map[string][]string{
	"words":     {"concurrent", "diff", "fields", "health", "hint", "manifest", "object", "report", "source"},
	"decisions": {"app", "desired", "live", "owners", "plan", "plan/crossapp", "rbac", "record", "status"},
}

// TestPurePackages: what should happen is decided, and tested, without a server.
func TestPurePackages(t *testing.T) {
	const reason = "what should happen is decided without a server, a repository or a renderer"
	forbidden := map[string]string{
		"k8s.io/client-go": reason, "helm.sh/helm": reason, "sigs.k8s.io/kustomize": reason, "github.com/go-git": reason,
		module + "/plugin/internal/cluster": reason, module + "/plugin/internal/render": reason,
		module + "/plugin/internal/source/git": reason, module + "/plugin/internal/source/signed": reason, module + "/plugin/internal/source/worktree": reason,
	}
	for level, packages := range pure {
		for _, pkg := range packages {
			root := module + "/plugin/internal/" + pkg
			imports := dependencies(t, root)
			for imported := range within(imports, root) {
				for prefix, why := range forbidden {
					if imported == prefix || strings.HasPrefix(imported, prefix+"/") {
						t.Errorf("%s is imported:\n  %s\nbut %s", imported, strings.Join(chain(imports, root, imported), "\n  imports "), why)
					}
				}
				if name := strings.TrimPrefix(imported, module+"/plugin/internal/"); level == "words" && slices.Contains(pure["decisions"], name) {
					t.Errorf("%s imports %s: words have no opinion", pkg, name)
				}
			}
		}
	}
}

// importers are the packages that only some may import directly, each with its reason.
var importers = []struct {
	pkg    string
	by     []string
	reason string
}{
	{"plugin/internal/source/git", []string{"plugin/internal/target", "plugin/internal/source/worktree"}, "credentials of Git end in target; a working tree belongs to a repository"},
	{"plugin/internal/source/signed", []string{"plugin/internal/target"}, "credentials of Git end in target"},
	{"plugin/internal/source/worktree", []string{"plugin/internal/target"}, "only commands that look read files that are no commit"},
	{"plugin/internal/target", []string{"plugin"}, "nothing depends on the flags that name it"},
	{"plugin/internal/loop", []string{"plugin"}, "nothing depends on when runs are made"},
	{"plugin/internal/plan/crossapp", []string{"plugin/internal/reconcile"}, "one app does not know the others: what they owe each other is for the run to decide"},
	{"plugin/internal/sops", []string{"plugin/internal/render"}, "keys and what they decrypt stay in the process that renders"},
	{"plugin/internal/sealed", []string{"plugin/internal/diff", "plugin/internal/manifest", "plugin/internal/reconcile/internal/pass", "plugin/internal/reconcile/internal/tell", "plugin/internal/render", "plugin/internal/report"}, "values are collected by a render, and masked where text and states leave a pass or become a difference"},
	{"plugin/internal/chart", []string{"plugin/internal/target", "plugin/internal/chartrepo", "plugin/internal/render"}, "templates are executed where everything is rendered"},
	{"plugin/internal/chartrepo", []string{"plugin/internal/target"}, "rendering has no network: what is fetched is handed to it"},
	{"plugin/internal/trust", []string{"plugin/internal/target"}, "a source shows trusted commits only; no other code decides whom to trust"},
	{"plugin/internal/notify", []string{"plugin"}, "whether somebody can be told must not matter to a pass"},
	{"plugin/internal/events", []string{"plugin"}, "whether somebody can be told must not matter to a pass"},
	{"plugin/internal/inspect", []string{"plugin"}, "nothing depends on how it is shown"},
	{"plugin/internal/status", []string{"plugin", "plugin/internal/inspect", "plugin/internal/ui"}, "nothing depends on how it is shown"},
	{"plugin/internal/observe", []string{"plugin/internal/inspect", "plugin/internal/reconcile", "plugin/internal/reconcile/internal/pass", "plugin/internal/reconcile/internal/preflight", "plugin/internal/reconcile/internal/wait"}, "only what compares the record with the cluster lists objects by our label"},
	{"plugin/internal/preview", []string{"plugin", "plugin/internal/preview/pairing", "plugin/internal/ui"}, "nothing depends on a way to show things"},
	{"plugin/internal/ui", []string{"plugin"}, "nothing depends on how it is shown"},
	{"plugin/internal/install", []string{"plugin", "plugin/internal/target"}, "a pass is the same with and without an installation"},
	{"plugin/internal/rbac", []string{"plugin", "plugin/internal/install", "plugin/internal/reconcile"}, "rights are counted before writing: by install, rbac and the preflight of a pass"},
	{"plugin/internal/preview/pairing", []string{"plugin"}, "nothing depends on a way to show things"},
	{"plugin/internal/apps/gitopsyaml", []string{"plugin", "plugin/internal/preview/pairing", "plugin/internal/target"}, "a pass is told its apps, and does not read gitops.yaml"},
}

// writers are the packages that write to the cluster, each with what it writes. Those that only read are not among them.
var writers = map[string]string{
	"plugin/internal/cluster":                  "the requests themselves",
	"plugin/internal/events":                   "Events",
	"plugin/internal/install":                  "the CronJob and what it needs",
	"plugin/internal/record/store":             "records",
	"plugin/internal/reconcile/internal/apply": "objects of apps",
	"plugin/internal/reconcile/internal/hooks": "objects of hooks",
}

// writes are the methods of cluster.Client that write, or ask the server to write.
var writes = []string{"Apply", "Create", "Delete", "PatchJSON", "RenameManagers", "TryCreate", "TryPatchJSON", "Update"}

// TestWriters: the list of writers is short and known.
func TestWriters(t *testing.T) {
	used := map[string]bool{}
	for _, dir := range packageDirs(t, "../plugin") {
		pkg := strings.TrimPrefix(filepath.ToSlash(dir), "../")
		paths, _ := filepath.Glob(filepath.Join(dir, "*.go"))
		for _, path := range paths {
			if strings.HasSuffix(path, "_test.go") {
				continue
			}
			set := token.NewFileSet()
			file, err := parser.ParseFile(set, path, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(file, func(n ast.Node) bool {
				call, _ := n.(*ast.CallExpr)
				if call == nil || !isWrite(call) {
					return true
				}
				if used[pkg] = true; writers[pkg] == "" {
					t.Errorf("%s writes to the cluster, which only %v may", set.Position(call.Pos()), slices.Sorted(maps.Keys(writers)))
				}
				return true
			})
		}
	}
	for pkg := range writers {
		if !used[pkg] && pkg != "plugin/internal/cluster" {
			t.Errorf("%s does not write any more: take it out of writers", pkg)
		}
	}
}

// isWrite tells whether a call is one of writes, of what is called a client or a cluster.
func isWrite(call *ast.CallExpr) bool {
	method, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || !slices.Contains(writes, method.Sel.Name) {
		return false
	}
	name := ""
	switch x := method.X.(type) {
	case *ast.Ident:
		name = x.Name
	case *ast.SelectorExpr:
		name = x.Sel.Name
	}
	return slices.Contains([]string{"client", "cluster"}, strings.ToLower(name))
}

// libraries are what only one package of the action may import directly, and has to import: the libraries of services, each with
// its reason.
var libraries = []struct{ library, by, reason string }{
	{"github.com/google/go-github/v62", "action/internal/github", "one package speaks to GitHub: it has the token, and the rules of waiting and repeating"},
	{"github.com/google/go-containerregistry", "action/internal/registry", "one package speaks to registries: it has the credentials of docker login"},
	{"github.com/sethvargo/go-githubactions", "action", "one package writes to the workflow: it escapes what comes from outside"},
}

// withoutDirect are packages of the standard library that a package, and those of ours that it is built from, must not import
// directly. Other packages of the standard library are built from some of them.
var withoutDirect = []struct {
	root     string
	packages []string
	reason   string
}{
	{"action/internal/promotion", []string{"os", "io/fs", "path/filepath", "net/url", "math/rand", "math/rand/v2", "crypto/rand"}, "what is promoted depends on values only"},
	{"action/internal/glob", []string{"os", "io/fs", "path/filepath"}, "it compares paths, and reads no files"},
	{"action/internal/display", []string{"os", "time"}, "text is made of values"},
}

// helmPackages are not looked into: the engine can ask a cluster for its function lookup, which we give no client, and
// its version package asks whether a test runs.
const helmPackages = "helm.sh/helm/v4/"

func TestBoundaries(t *testing.T) {
	for _, b := range boundaries {
		t.Run(b.root, func(t *testing.T) {
			root := module + "/" + b.root
			imports := dependencies(t, root)
			reachable := within(imports, root)
			for prefix, reason := range b.forbidden {
				for pkg := range reachable {
					if pkg != root && (pkg == prefix || strings.HasPrefix(pkg, prefix+"/")) && !(prefix == "github.com" && strings.HasPrefix(pkg, module)) {
						t.Errorf("%s is imported:\n  %s\nbut %s", pkg, strings.Join(chain(imports, root, pkg), "\n  imports "), reason)
					}
				}
			}
		})
	}
}

// Only package cluster speaks to an API server; package plugin reads the kubeconfig for it.
func TestOnlyClusterImportsAKubernetesClient(t *testing.T) {
	for pkg, imports := range dependencies(t, module+"/cmd/kubectl-gitops") {
		if !strings.HasPrefix(pkg, module) || pkg == module+"/plugin/internal/cluster" {
			continue
		}
		for _, imported := range imports {
			if strings.HasPrefix(imported, "k8s.io/client-go") && !(pkg == module+"/plugin" && strings.HasPrefix(imported, "k8s.io/client-go/tools/clientcmd")) {
				t.Errorf("%s imports %s: only plugin/internal/cluster is to know a Kubernetes client", pkg, imported)
			}
		}
	}
}

// TestOnlyBumperUsesTheArchivedParser: gopkg.in/yaml.v3 gets no fixes any more. bumper locates scalars with it and never
// trusts it, because an edit is proved afterwards; all others use go.yaml.in/yaml/v3, which is maintained.
func TestOnlyBumperUsesTheArchivedParser(t *testing.T) {
	const archived = "gopkg.in/yaml.v3"
	for _, root := range []string{"cmd/kubectl-gitops", "cmd/gitops-action"} {
		for pkg, imports := range dependencies(t, module+"/"+root) {
			if slices.Contains(imports, archived) != (pkg == module+"/bumper") && strings.HasPrefix(pkg, module) {
				t.Errorf("%s imports %q; of those only bumper is to import %s", pkg, imports, archived)
			}
		}
	}
}

func TestImporters(t *testing.T) {
	graph := dependencies(t, module+"/cmd/kubectl-gitops")
	for _, rule := range importers {
		if _, ok := graph[module+"/"+rule.pkg]; !ok {
			t.Errorf("%s is not part of the binary any more", rule.pkg)
		}
		for pkg, imports := range graph {
			if slices.Contains(imports, module+"/"+rule.pkg) && !slices.Contains(rule.by, strings.TrimPrefix(pkg, module+"/")) {
				t.Errorf("%s imports %s: only %s may, because %s", pkg, rule.pkg, strings.Join(rule.by, ", "), rule.reason)
			}
		}
		for _, by := range rule.by {
			if !slices.Contains(graph[module+"/"+by], module+"/"+rule.pkg) {
				t.Errorf("%s does not import %s any more: the rule allows more than it has to", by, rule.pkg)
			}
		}
	}
}

func TestLibraries(t *testing.T) {
	graph := dependencies(t, module+"/cmd/gitops-action")
	for _, rule := range libraries {
		for pkg, imports := range graph {
			uses := slices.ContainsFunc(imports, func(i string) bool { return i == rule.library || strings.HasPrefix(i, rule.library+"/") })
			switch may := pkg == module+"/"+rule.by; {
			case uses && !may && strings.HasPrefix(pkg, module):
				t.Errorf("%s imports %s: only %s may, because %s", pkg, rule.library, rule.by, rule.reason)
			case !uses && may:
				t.Errorf("%s does not import %s any more", pkg, rule.library)
			}
		}
	}
}

func TestWithoutDirectImports(t *testing.T) {
	for _, rule := range withoutDirect {
		root := module + "/" + rule.root
		graph := dependencies(t, root)
		for pkg := range within(graph, root) {
			for _, imported := range graph[pkg] {
				if strings.HasPrefix(pkg, module) && slices.Contains(rule.packages, imported) {
					t.Errorf("%s imports %s:\n  %s\nbut %s", pkg, imported, strings.Join(chain(graph, root, pkg), "\n  imports "), rule.reason)
				}
			}
		}
	}
}

// TestPromotionHasNoClock: a gate that asks what time it is cannot be tested at the hour at which it opens.
func TestPromotionHasNoClock(t *testing.T) {
	const dir = "../action/internal/promotion"
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	clock := regexp.MustCompile(`\btime\.(Now|Since|Until|Sleep|After|AfterFunc|Tick|NewTimer|NewTicker)\b`)
	for _, e := range entries {
		if e.IsDir() {
			continue
		}
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if found := clock.Find(data); found != nil && !strings.HasSuffix(e.Name(), "_test.go") {
			t.Errorf("%s uses %s: it is given the time", e.Name(), found)
		}
	}
}

func TestBoundaryTestCanFail(t *testing.T) {
	imports := map[string][]string{"a": {"b"}, "b": {"c"}, "c": nil}
	if got := strings.Join(chain(imports, "a", "c"), " "); got != "a b c" {
		t.Errorf("chain = %q", got)
	}
	if _, ok := dependencies(t, module+"/cmd/gitops-action")[module+"/bumper"]; !ok {
		t.Error("the list of dependencies lacks package bumper, so it proves nothing")
	}
}

// dependencies maps every package that root is built from to what it imports.
func dependencies(t *testing.T, root string) map[string][]string {
	t.Helper()
	cmd := exec.Command("go", "list", "-deps", "-json=ImportPath,Imports", root)
	out, err := cmd.Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			t.Fatalf("go list: %s", exit.Stderr)
		}
		t.Fatal(err)
	}
	imports := map[string][]string{}
	dec := json.NewDecoder(strings.NewReader(string(out)))
	for {
		var p struct {
			ImportPath string
			Imports    []string
		}
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return imports
		} else if err != nil {
			t.Fatal(err)
		}
		imports[p.ImportPath] = p.Imports
	}
}

// within is what is imported from root, what Helm imports for itself left out.
func within(imports map[string][]string, root string) map[string]bool {
	seen := map[string]bool{root: true}
	for next := []string{root}; len(next) > 0; next = next[1:] {
		if strings.HasPrefix(next[0], helmPackages) {
			continue
		}
		for _, pkg := range imports[next[0]] {
			if !seen[pkg] {
				seen[pkg] = true
				next = append(next, pkg)
			}
		}
	}
	return seen
}

// chain is the shortest way from one package to another.
func chain(imports map[string][]string, from, to string) []string {
	paths := [][]string{{from}}
	seen := map[string]bool{from: true}
	for len(paths) > 0 {
		p := paths[0]
		paths = paths[1:]
		last := p[len(p)-1]
		if last == to {
			return p
		}
		for _, next := range imports[last] {
			if !seen[next] {
				seen[next] = true
				paths = append(paths, append(append([]string(nil), p...), next))
			}
		}
	}
	return []string{to}
}
