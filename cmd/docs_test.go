package cmd_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestDocs fails for each package without a package comment, and for each exported name without a comment: `go doc` of a package
// is how a new reader gets to know it. A comment of a group of constants or variables counts for all of them. Fields, and methods
// of unexported types, need no comment. Packages that only tests use may go without one.
func TestDocs(t *testing.T) {
	for _, dir := range packageDirs(t, "../plugin/internal", "../action", "../bumper") {
		if strings.HasSuffix(dir, "test") {
			continue
		}
		files := map[string]string{}
		paths, _ := filepath.Glob(filepath.Join(dir, "*.go"))
		for _, path := range paths {
			if strings.HasSuffix(path, "_test.go") {
				continue
			}
			raw, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			files[path] = string(raw)
		}
		for _, missing := range undocumented(t, files) {
			t.Errorf("%s: %s", dir, missing)
		}
	}
}

// undocumented lists what in the files of a package lacks a comment.
func undocumented(t *testing.T, files map[string]string) []string {
	t.Helper()
	var missing []string
	described := len(files) == 0
	for path, text := range files {
		file, err := parser.ParseFile(token.NewFileSet(), path, text, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		described = described || file.Doc.Text() != ""
		for _, d := range file.Decls {
			for _, name := range bareNames(d) {
				missing = append(missing, filepath.Base(path)+": "+name+" has no comment")
			}
		}
	}
	if !described {
		missing = append(missing, "the package has no comment")
	}
	slices.Sort(missing)
	return missing
}

// bareNames lists the exported names of a declaration that have no comment.
func bareNames(d ast.Decl) []string {
	var names []string
	switch d := d.(type) {
	case *ast.FuncDecl:
		name, exported := d.Name.Name, d.Name.IsExported()
		if d.Recv != nil {
			exported = exported && ast.IsExported(receiver(d))
			name = receiver(d) + "." + name
		}
		if exported && d.Doc.Text() == "" {
			names = append(names, name)
		}
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			switch s := spec.(type) {
			case *ast.TypeSpec:
				if s.Name.IsExported() && d.Doc.Text()+s.Doc.Text()+s.Comment.Text() == "" {
					names = append(names, s.Name.Name)
				}
			case *ast.ValueSpec:
				for _, id := range s.Names {
					if id.IsExported() && d.Doc.Text()+s.Doc.Text()+s.Comment.Text() == "" {
						names = append(names, id.Name)
					}
				}
			}
		}
	}
	return names
}

func TestDocsTestCanFail(t *testing.T) {
	got := undocumented(t, map[string]string{"a.go": `package p
func F() {}
// G has one.
func G() {}
type T struct{ Field int }
func (t *T) M() {}
func (t T) m() {}
type u struct{}
func (u) M() {}
// The group has one.
const (
	A = iota
	B
)
var V, w = 1, 2
var x = 1
var (
	Y = 1 // has one
	Z = 1
)
`})
	want := []string{"a.go: F has no comment", "a.go: T has no comment", "a.go: T.M has no comment", "a.go: V has no comment", "a.go: Z has no comment",
		"the package has no comment"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
	if got := undocumented(t, map[string]string{"a.go": "package p", "b.go": "// Package p has one.\npackage p\n"}); len(got) > 0 {
		t.Errorf("got %q", got)
	}
}
