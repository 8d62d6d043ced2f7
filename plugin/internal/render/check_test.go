package render

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
)

func TestSizesTheServerRefuses(t *testing.T) {
	head := "apiVersion: v1\nkind: %s\nmetadata: {name: x}\n"
	configMap := fmt.Sprintf(head, "ConfigMap")
	secret := fmt.Sprintf(head, "Secret")
	text := func(n int) string { return strings.Repeat("x", n) }
	encoded := func(n int) string { return base64.StdEncoding.EncodeToString(make([]byte, n)) }
	tests := []struct{ name, file, want string }{
		{"ConfigMap that fits", configMap + "data: {a: " + text(maxDataBytes-1) + ", b: x}\n", ""},
		{"ConfigMap", configMap + "data: {a: " + text(maxDataBytes) + ", b: x}\n", "data holds 1,048,577 bytes, and the API server accepts 1 MiB"},
		{"binaryData", configMap + "binaryData: {a: " + encoded(maxDataBytes+3) + "}\n", "data holds 1,048,581 bytes"},
		{"Secret that fits", secret + "data: {a: " + encoded(maxDataBytes) + "}\n", ""},
		{"Secret", secret + "data: {a: " + encoded(maxDataBytes) + "}\nstringData: {b: x}\n", "data holds 1,048,577 bytes, and the API server accepts 1 MiB"},
		{"object", fmt.Sprintf(head, "Big") + "spec: " + text(maxObjectBytes) + "\n", "the API server accepts 3 MiB"},
		{"annotations", "apiVersion: v1\nkind: A\nmetadata: {name: x, annotations: {a: " + text(maxAnnotationBytes) + "}}\n", "annotations hold 262,145 bytes"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			writeFile(t, dir, "f.yaml", test.file)
			_, err := Dir(t.Context(), openRoot(t, dir), ".", Options{AllowPlainSecrets: true})
			if got := errorText(err); (got == "") != (test.want == "") || !strings.Contains(got, test.want) {
				t.Errorf("got %.200s, want %s", got, test.want)
			}
		})
	}
}

func TestStringDataBecomesData(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, dir, "f.yaml", "apiVersion: v1\nkind: Secret\nmetadata: {name: x}\nstringData: {a: hunter2, b: ''}\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: x2}\nstringData: {}\n")
	objects, err := Dir(t.Context(), openRoot(t, dir), ".", Options{AllowPlainSecrets: true})
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(objects[0].Object); got != "map[apiVersion:v1 data:map[a:aHVudGVyMg== b:] kind:Secret metadata:map[name:x]]" {
		t.Error(got)
	}
	if got := fmt.Sprint(objects[1].Object); got != "map[apiVersion:v1 kind:Secret metadata:map[name:x2]]" {
		t.Error(got)
	}
	// Printing masks a copy.
	text, err := YAML(objects)
	if err != nil || bytes.Contains(text, []byte("aHVudGVyMg")) || !strings.Contains(fmt.Sprint(objects[0].Object), "aHVudGVyMg==") {
		t.Errorf("%s, %v, %v", text, err, objects[0].Object)
	}
}

func TestID(t *testing.T) {
	for want, text := range map[string][4]string{
		"apps/Deployment/shop/web":                         {"apps/v1", "Deployment", "shop", "web"},
		"v1/Secret/shop/x":                                 {"v1", "Secret", "shop", "x"},
		"v1/Namespace/shop":                                {"v1", "Namespace", "", "shop"},
		"rbac.authorization.k8s.io/ClusterRole/system:foo": {"rbac.authorization.k8s.io/v1", "ClusterRole", "", "system:foo"},
	} {
		u := &unstructured.Unstructured{}
		u.SetAPIVersion(text[0])
		u.SetKind(text[1])
		u.SetNamespace(text[2])
		u.SetName(text[3])
		if got := (Object{Unstructured: u}).ID(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestProblemsCarryTheirHints(t *testing.T) {
	problems := Problems{
		{Origin: Origin{File: "b.yaml", Line: 2}, Message: "second", Hint: "do B"},
		{Origin: Origin{File: "b.yaml", Line: 1}, Object: "v1/Namespace/x", Message: "first", Hint: "do A"},
		{Origin: Origin{File: "a.yaml"}, Message: "whole file"},
	}
	err := fmt.Errorf("app shop: %w", problems.Sorted())
	if want := "app shop: a.yaml: whole file\nb.yaml:1: v1/Namespace/x: first\nb.yaml:2: second"; err.Error() != want {
		t.Errorf("got %s", err)
	}
	if got := strings.Join(hint.Of(err), ", "); got != "do A, do B" {
		t.Errorf("hints: %s", got)
	}
	var all Problems
	var one Problem
	if !errors.As(err, &all) || len(all) != 3 || !errors.As(err, &one) {
		t.Error("the types are lost")
	}
}

func TestEmptyRenderHasItsOwnError(t *testing.T) {
	if _, err := Dir(t.Context(), openRoot(t, t.TempDir()), ".", Options{}); !errors.Is(err, ErrEmpty) {
		t.Error(err)
	}
}

// A file name is not to be trusted: printed into YAML or a terminal it must stay one line.
func TestOriginQuotesControlCharacters(t *testing.T) {
	if got := (Origin{File: "a\nkind: Evil\x1b[2J.yaml", Line: 3}).String(); got != `"a\nkind: Evil\x1b[2J.yaml":3` {
		t.Error(got)
	}
}

func TestNamedPipesAreNotOpened(t *testing.T) {
	dir := t.TempDir()
	if err := mkfifo(filepath.Join(dir, "pipe.yaml")); err != nil {
		t.Skip(err)
	}
	_, err := Dir(t.Context(), openRoot(t, dir), ".", Options{})
	if errorText(err) != "pipe.yaml: not a regular file" {
		t.Error(err)
	}
}

func TestDirectoriesThatAreDeep(t *testing.T) {
	dir := t.TempDir()
	deep := filepath.Join(dir, strings.Repeat("d/", 30))
	if err := os.MkdirAll(deep, 0o755); err != nil {
		t.Fatal(err)
	}
	_, err := Dir(t.Context(), openRoot(t, dir), ".", Options{Limits: Limits{Depth: 20}})
	if err == nil || !strings.Contains(err.Error(), "more than 20 directories deep") {
		t.Error(err)
	}
}

func TestRendersAreEqualByteForByte(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		scene := readScene(t, file)
		if first, second := scene.render(t), scene.render(t); first != second {
			t.Errorf("%s renders\n%s\nthen\n%s", file, first, second)
		}
	}
}
