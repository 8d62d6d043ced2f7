package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// source is what the pages need of the code below one directory, read as text: nothing is compiled or run. Names are
// those of packages and types, such as report.Run.
type source struct {
	types  map[string]declared
	values map[string][]value // constants by the name of their type
	kinds  map[string]string  // the kind of a document, to the name of the type that is printed
	keys   map[string]value   // constants that are labels or annotations, by their value
}

type declared struct {
	pkg  string
	doc  string
	expr ast.Expr
}

// value is a constant: what it is, and the comment beside it.
type value struct{ text, comment string }

// keyPrefix begins our labels and annotations.
const keyPrefix = "kubectl-gitops.dev/"

// isKey tells whether text is a label or an annotation on objects in Git: ours, or one of a tool that people come from.
func isKey(text string) bool {
	for _, prefix := range []string{keyPrefix, "argocd.argoproj.io/", "kustomize.toolkit.fluxcd.io/", "helm.sh/", "config.kubernetes.io/"} {
		if rest, ok := strings.CutPrefix(text, prefix); ok {
			return rest != "" && rest != "v1alpha1" && !strings.ContainsAny(rest, " /=~")
		}
	}
	return false
}

func parse(dir string) (*source, error) {
	s := &source{types: map[string]declared{}, values: map[string][]value{}, kinds: map[string]string{}, keys: map[string]value{}}
	files := token.NewFileSet()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if d.Name() == "testdata" || d.Name() == "e2e" || d.Name() == "docgen" {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		f, err := parser.ParseFile(files, path, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		return s.add(f)
	})
	return s, err
}

func (s *source) add(f *ast.File) error {
	pkg := f.Name.Name
	for _, d := range f.Decls {
		group, ok := d.(*ast.GenDecl)
		if !ok {
			continue
		}
		for _, spec := range group.Specs {
			switch spec := spec.(type) {
			case *ast.TypeSpec:
				doc := spec.Doc.Text()
				if doc == "" {
					doc = group.Doc.Text()
				}
				s.types[pkg+"."+spec.Name.Name] = declared{pkg, sentence(doc), spec.Type}
			case *ast.ValueSpec:
				if group.Tok == token.CONST {
					s.constant(pkg, spec)
				}
			}
		}
	}
	var err error
	ast.Inspect(f, func(n ast.Node) bool {
		if lit, ok := n.(*ast.CompositeLit); ok && err == nil {
			err = s.document(pkg, lit)
		}
		return true
	})
	return err
}

func (s *source) constant(pkg string, spec *ast.ValueSpec) {
	for _, v := range spec.Values {
		text, ok := stringOf(v)
		if !ok {
			continue
		}
		found := value{text, sentence(spec.Comment.Text())}
		if name, ok := spec.Type.(*ast.Ident); ok {
			s.values[pkg+"."+name.Name] = append(s.values[pkg+"."+name.Name], found)
		}
		if isKey(text) && s.keys[text].comment == "" {
			s.keys[text] = found
		}
	}
}

// document notes literals such as Report{TypeMeta: metav1.TypeMeta{Kind: "Report", APIVersion: status.APIVersion}}.
func (s *source) document(pkg string, lit *ast.CompositeLit) error {
	meta, ok := field(lit, "TypeMeta").(*ast.CompositeLit)
	if !ok || lit.Type == nil || name(pkg, meta.Type) != "metav1.TypeMeta" {
		return nil
	}
	if version := name(pkg, field(meta, "APIVersion")); version != "status.APIVersion" { // a document of Kubernetes
		return nil
	}
	kind, ok := stringOf(field(meta, "Kind"))
	if !ok {
		return fmt.Errorf("%s: the kind of %s is not a literal", pkg, name(pkg, lit.Type))
	}
	s.kinds[kind] = name(pkg, lit.Type)
	return nil
}

func field(lit *ast.CompositeLit, key string) ast.Expr {
	for _, e := range lit.Elts {
		if kv, ok := e.(*ast.KeyValueExpr); ok {
			if id, ok := kv.Key.(*ast.Ident); ok && id.Name == key {
				return kv.Value
			}
		}
	}
	return nil
}

func stringOf(e ast.Expr) (string, bool) {
	lit, ok := e.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return "", false
	}
	s, err := strconv.Unquote(lit.Value)
	return s, err == nil
}

// name is the name of a type that is used in pkg, without pointers.
func name(pkg string, e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return pkg + "." + e.Name
	case *ast.SelectorExpr:
		if p, ok := e.X.(*ast.Ident); ok {
			return p.Name + "." + e.Sel.Name
		}
	case *ast.StarExpr:
		return name(pkg, e.X)
	}
	return ""
}

// jsonName is the name of a field in JSON: empty when it is inlined, "-" when it is left out. optional tells whether it
// may be missing.
func jsonName(f *ast.Field) (key string, optional bool) {
	if f.Tag == nil {
		return "", false
	}
	tag, err := strconv.Unquote(f.Tag.Value)
	if err != nil {
		return "", false
	}
	parts := strings.Split(reflect.StructTag(tag).Get("json"), ",")
	return parts[0], slices.Contains(parts, "omitempty") || slices.Contains(parts, "omitzero")
}

// sentence makes one line of a comment.
func sentence(s string) string { return strings.Join(strings.Fields(s), " ") }
