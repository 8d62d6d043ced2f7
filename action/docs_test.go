package action

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/kubectl-gitops/kubectl-gitops/action/internal/doctest"
)

var update = flag.Bool("update", false, "rewrite the generated parts of the documentation")

// metadata is action.yml, with inputs and outputs in the order of the file.
type metadata struct {
	Inputs  yaml.Node
	Outputs yaml.Node
	Runs    struct {
		Steps []struct {
			Env map[string]string
			Run string
		}
	}
}

func readMetadata(t *testing.T) metadata {
	t.Helper()
	var m metadata
	if err := yaml.Unmarshal([]byte(read(t, "../action.yml")), &m); err != nil {
		t.Fatal(err)
	}
	return m
}

// each calls f for every entry of a mapping, in order.
func each(t *testing.T, n yaml.Node, f func(name string, v map[string]string)) {
	t.Helper()
	for i := 0; i+1 < len(n.Content); i += 2 {
		v := map[string]string{}
		if err := n.Content[i+1].Decode(&v); err != nil {
			t.Fatal(err)
		}
		f(n.Content[i].Value, v)
	}
}

func TestDocsListEveryInputAndOutput(t *testing.T) {
	const file = "../docs/action.md"
	m := readMetadata(t)
	inputs := "| Input | Default | Meaning |\n|---|---|---|\n"
	each(t, m.Inputs, func(name string, v map[string]string) {
		byDefault := v["default"]
		switch {
		case v["required"] == "true":
			byDefault = "required"
		case byDefault != "":
			byDefault = "`" + byDefault + "`"
		}
		inputs += fmt.Sprintf("| `%s` | %s | %s |\n", name, byDefault, v["description"])
	})
	outputs := "| Output | Meaning |\n|---|---|\n"
	each(t, m.Outputs, func(name string, v map[string]string) {
		outputs += fmt.Sprintf("| `%s` | %s |\n", name, v["description"])
	})
	doctest.Regenerate(t, *update, file, map[string]string{"inputs": inputs, "outputs": outputs})
}

// TestActionPassesEveryInput: a composite action exports no inputs by itself, so each needs its line, and the
// program has to read what the lines pass.
func TestActionPassesEveryInput(t *testing.T) {
	m := readMetadata(t)
	step := m.Runs.Steps[0]
	var passed, asked []string
	each(t, m.Inputs, func(name string, _ map[string]string) {
		variable := "INPUT_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
		if name == "bin-path" || name == "download-url" {
			variable = "GITOPS_" + strings.TrimPrefix(variable, "INPUT_")
		} else {
			passed = append(passed, variable)
		}
		if want := "${{ inputs." + name + " }}"; step.Env[variable] != want {
			t.Errorf("%s is %q, want %q", variable, step.Env[variable], want)
		}
	})
	_, _ = readInputs(func(name string) string {
		if strings.HasPrefix(name, "INPUT_") && !slices.Contains(asked, name) {
			asked = append(asked, name)
		}
		return ""
	})
	slices.Sort(passed)
	slices.Sort(asked)
	if !slices.Equal(passed, asked) {
		t.Errorf("action.yml passes %v\nthe program reads %v", passed, asked)
	}
	if strings.Contains(step.Run, "${{") {
		t.Error("the script holds an expression: text from outside would become shell")
	}
}

func TestActionHasEveryOutput(t *testing.T) {
	var names []string
	each(t, readMetadata(t).Outputs, func(name string, _ map[string]string) { names = append(names, name) })
	rep := newReporter(Streams{Getenv: func(string) string { return "" }, Out: &strings.Builder{}})
	file := t.TempDir() + "/output"
	rep.s.Getenv = func(string) string { return file }
	if err := rep.outputs(nil); err != nil {
		t.Fatal(err)
	}
	got := runnerOutputs(t, read(t, file))
	for _, n := range names {
		if _, ok := got[n]; !ok {
			t.Errorf("output %s is never written", n)
		}
		delete(got, n)
	}
	if len(got) > 0 {
		t.Errorf("outputs %v are not in action.yml", got)
	}
}

// TestDocsReadmeBlocks compares the workflow of the README with those of docs/action.md, which are linted and executed.
func TestDocsReadmeBlocks(t *testing.T) {
	reference := read(t, "../docs/action.md")
	blocks := regexp.MustCompile("(?s)```yaml\n(.*?)```\n").FindAllStringSubmatch(read(t, "../README.md"), -1)
	if len(blocks) == 0 {
		t.Fatal("the README shows no step of a workflow")
	}
	for _, b := range blocks {
		if !strings.Contains(reference, b[1]) {
			t.Errorf("this block of the README is not in docs/action.md, so nothing tests it:\n%s", b[1])
		}
	}
}

// TestDocsIndexNamesEveryPage: docs/README.md leads to each page of docs in one step.
func TestDocsIndexNamesEveryPage(t *testing.T) {
	linked := map[string]bool{}
	for _, l := range doctest.Links(read(t, "../docs/README.md")) {
		file, _, _ := strings.Cut(l, "#")
		linked[file] = true
	}
	pages, err := filepath.Glob("../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range append(pages, "cli/README.md", "schemas/README.md") {
		if name := strings.TrimPrefix(filepath.ToSlash(page), "../docs/"); name != "README.md" && !linked[name] {
			t.Errorf("docs/README.md has no link to %s", name)
		}
	}
}

// TestDocsLinksLeadSomewhere follows each relative link and each anchor of the pages that people read.
func TestDocsLinksLeadSomewhere(t *testing.T) {
	for _, pattern := range []string{"../*.md", "../docs/*.md", "../docs/*/*.md", "../plugin/e2e/*.md"} {
		pages, err := filepath.Glob(pattern)
		if err != nil || len(pages) == 0 {
			t.Fatalf("%s: no pages, %v", pattern, err)
		}
		for _, page := range pages {
			for _, l := range doctest.Links(read(t, page)) {
				file, anchor, _ := strings.Cut(l, "#")
				target := page
				if file != "" {
					target = filepath.Join(filepath.Dir(page), file)
				}
				if _, err := os.Stat(target); err != nil {
					t.Errorf("%s: the link %s leads nowhere", page, l)
				} else if anchor != "" && !slices.Contains(doctest.Anchors(read(t, target)), anchor) {
					t.Errorf("%s: the link %s leads to a heading that %s does not have", page, l, target)
				}
			}
		}
	}
}

// TestDocsSayNothingTwice: a paragraph or an item of a list is on one page, and other pages link to it.
func TestDocsSayNothingTwice(t *testing.T) {
	where := map[string]string{}
	for _, pattern := range []string{"../*.md", "../docs/*.md", "../plugin/e2e/*.md"} {
		pages, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, page := range pages {
			for _, p := range doctest.Paragraphs(read(t, page)) {
				if other, found := where[p]; found && other != page && len(p) > 80 {
					t.Errorf("%s and %s both say: %s", other, page, p)
				}
				where[p] = page
			}
		}
	}
}
