package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

const root = "../../.."

// TestReferenceIsUpToDate compares the committed pages with what the code says now.
func TestReferenceIsUpToDate(t *testing.T) {
	want, err := reference(root)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range want {
		if got, err := os.ReadFile(filepath.Join(root, name)); err != nil || string(got) != text {
			t.Errorf("%s does not fit the code: run `make docs` (%v)", name, err)
		}
	}
	for _, dir := range generatedDirectories {
		err := filepath.WalkDir(filepath.Join(root, dir), func(path string, d fs.DirEntry, err error) error {
			name, _ := filepath.Rel(root, path)
			if _, ok := want[filepath.ToSlash(name)]; err == nil && !d.IsDir() && !ok {
				t.Errorf("%s is no longer generated: run `make docs`", name)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
}

func TestHiddenCommandsAndFlagsHaveNoPage(t *testing.T) {
	c := &cobra.Command{Use: "tool", Run: func(*cobra.Command, []string) {}}
	hidden := &cobra.Command{Use: "secret", Hidden: true, Run: c.Run}
	shown := &cobra.Command{Use: "shown", Short: "Show <b> | more", Run: c.Run}
	shown.Flags().Bool("open", false, "Be open")
	shown.Flags().Bool("worker", false, "Not for people")
	if err := shown.Flags().MarkHidden("worker"); err != nil {
		t.Fatal(err)
	}
	c.AddCommand(hidden, shown)
	pages := cliPages(command{c})
	var names []string
	for name, text := range pages {
		names = append(names, name)
		if strings.Contains(text, "worker") || strings.Contains(text, "secret") {
			t.Errorf("%s shows what is hidden:\n%s", name, text)
		}
	}
	slices.Sort(names)
	if want := []string{"docs/cli/README.md", "docs/cli/tool-shown.md"}; !slices.Equal(names, want) {
		t.Errorf("pages %v, want %v", names, want)
	}
	if !strings.Contains(pages["docs/cli/README.md"], `Show &lt;b> \| more`) {
		t.Errorf("markup is not escaped:\n%s", pages["docs/cli/README.md"])
	}
}

func TestEveryKindHasItsSchema(t *testing.T) {
	code, err := parse(filepath.Join(root, "plugin"))
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"HistoryList", "Report", "StatusList", "Version"} {
		if code.kinds[kind] == "" {
			t.Errorf("no schema for %s; there are %v", kind, code.kinds)
		}
	}
}

// TestExamplesAreValid parses each example of --help as the command would.
func TestExamplesAreValid(t *testing.T) {
	examples := 0
	for _, c := range tree().all() {
		for _, words := range commandLines(c) {
			fresh := tree() // flags keep what was parsed before
			target, rest, err := fresh.Find(words)
			if err == nil {
				err = target.ParseFlags(rest)
			}
			if err == nil {
				err = target.ValidateArgs(target.Flags().Args())
			}
			if err != nil {
				t.Errorf("%s --help: %s: %v", c.CommandPath(), strings.Join(words, " "), err)
			}
			examples++
		}
	}
	if examples < 10 {
		t.Errorf("%d examples: this test reads them wrongly", examples)
	}
}

// commandLines are the arguments of each `kubectl gitops` in the examples of c.
func commandLines(c command) [][]string {
	text := strings.ReplaceAll(strings.Join(c.exampleLines(), "\n"), "\\\n", " ")
	var out [][]string
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, " #")
		for _, part := range strings.FieldsFunc(line, func(r rune) bool { return r == '|' || r == ';' || r == '&' }) {
			part, _, _ = strings.Cut(part, " > ")
			if rest, ok := strings.CutPrefix(strings.TrimSpace(part), "kubectl gitops "); ok {
				words := strings.Fields(rest)
				for i, w := range words {
					words[i] = strings.Trim(w, `'"`)
				}
				out = append(out, words)
			}
		}
	}
	return out
}

func TestManPagesAreValidTroff(t *testing.T) {
	for name, text := range manPages(tree(), "1.2.3") {
		for i, line := range strings.Split(text, "\n") {
			if strings.HasPrefix(line, ".") && !slices.Contains([]string{".TH", ".SH", ".PP", ".TP", ".B", ".BR", ".nf", ".fi", ".nh", ".ad"}, strings.Fields(line)[0]) {
				t.Errorf("%s:%d: %q is read as a macro", name, i+1, line)
			}
		}
	}
}

// TestLinksLeadSomewhere checks the relative links of every page for people, and the paths that CONTRIBUTING.md names.
func TestLinksLeadSomewhere(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)\s]+)\)|(?:src|srcset)="([^"]+)"`)
	pages := 0
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/*/*.md", "plugin/e2e/*.md"} {
		files, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			pages++
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range link.FindAllStringSubmatch(string(text), -1) {
				target, _, _ := strings.Cut(m[1]+m[2], "#")
				if target == "" || strings.Contains(target, "://") {
					continue
				}
				if _, err := os.Stat(filepath.Join(filepath.Dir(file), target)); err != nil {
					t.Errorf("%s: the link to %s leads nowhere", file, target)
				}
			}
		}
	}
	if pages < 10 {
		t.Errorf("%d pages: this test looks in the wrong place", pages)
	}
	text, err := os.ReadFile(filepath.Join(root, "CONTRIBUTING.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile("`((?:plugin|bumper|action|docs|cmd|krew|\\.ci)/[\\w./-]*)`").FindAllStringSubmatch(string(text), -1) {
		if _, err := os.Stat(filepath.Join(root, m[1])); err != nil && !strings.Contains(m[1], "stack") {
			t.Errorf("CONTRIBUTING.md names %s, which does not exist", m[1])
		}
	}
}
