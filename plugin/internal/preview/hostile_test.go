package preview_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/text"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/manifest"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/preview"
)

// checkMarkup parses a document as GitHub does and fails when it holds anything that we did not write: a link, an
// image, a heading or HTML of somebody else, or a mention outside code.
func checkMarkup(t *testing.T, document string) {
	t.Helper()
	source := []byte(document)
	tree := goldmark.New(goldmark.WithExtensions(extension.GFM)).Parser().Parse(text.NewReader(source))
	headings, open := 0, 0
	err := ast.Walk(tree, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Heading:
			headings++
		case *ast.HTMLBlock:
			html := string(n.Lines().Value(source))
			frame := strings.Count(html, "<details>") + strings.Count(html, "<summary>") + strings.Count(html, "<code>")
			if strings.Count(html, "<") != 2*frame-strings.Count(html, "<details>") && strings.TrimSpace(html) != "</details>" {
				t.Errorf("HTML: %q", html)
			}
			open += strings.Count(html, "<details>") - strings.Count(html, "</details>")
		case *ast.Text:
			if slices.Contains([]ast.NodeKind{ast.KindCodeSpan}, n.Parent().Kind()) {
				return ast.WalkContinue, nil
			}
			if s := string(n.Value(source)); strings.ContainsAny(s, "@<#") {
				t.Errorf("text outside code: %q", s)
			}
		case *ast.RawHTML, *ast.Link, *ast.AutoLink, *ast.Image, *ast.Blockquote:
			t.Errorf("%s in\n%s", n.Kind(), document)
		}
		return ast.WalkContinue, nil
	})
	if err != nil || headings != 1 || open != 0 {
		t.Errorf("%v, %d headings, %d details left open:\n%s", err, headings, open, document)
	}
	for _, r := range document {
		if r < ' ' && r != '\n' || r == 0x7f || r == '\u202e' {
			t.Errorf("%q reached the document", r)
		}
	}
}

func hostileObject(name, value string) manifest.Object {
	return manifest.Object{Unstructured: &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": name, "annotations": map[string]any{name: value}},
		"data": map[string]any{value: value},
	}}, Origin: manifest.Origin{File: value + ".yaml"}}
}

func hostilePreview(name, value string) preview.Preview {
	one := func(objects ...manifest.Object) preview.Rendering {
		return preview.Rendering{Name: name, Path: value, Present: true, Objects: objects}
	}
	images := func(image string) manifest.Object {
		o := hostileObject(name+"-image", "x")
		o.Object["spec"], o.Object["kind"] = map[string]any{"image": image}, value
		return o
	}
	return sum([]preview.App{
		preview.CompareApp(one(hostileObject(name, value), images(value+":1"), hostileObject("gone"+name, name)),
			one(hostileObject(name, value+"x"), images(value+":2"), hostileObject("new"+name, name)), nil),
		preview.CompareApp(one(), preview.Rendering{Name: value, Err: fmt.Errorf("%s: %s", name, value)}, []string{value}),
		preview.CompareApp(preview.Rendering{Name: name, Err: fmt.Errorf("%s", value)}, one(hostileObject(value, name)), nil),
	})
}

var hostileTexts = []string{
	"`", "``` \n</details>\n# x", "````\n", "</details><img src=x onerror=alert(1)>", "@octocat and @acme/team", "<!-- -->", "<script>",
	"[x](https://evil.example)", "![x](https://evil.example/x.png)", "https://evil.example", "www.evil.example", "#1 acme/x#2",
	"\x1b[31mred\x1b[0m\u202e", "a\n\nb\n\n# heading", "| a | b |\n|---|---|", "~~~\n", " ` `` ``` ", "\\`\\", "**b**", "\r\n# x", "&lt;b&gt;", "- [ ] x\n", "\u2028# x",
}

func TestHostileManifestsInjectNothing(t *testing.T) {
	for _, name := range hostileTexts {
		for _, value := range hostileTexts {
			p := hostilePreview(name, value)
			for _, limit := range []int{0, 2500} {
				checkMarkup(t, preview.Markdown(p, limit))
			}
			if t.Failed() {
				t.Fatalf("name %q, value %q", name, value)
			}
		}
	}
}

func FuzzMarkdown(f *testing.F) {
	for _, text := range hostileTexts {
		f.Add(text, "x", 0)
		f.Add("x", text, 3000)
	}
	f.Fuzz(func(t *testing.T, name, value string, limit int) {
		p := hostilePreview(name, value)
		document := preview.Markdown(p, limit%100_000)
		checkMarkup(t, document)
		if again := preview.Markdown(hostilePreview(name, value), limit%100_000); !bytes.Equal([]byte(document), []byte(again)) {
			t.Error("the same input gave other bytes")
		}
	})
}
