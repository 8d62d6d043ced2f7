package bumper

import (
	"slices"
	"strings"
	"testing"
)

// The name of an image is in one file, its tag in another.
func TestFieldSiblings(t *testing.T) {
	const chart = "-- charts/web/Chart.yaml --\nname: web\n-- charts/web/values.yaml --\nimage: {repository: acme/web, tag: ''}\n"
	for name, c := range map[string]struct {
		files string // @ is v1 before and v2 after
		left  []string
	}{
		"A6 null in the defaults":    {"-- web/values.yaml --\nimage: {repository: acme/web, tag: null}\n-- web/values-prod.yaml --\nimage:\n  tag: \"@\"\n", nil},
		"A6 empty in the defaults":   {"-- web/values.yaml --\nimage: {repository: acme/web, tag: ''}\n-- web/values-prod.yaml --\nimage: {tag: @}\n-- web/values-dev.yaml --\nimage: {tag: @}\nx: 1\n", nil},
		"A6 no key in the defaults":  {"-- web/values.yaml --\nimage:\n  repository: acme/web\n-- web/values-prod.yaml --\nimage: {tag: @}\n", nil},
		"A6 a default":               {"-- web/values.yaml --\nimage: {repository: acme/web, tag: @}\n-- web/values-prod.yaml --\nimage: {tag: @}\n", nil},
		"A6 deeper":                  {"-- web/values.yaml --\na: {b: {image: {repository: acme/web}}}\n-- web/values-prod.yaml --\na:\n  b:\n    image:\n      tag: @ # c\n", nil},
		"A6 the registry is another": {"-- web/values.yaml --\nimage: {registry: ghcr.io, repository: acme/web, tag: @}\n-- web/values-prod.yaml --\nimage: {registry: mirror.io, tag: v1}\n-- x.yaml --\nimage: ghcr.io/acme/web:@\n", nil},
		"A6 imageTag":                {"-- web/values.yaml --\nimage: acme/web\nimageTag: @\n-- web/values-prod.yaml --\nimageTag: @\n", nil},
		"A6 version":                 {"-- web/values.yaml --\nimage: acme/web\n-- web/values-prod.yaml --\nversion: @\n", nil},
		"A6 a chart":                 {"-- web/Chart.yaml --\nname: web\n-- web/values.yaml --\nimage: {repository: acme/web}\n-- web/environments/blue/customer.yaml --\nimage: {tag: @}\n-- web/templates/x.yaml --\nimage: {tag: v1}\n", nil},
		"A6 directories":             {"-- web/base/values.yaml --\nimage: {repository: acme/web}\n-- web/overlays/prod/values.yaml --\nimage: {tag: @}\n", nil},
		"A6 values/prod":             {"-- values/web.yaml --\nimage: {repository: acme/web}\n-- values/prod/web.yaml --\nimage: {tag: @}\n-- values/prod/api.yaml --\nimage: {tag: v1}\n", nil},
		"A6 the sibling has its own": {"-- web/values.yaml --\nimage: {repository: acme/web, tag: @}\n-- web/values-prod.yaml --\nimage: {repository: acme/other, tag: v1}\n", nil},
		"A6 another path":            {"-- web/values.yaml --\nimage: {repository: acme/web, tag: @}\n-- web/values-prod.yaml --\nproxy: {image: {tag: v1}}\n", nil},
		"A6 another app":             {"-- web/values.yaml --\nimage: {repository: acme/web, tag: @}\n-- api/values-prod.yaml --\nimage: {tag: v1}\n", nil},
		"A6 another chart's values": {"-- web/values.yaml --\nimage: {repository: acme/web, tag: @}\n-- web/redis-values.yaml --\nimage: {tag: v1}\n-- web/redis/values.yaml --\nimage: {tag: v1}\n-- web/x-values.yaml --\nimage: {tag: v7}\n",
			[]string{"web/redis-values.yaml:1:14: still acme/web:v1: may be the tag of the image that web/values.yaml names; nothing says that the two files belong together"}},
		"A6 two defaults": {"-- web/values.yaml --\nimage: {repository: acme/web, tag: @}\n-- web/values-common.yaml --\nimage: {repository: acme/other}\n-- web/values-prod.yaml --\nimage: {tag: v1}\n",
			[]string{"web/values-prod.yaml:1:14: still acme/web:v1: may be another image's tag: the defaults name several"}},
		"A6 two defaults agree": {"-- web/values.yaml --\nimage: {repository: acme/web}\n-- web/values-common.yaml --\nimage: {repository: docker.io/acme/web}\n-- web/values-prod.yaml --\nimage: {tag: @}\n", nil},
		"A6 objects are none":   {"-- web/values.yaml --\nimage: {repository: acme/web, tag: @}\n-- web/prod.yaml --\napiVersion: v1\nkind: X\nimage: {tag: v1}\n", nil},

		"M8 a patch of a HelmRelease": {"-- base/r.yaml --\nkind: HelmRelease\nmetadata: {name: web}\nspec: {chart: {spec: {chart: web}}, values: {image: {repository: acme/web}}}\n" +
			"-- prod/p.yaml --\nkind: HelmRelease\nmetadata: {name: web}\nspec: {chart: {spec: {version: 1.x}}, values: {image: {tag: @}}}\n" +
			"-- other/r.yaml --\nkind: HelmRelease\nmetadata: {name: web}\nspec: {chart: {spec: {chart: web}}, values: {image: {tag: v1}}}\n" +
			"-- prod/q.yaml --\nkind: HelmRelease\nmetadata: {name: webber}\nspec: {values: {image: {tag: v1}}}\n", nil},
		"M8 a patch in a kustomization": {"-- base/r.yaml --\nkind: HelmRelease\nmetadata: {name: web}\nspec: {chart: {spec: {chart: web}}, values: {image: {repository: acme/web}}}\n" +
			"-- prod/kustomization.yaml --\npatches:\n- patch: |\n    kind: HelmRelease\n    metadata: {name: web}\n    spec:\n      values:\n        image:\n          tag: @ # c\n", nil},
		"M8 a HelmRelease of a chart beside it": {"-- charts/web/Chart.yaml --\nname: web\n-- charts/web/values.yaml --\nimage: {repository: acme/web, tag: ''}\n" +
			"-- prod/r.yaml --\nkind: HelmRelease\nmetadata: {name: web}\nspec: {chart: {spec: {chart: ./charts/web}}, values: {image: {tag: @}}}\n", nil},
		"M8 an Application of a chart beside it": {"-- charts/web/Chart.yaml --\nname: web\n-- charts/web/values.yaml --\nimage: {repository: acme/web, tag: ''}\n" +
			"-- prod/a.yaml --\nkind: Application\nmetadata: {name: web}\nspec: {source: {path: charts/web, helm: {valuesObject: {image: {tag: @}}}}}\n" +
			"-- dev/a.yaml --\nkind: Application\nmetadata: {name: web}\nspec:\n  source:\n    path: charts/web\n    helm:\n      values: |\n        image:\n          tag: @\n", nil},
		"M8 parameters of an Application": {chart + "-- a.yaml --\nkind: Application\nmetadata: {name: web}\nspec: {source: {path: charts/web, helm: {parameters: [{name: x.y, value: 1}, {name: image.tag, value: @}]}}}\n", nil},
		"M8 values files of an Application": {chart + "-- a.yaml --\nkind: Application\nspec: {source: {path: ./charts/web, helm: {valueFiles: [values.yaml, ../../env/acme.yaml]}}}\n" +
			"-- env/acme.yaml --\nimage: {tag: @}\n-- env/other.yaml --\nimage: {tag: v1}\n", nil},
		"M8 values files of another source": {chart + "-- a.yaml --\nkind: Application\nspec: {sources: [{ref: config}, {path: charts/web, helm: {valueFiles: [$config/env/acme.yaml]}}]}\n-- env/acme.yaml --\nimage: {tag: @}\n", nil},
		"M8 values files of a chart elsewhere": {"-- a.yaml --\nkind: ApplicationSet\nspec: {template: {spec: {source: {chart: web, repoURL: x, helm: {valueFiles: [$c/web.yaml, $c/acme.yaml]}}}}}\n" +
			"-- web.yaml --\nimage: {repository: acme/web}\n-- acme.yaml --\nimage: {tag: @}\n", nil},
		"M8 gitops.yaml": {chart + "-- gitops.yaml --\nkind: GitOps\napps:\n- {name: a, path: charts/web, helm: {values: [values.yaml, acme.yaml], set: {image.tag: @}}}\n- {name: b, path: charts/web, helm: {values: [/env/acme.yaml]}}\n" +
			"-- charts/web/acme.yaml --\nimage: {tag: @}\n-- env/acme.yaml --\nimage: {tag: @}\n", nil},
		"M8 gitops.yaml has it all": {"-- gitops.yaml --\napps: [{helm: {set: {image.repository: acme/web, image.tag: @}}}]\n", nil},
		"M8 charts of a kustomization": {"-- o/charts/web/Chart.yaml --\n-- o/charts/web/values.yaml --\nimage: {repository: acme/web, tag: ''}\n" +
			"-- o/kustomization.yaml --\nhelmCharts: [{name: web, valuesFile: acme.yaml, valuesInline: {image: {tag: @}}}]\n-- o/acme.yaml --\nimage: {tag: @}\n", nil},
		"M8 a HelmRelease of a chart elsewhere": {strings.Replace(chart, "''", "@", 1) + "-- r.yaml --\nkind: HelmRelease\nmetadata: {name: web}\nspec: {chart: {spec: {chart: web}}, values: {image: {tag: v1}}}\n-- x.yaml --\nimage: acme/web:@\n", nil},
		"M8 the files disagree": {strings.Replace(chart, "''", "@", 1) + "-- a.yaml --\nkind: Application\nspec: {source: {path: charts/web, helm: {valueFiles: [/env/other.yaml, /env/acme.yaml]}}}\n-- env/other.yaml --\nimage: {repository: acme/other}\n" +
			"-- env/acme.yaml --\nimage: {tag: v1}\n-- x.yaml --\nimage: acme/web:@\n", []string{"env/acme.yaml:1:14: still acme/web:v1: may be another image's tag: the defaults name several"}},
	} {
		t.Run(name, func(t *testing.T) {
			got, left := bumpTree(t, strings.ReplaceAll(c.files, "@", "v1"), map[bool]string{false: "acme/web=v2", true: "ghcr.io/acme/web=v2"}[strings.Contains(c.files, "ghcr.io")])
			if want := strings.ReplaceAll(c.files, "@", "v2"); got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
			if !slices.Equal(left, c.left) {
				t.Errorf("left %q\nwant %q", left, c.left)
			}
		})
	}
}

