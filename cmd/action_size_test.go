package cmd_test

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Limits of the push half. Somebody who reads a file or a type for the first time should be able to see all of it.
const (
	maxFileLines     = 400
	maxStructFields  = 20
	maxStructMethods = 25
)

// lists are structs that may be longer: each is one list, read from top to bottom.
var lists = map[string]string{"action.Inputs": "the inputs of action.yml"}

// TestActionStaysReadable counts lines, fields and methods, test code aside.
func TestActionStaysReadable(t *testing.T) {
	fields, methods := map[string]int{}, map[string]int{}
	err := filepath.WalkDir("../action", func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && d.Name() == "githubtest" { // the double of the tests is as large as what it stands for
			return fs.SkipDir
		}
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if n := bytes.Count(data, []byte("\n")); n > maxFileLines {
			t.Errorf("%s has %d lines, %d are the limit", path, n, maxFileLines)
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, data, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, decl := range file.Decls {
			count(file.Name.Name, decl, fields, methods)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, n := range fields {
		if n > maxStructFields && lists[name] == "" {
			t.Errorf("%s has %d fields, %d are the limit", name, n, maxStructFields)
		}
	}
	for name, n := range methods {
		if n > maxStructMethods {
			t.Errorf("%s has %d methods, %d are the limit", name, n, maxStructMethods)
		}
	}
	if methods["action.run"] == 0 || fields["promotion.Gates"] == 0 {
		t.Error("nothing was counted")
	}
}

// count adds the fields of structs and the methods of types that a declaration has.
func count(pkg string, decl ast.Decl, fields, methods map[string]int) {
	switch d := decl.(type) {
	case *ast.FuncDecl:
		if d.Recv == nil {
			return
		}
		typ := d.Recv.List[0].Type
		if p, ok := typ.(*ast.StarExpr); ok {
			typ = p.X
		}
		if name, ok := typ.(*ast.Ident); ok {
			methods[pkg+"."+name.Name]++
		}
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			s, ok := spec.(*ast.TypeSpec)
			if !ok {
				continue
			}
			if list, ok := s.Type.(*ast.StructType); ok {
				for _, f := range list.Fields.List {
					fields[pkg+"."+s.Name.Name] += max(len(f.Names), 1)
				}
			}
		}
	}
}
