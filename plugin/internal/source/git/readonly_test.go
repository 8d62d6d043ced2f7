package git_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

// writes are the functions and methods through which go-git changes a repository or a remote. Receivers are not
// resolved, so a method is looked for only in files that import go-git.
var writes = map[string]string{
	"Push": "pushes", "PushContext": "pushes", "NewReceivePackSession": "pushes", "ReceivePack": "pushes",
	"Commit": "commits", "CreateTag": "creates a tag", "DeleteTag": "deletes a tag",
	"CreateBranch": "creates a branch", "DeleteBranch": "deletes a branch",
	"CreateRemote": "changes the configuration", "CreateRemoteAnonymous": "changes the configuration",
	"DeleteRemote": "changes the configuration", "SetConfig": "changes the configuration",
	"SetReference": "moves a ref", "CheckAndSetReference": "moves a ref", "RemoveReference": "deletes a ref", "PackRefs": "rewrites refs",
	"SetEncodedObject": "stores an object", "PackfileWriter": "stores objects", "SetIndex": "changes the index", "SetShallow": "changes the repository",
	"Worktree": "opens a work tree, whose methods write", "PlainInit": "creates a repository", "PlainClone": "creates a repository",
	"PlainCloneContext": "creates a repository", "Clone": "creates a repository", "CloneContext": "creates a repository",
	"Fetch": "changes a repository", "FetchContext": "changes a repository", "Pull": "changes a repository", "PullContext": "changes a repository",
	"DeleteObject": "deletes objects", "Prune": "deletes objects", "RepackObjects": "rewrites objects",
	"AddAlternate": "changes the repository", "Merge": "moves a ref",
}

// gitWrites returns "file:line: call" for each Git write in one file.
func gitWrites(files *token.FileSet, file *ast.File) []string {
	var goGit bool
	var found []string
	report := func(n ast.Node, what string) {
		found = append(found, files.Position(n.Pos()).String()+": "+what)
	}
	for _, spec := range file.Imports {
		path := strings.Trim(spec.Path.Value, `"`)
		goGit = goGit || strings.HasPrefix(path, "github.com/go-git/go-git/")
		if strings.HasPrefix(path, "github.com/google/go-github") || path == "os/exec" && file.Name.Name == "git" {
			report(spec, "imports "+path)
		}
		if spec.Name != nil && spec.Name.Name == "." {
			report(spec, "dot import of "+path+" hides calls")
		}
	}
	if !goGit {
		return found
	}
	called := map[ast.Expr]bool{}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			called[n.Fun] = true
		case *ast.SelectorExpr:
			// Commit is also a type and a field: only its calls count.
			if x, ok := n.X.(*ast.Ident); ok && (x.Name == "slices" || x.Name == "maps") {
				break // slices.Clone has nothing to do with Git
			}
			if writes[n.Sel.Name] != "" && (n.Sel.Name != "Commit" || called[n]) {
				report(n, n.Sel.Name+" "+writes[n.Sel.Name])
			}
		}
		return true
	})
	return found
}

func TestThePullHalfNeverWritesToGit(t *testing.T) {
	const reason = "the pull half reads Git and writes to the cluster; only the push half writes to Git"
	files, seen := token.NewFileSet(), 0
	top := filepath.Join("..", "..", "..")
	err := filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (path == filepath.Join(top, "e2e") || d.Name() == "testdata"):
			return filepath.SkipDir // the nested module sets up repositories for its tests
		case d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		file, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		seen++
		for _, w := range gitWrites(files, file) {
			t.Errorf("%s: %s", w, reason)
		}
		return nil
	})
	if err != nil || seen < 5 {
		t.Fatalf("%d files looked at: %v", seen, err)
	}
}

func TestTheReadOnlyTestFindsWrites(t *testing.T) {
	for body, want := range map[string]int{
		`r.Push(nil)`: 1, `w, _ := r.Worktree(); w.Commit("x", nil)`: 2, `f := r.CreateTag; _ = f`: 1,
		`r.CreateRemote(nil)`: 1, `_ = slices.Clone(x)`: 0, `r.Reference("HEAD", true)`: 0, `git.PlainClone("", false, nil)`: 1,
	} {
		files := token.NewFileSet()
		file, err := parser.ParseFile(files, "x.go", "package x\nimport git \"github.com/go-git/go-git/v5\"\nfunc f(r *git.Repository) {"+body+"}", 0)
		if err != nil {
			t.Fatal(err)
		}
		if got := gitWrites(files, file); len(got) != want {
			t.Errorf("%s: %q", body, got)
		}
	}
}
