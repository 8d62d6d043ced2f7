package gitopsyaml

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/app"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/manifest"
)

func TestLoadAnOverlay(t *testing.T) {
	root := checkout(t, head+`- name: web
  path: web
  kustomize:
    namespace: shop
    namePrefix: x-
    images:
    - {name: registry.example.com:5000/nginx, newTag: 1.29.1}
    patches:
    - target: {kind: Deployment}
      patch: |-
        - op: add
    - path: /patches/a.yaml
    - patch: "{a: b}"
    components: [parts/log, /parts/more]
    labels: {team: "${TEAM}"}
    annotations: {example.com/a: any text}
    replicas: [{name: web, count: 0}]
`, "web")
	apps, _, err := Load(root, ".")
	if err != nil {
		t.Fatal(err)
	}
	at := func(line int) manifest.Origin { return manifest.Origin{File: "gitops.yaml", Line: line} }
	want := &app.Kustomize{Namespace: "shop", NamePrefix: "x-",
		Images:     []app.Image{{Name: "registry.example.com:5000/nginx", NewTag: "1.29.1"}},
		Patches:    []app.Patch{{Patch: "- op: add", Target: app.PatchTarget{Kind: "Deployment"}}, {Path: "patches/a.yaml"}, {Patch: "{a: b}"}},
		Components: []string{"parts/log", "parts/more"},
		Labels:     map[string]string{"team": "${TEAM}"}, Annotations: map[string]string{"example.com/a": "any text"},
		Replicas: []app.Replicas{{Name: "web"}},
		Origins: map[string]manifest.Origin{"": at(7), "namespace": at(7), "namePrefix": at(8), "images[0]": at(10), "components[0]": at(17), "components[1]": at(17), "replicas[0]": at(20),
			"patches[0]": at(12), "patches[0].patch": at(13), "patches[1]": at(15), "patches[2]": at(16), "patches[2].patch": at(15)}}
	if diff := cmp.Diff(want, apps[0].Kustomize); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestOverlaysThatAreRefused(t *testing.T) {
	for name, test := range map[string]struct{ text, want string }{
		"unknown key":         {"{namePrefx: a-}", `4: unknown key "namePrefx" in kustomize; did you mean namePrefix?`},
		"a patch of no text":  {"{patches: [{target: {kind: Service}}]}", "4: the patch has no text; give patch, the text, or path, a file with it"},
		"patch and path":      {"{patches: [{patch: a, path: b}]}", "4: the patch has both patch and path; keep one of the two"},
		"an image with a tag": {"{images: [{name: 'reg:5000/a:1', newTag: '2'}]}", `4: "reg:5000/a:1" is not the name of an image; write it without tag and digest; all tags of the image are replaced`},
		"an image for naught": {"{images: [{name: a}]}", "4: the image stays as it is; give newName, newTag or digest"},
		"a tag as a number":   {"{images: [{name: a, newTag: 1.10}]}", "4: newTag is a number, not a string; put the value in quotes\n4: the image stays as it is; give newName, newTag or digest"},
		"a component twice":   {"{components: [parts/a, b, /parts/a/]}", "4: the component /parts/a/ is listed twice; keep one of the two"},
		"a namespace":         {"{namespace: A}", `4: "A" cannot be the name of a namespace; lower-case letters, digits and '-' only`},
		"a prefix":            {"{namePrefix: A_}", `4: "A_" cannot be a part of names; lower-case letters, digits, '-' and '.' only`},
		"a label":             {"{labels: {a b: c}}", `4: "a b" cannot be the key of a label; write name, or example.com/name`},
		"a label's value":     {"{labels: {a: b c}}", `4: "b c" cannot be the value of a label; up to 63 letters, digits, '-', '_' and '.', with a letter or digit at both ends`},
		"an annotation":       {"{annotations: {/a: c}}", `4: "/a" cannot be the key of an annotation; write name, or example.com/name`},
		"replicas":            {"{replicas: [{name: a}, {name: b, count: -1}]}", "4: an element of replicas has no count\n4: count: \"-1\" is not a whole number from 0 on"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := Load(checkout(t, head+"- {name: a, path: a, kustomize: "+test.text+"}\n", "a"), ".")
			var problems manifest.Problems
			if !errors.As(err, &problems) {
				t.Fatal(err)
			}
			var got []string
			for _, p := range problems {
				line := fmt.Sprintf("%d: %s", p.Origin.Line, p.Message)
				if p.Hint != "" {
					line += "; " + p.Hint
				}
				got = append(got, line)
			}
			if diff := cmp.Diff(test.want, strings.Join(got, "\n")); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}
