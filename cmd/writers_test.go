package cmd_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const recordPackage = module + "/plugin/internal/record"

// recordTypes are the types of package record that only it and record/store change, by methods that say why.
var recordTypes = []string{"Record", "Inventory", "Header", "Hooks", "HookRun", "Stored", "Loaded", "AppList", "StoredList", "Behind"}

// TestRecordsChangeByTheirMethods fails on an assignment to a field of a record. What is written ahead, and what leaves a
// record and when, is decided in one package. Tests may set up records as they like.
func TestRecordsChangeByTheirMethods(t *testing.T) {
	packages := listPackages(t, "../plugin/...")
	fset := token.NewFileSet()
	imports := importer.ForCompiler(fset, "gc", func(path string) (io.ReadCloser, error) { return os.Open(packages[path].Export) })
	checked := 0
	for _, p := range packages {
		if !strings.HasPrefix(p.ImportPath, module) || !slices.Contains(p.Deps, recordPackage) || p.ImportPath == recordPackage+"/store" {
			continue
		}
		var files []*ast.File
		for _, name := range p.GoFiles {
			text, err := os.ReadFile(filepath.Join(p.Dir, name))
			if err != nil {
				t.Fatal(err)
			}
			file, err := parser.ParseFile(fset, strings.TrimPrefix(p.ImportPath, module+"/")+"/"+name, text, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			files = append(files, file)
		}
		checked++
		for _, at := range recordWrites(t, fset, imports, p.ImportPath, files) {
			t.Errorf("%s: call a method of package record that says why", at)
		}
	}
	if checked < 10 {
		t.Errorf("only %d packages know records: the test looks in the wrong place", checked)
	}
}

// listed is a package as `go list` describes it.
type listed struct {
	ImportPath, Dir, Export string
	GoFiles, Deps           []string
}

// listPackages lists the packages that match a pattern and those that they need, each with the file of its export data.
func listPackages(t *testing.T, pattern string) map[string]listed {
	t.Helper()
	out, err := exec.Command("go", "list", "-export", "-deps", "-json=ImportPath,Dir,Export,GoFiles,Deps", pattern).Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			t.Fatalf("go list: %s", exit.Stderr)
		}
		t.Fatal(err)
	}
	packages := map[string]listed{}
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatal(err)
		}
		packages[p.ImportPath] = p
	}
}

// recordWrites lists where files change a field of a record, or take its address.
func recordWrites(t *testing.T, fset *token.FileSet, imports types.Importer, path string, files []*ast.File) (found []string) {
	t.Helper()
	info := &types.Info{Selections: map[*ast.SelectorExpr]*types.Selection{}}
	config := types.Config{Importer: imports}
	if _, err := config.Check(path, fset, files, info); err != nil {
		t.Fatal(err)
	}
	see := func(changed ast.Expr) {
		if field := recordField(info, changed); field != "" {
			found = append(found, fmt.Sprintf("%s: %s", fset.Position(changed.Pos()), field))
		}
	}
	for _, file := range files {
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.AssignStmt:
				for _, to := range n.Lhs {
					see(to)
				}
			case *ast.RangeStmt:
				see(n.Key)
				see(n.Value)
			case *ast.IncDecStmt:
				see(n.X)
			case *ast.UnaryExpr:
				if n.Op == token.AND {
					see(n.X)
				}
			case *ast.CallExpr:
				if name, ok := n.Fun.(*ast.Ident); ok && (name.Name == "delete" || name.Name == "clear") {
					see(n.Args[0])
				}
			}
			return true
		})
	}
	return found
}

// recordField names the field of a record that a place in memory belongs to, "" when it belongs to none.
func recordField(info *types.Info, place ast.Expr) string {
	for {
		switch at := place.(type) {
		case *ast.SelectorExpr:
			if s := info.Selections[at]; s != nil && s.Kind() == types.FieldVal && passesRecord(s) {
				return at.Sel.Name
			}
			place = at.X
		case *ast.IndexExpr:
			place = at.X
		case *ast.ParenExpr:
			place = at.X
		case *ast.StarExpr:
			place = at.X
		default:
			return ""
		}
	}
}

// passesRecord tells whether a selected field is one of a record, embedded structs among them.
func passesRecord(s *types.Selection) bool {
	of := s.Recv()
	for _, i := range s.Index() {
		if pointer, ok := of.Underlying().(*types.Pointer); ok {
			of = pointer.Elem()
		}
		name, _ := types.Unalias(of).(*types.Named)
		if name != nil && name.Obj().Pkg() != nil && name.Obj().Pkg().Path() == recordPackage && slices.Contains(recordTypes, name.Obj().Name()) {
			return true
		}
		of = of.Underlying().(*types.Struct).Field(i).Type()
	}
	return false
}

func TestRecordWritesAreFound(t *testing.T) {
	const text = `package p

import "` + recordPackage + `"

type pass struct{ Record *record.Record }

func (p *pass) write(r *record.Record, run *record.HookRun, row record.Row, list *record.AppList) {
	p.Record = r
	row.Adopted = true
	r.MarkPending()
	_ = &record.Header{Pending: true}
	list.NoteProblem("none")

	p.Record.Pending = true
	r.Revision.Ref = "main"
	r.Runs[0].Gone = true
	(*r).Hooks.Due = ""
	delete(r.Foreign, "x")
	run.Attempt++
	_ = &r.Source
	*r.Inventory = record.Inventory{}
	for r.App = range r.Foreign {
	}
	list.Problem = ""
	list.Behind[0].Failed = true
	list.Stored.Version = ""
}
`
	packages, fset := listPackages(t, recordPackage), token.NewFileSet()
	file, err := parser.ParseFile(fset, "p.go", text, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	imports := importer.ForCompiler(fset, "gc", func(path string) (io.ReadCloser, error) { return os.Open(packages[path].Export) })
	var fields []string
	for _, at := range recordWrites(t, fset, imports, "p", []*ast.File{file}) {
		fields = append(fields, at[strings.LastIndex(at, " ")+1:])
	}
	want := []string{"Pending", "Revision", "Gone", "Due", "Foreign", "Attempt", "Source", "Inventory", "App", "Problem", "Failed", "Version"}
	if !slices.Equal(fields, want) {
		t.Errorf("found %v, want %v", fields, want)
	}
}
