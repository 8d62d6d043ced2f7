package cmd_test

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// What keeps a package one that a new reader can change.
const (
	maxLines   = 3000 // of a package below plugin/internal/reconcile, tests aside
	maxFields  = 20   // of a struct
	maxMethods = 25   // of a type
	maxCycle   = 2    // files of a package that need each other's names
)

// lists are structs that may have more fields: lists of inputs, and stored formats.
var lists = map[string]string{
	"action.Inputs":                         "the inputs of the action",
	"plugin/internal/apps/gitopsyaml.Entry": "the form of a file",
	"plugin/internal/record.Header":         "a stored format",
	"plugin/internal/report.App":            "the form of an output",
}

// owed is what is still larger than it should be, with its size: it may shrink, and never grow. A package that is split
// takes its line along.
var owed = map[string]int{
	"methods of plugin/internal/render.survey": 55,
	"methods of plugin/internal/render.tree":   41,
}

// TestStructure counts what makes a package hard to change. It names what breaks a rule, and what in owed is paid.
func TestStructure(t *testing.T) {
	found := map[string]int{}
	for _, dir := range packageDirs(t, "../plugin", "../action", "../bumper") {
		measure(t, dir, found)
	}
	for _, name := range slices.Sorted(mapKeys(found)) {
		if allowed, known := owed[name]; !known {
			t.Errorf("%s: %d", name, found[name])
		} else if found[name] > allowed {
			t.Errorf("%s: %d, it was %d", name, found[name], allowed)
		} else if found[name] < allowed {
			t.Errorf("%s: %d; write that into owed", name, found[name])
		}
	}
	for name := range owed {
		if _, still := found[name]; !still {
			t.Errorf("%s is paid: take it out of owed", name)
		}
	}
}

func mapKeys(m map[string]int) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// packageDirs lists the directories below roots that hold Go files; modules of their own, and the GitHub double, are left out.
func packageDirs(t *testing.T, roots ...string) []string {
	t.Helper()
	var dirs []string
	for _, root := range roots {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || !d.IsDir() {
				return err
			}
			if _, err := os.Stat(filepath.Join(path, "go.mod")); err == nil || d.Name() == "testdata" || d.Name() == "githubtest" {
				return filepath.SkipDir
			}
			if files, _ := filepath.Glob(filepath.Join(path, "*.go")); len(files) > 0 {
				dirs = append(dirs, path)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return dirs
}

// measure adds what in a package is larger than it should be.
func measure(t *testing.T, dir string, found map[string]int) {
	t.Helper()
	pkg := strings.TrimPrefix(filepath.ToSlash(dir), "../")
	files := map[string]*ast.File{}
	lines, methods := 0, map[string]int{}
	paths, _ := filepath.Glob(filepath.Join(dir, "*.go"))
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, raw, 0)
		if err != nil {
			t.Fatal(err)
		}
		files[filepath.Base(path)], lines = file, lines+bytes.Count(raw, []byte("\n"))
	}
	for _, file := range files {
		for _, d := range file.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Recv != nil {
					methods[receiver(d)]++
				}
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					ts, ok := spec.(*ast.TypeSpec)
					if !ok {
						continue
					}
					st, ok := ts.Type.(*ast.StructType)
					if name := pkg + "." + ts.Name.Name; ok && fields(st) > maxFields && lists[name] == "" {
						found["fields of "+name] = fields(st)
					}
				}
			}
		}
	}
	for name, n := range methods {
		if n > maxMethods {
			found[fmt.Sprintf("methods of %s.%s", pkg, name)] = n
		}
	}
	if strings.HasPrefix(pkg, "plugin/internal/reconcile") && lines > maxLines {
		found["lines of "+pkg] = lines
	}
	if n := longestCycle(uses(files)); n > maxCycle {
		found["files in a cycle of "+pkg] = n
	}
}

func receiver(d *ast.FuncDecl) string {
	at := d.Recv.List[0].Type
	if star, ok := at.(*ast.StarExpr); ok {
		at = star.X
	}
	if generic, ok := at.(*ast.IndexExpr); ok {
		at = generic.X
	}
	return at.(*ast.Ident).Name
}

func fields(st *ast.StructType) int {
	n := 0
	for _, f := range st.Fields.List {
		n += max(1, len(f.Names))
	}
	return n
}

// uses maps each file to the files whose package-level names it uses. Methods count for nothing: what they need are their
// types.
func uses(files map[string]*ast.File) map[string]map[string]bool {
	home := map[string]string{}
	for name, file := range files {
		for _, d := range file.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Recv == nil {
					home[d.Name.Name] = name
				}
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					switch spec := spec.(type) {
					case *ast.TypeSpec:
						home[spec.Name.Name] = name
					case *ast.ValueSpec:
						for _, id := range spec.Names {
							home[id.Name] = name
						}
					}
				}
			}
		}
	}
	used := map[string]map[string]bool{}
	for name, file := range files {
		used[name] = map[string]bool{}
		for _, id := range file.Unresolved { // in this file: a name of another one, an import, or predeclared
			if at := home[id.Name]; at != "" && at != name {
				used[name][at] = true
			}
		}
	}
	return used
}

// longestCycle is how many files the largest set has in which each can be reached from each.
func longestCycle(used map[string]map[string]bool) int {
	reach := map[string]map[string]bool{}
	for from := range used {
		seen := map[string]bool{}
		for next := []string{from}; len(next) > 0; next = next[1:] {
			for to := range used[next[0]] {
				if !seen[to] {
					seen[to] = true
					next = append(next, to)
				}
			}
		}
		reach[from] = seen
	}
	longest := 0
	for a := range reach {
		n := 0
		for b := range reach {
			if a == b || reach[a][b] && reach[b][a] {
				n++
			}
		}
		if n > 1 {
			longest = max(longest, n)
		}
	}
	return longest
}

func TestStructureTestCanFail(t *testing.T) {
	if n := longestCycle(map[string]map[string]bool{"a": {"b": true}, "b": {"c": true}, "c": {"a": true}, "d": {"a": true}}); n != 3 {
		t.Errorf("a cycle of three files is %d", n)
	}
	if n := longestCycle(map[string]map[string]bool{"a": {"b": true}, "b": {}}); n != 0 {
		t.Errorf("no cycle is %d", n)
	}
	files := map[string]*ast.File{}
	for name, text := range map[string]string{"a": "package p\nfunc A() { b() }", "b": "package p\nfunc b() { var a T; _ = a }", "c": "package p\ntype T struct{}"} {
		file, err := parser.ParseFile(token.NewFileSet(), name, text, 0)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = file
	}
	if used := uses(files); !used["a"]["b"] || !used["b"]["c"] || used["c"]["a"] || len(used["a"]) != 1 {
		t.Errorf("got %v", used)
	}
}