// With the defaults as context, only the tag of the environment is there to edit.
func TestFieldSiblingsInContext(t *testing.T) {
	files := treeOf("-- web/values.yaml --\nimage: {repository: acme/web, tag: v0}\n-- web/values-prod.yaml --\nimage: {tag: v1}\n")
	request := Request{Images: images(t, "acme/web=v2"), Context: files[:1]}
	result, err := Bump(files[1:], request)
	if err != nil || len(result.Files) != 1 || string(result.Files["web/values-prod.yaml"]) != "image: {tag: v2}\n" || result.Scanned != 1 || len(result.Left) != 0 {
		t.Errorf("A6 %v, %v", result, err)
	}
	if e := result.Edits[0]; e.Before != (Image{Name: "acme/web", Tag: "v1"}) || e.Path != "image.tag" || e.Line != 1 || e.Column != 14 {
		t.Errorf("A6 %+v", e)
	}
	refs, err := Find(files[1:], files[:1]...)
	if err != nil || len(refs) != 1 || refs[0].Image != (Image{Name: "acme/web", Tag: "v1"}) {
		t.Errorf("A6 %v, %v", refs, err)
	}
	request.Context = nil
	if _, err := Bump(files[1:], request); err == nil || !strings.Contains(err.Error(), "not found") {
		t.Errorf("A6 without context: %v", err)
	}
	digests := treeOf("-- values.yaml --\nimage: {repository: acme/web, tag: v1, digest: " + shaA + "}\n-- values-prod.yaml --\nimage: {tag: v1}\n-- values-dev.yaml --\nimage: {digest: " + shaA + "}\n")
	result, err = Bump(digests, Request{Images: images(t, "acme/web=v2@"+shaB)})
	if err != nil || string(result.Files["values-prod.yaml"]) != "image: {tag: v2}\n" || string(result.Files["values-dev.yaml"]) != "image: {digest: "+shaB+"}\n" {
		t.Errorf("A6 digests: %q, %v", result.Files, err)
	}
}
