package main

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"
)

const (
	module = "github.com/kubectl-gitops/kubectl-gitops"
	self   = module + "/cmd/gitops-action"
)

// forbidden are the imports the push half must never have, each with its reason.
var forbidden = map[string]string{
	"k8s.io/":              "CI never talks to a cluster: it writes to Git, and the cluster pulls",
	"sigs.k8s.io/":         "CI never talks to a cluster: it writes to Git, and the cluster pulls",
	module + "/plugin":     "the two halves share no package: their contract is the config repository",
	"github.com/go-git/":   "the action works through GitHub's API, without a clone",
	"github.com/getkin/":   "only the GitHub double of the tests reads OpenAPI",
	"github.com/vektah/":   "only the GitHub double of the tests reads GraphQL schemas",
	"testing":              "test code does not belong into the binary",
	"net/http/httptest":    "test code does not belong into the binary",
	module + "/action/e2e": "test code does not belong into the binary",
}

func TestPushHalfImportsNoCluster(t *testing.T) {
	imports := dependencies(t)
	for prefix, reason := range forbidden {
		for pkg := range imports {
			if pkg == strings.TrimSuffix(prefix, "/") || strings.HasPrefix(pkg, strings.TrimSuffix(prefix, "/")+"/") {
				t.Errorf("%s is imported:\n  %s\nbut %s", pkg, strings.Join(chain(imports, self, pkg), "\n  imports "), reason)
			}
		}
	}
}

func TestBoundaryTestCanFail(t *testing.T) {
	imports := map[string][]string{"a": {"b"}, "b": {"c"}, "c": nil}
	if got := strings.Join(chain(imports, "a", "c"), " "); got != "a b c" {
		t.Errorf("chain = %q", got)
	}
	if _, ok := dependencies(t)[module+"/bumper"]; !ok {
		t.Error("the list of dependencies lacks package bumper, so it proves nothing")
	}
}

// dependencies maps every package the binary is built from to what it imports.
func dependencies(t *testing.T) map[string][]string {
	t.Helper()
	cmd := exec.Command("go", "list", "-deps", "-json=ImportPath,Imports", self)
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
