package bumper

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// Layouts that people report about tools like this one. Each is bumped, and bumped again.
func TestFieldShapes(t *testing.T) {
	for name, c := range map[string]struct {
		doc, assignments, want string
		note                   string
	}{
		"A4 version":                       {"image: ghcr.io/acme/api\nversion: 1.0.0\n", "ghcr.io/acme/api=1.1.0", "image: ghcr.io/acme/api\nversion: 1.1.0\n", ""},
		"A4 number":                        {"image: ghcr.io/acme/api\nversion: 1.0\n", "ghcr.io/acme/api=1.10", "image: ghcr.io/acme/api\nversion: \"1.10\"\n", ""},
		"A4 image_version":                 {"a: {image: acme/api, image_version: v1}\n", "acme/api=v2", "a: {image: acme/api, image_version: v2}\n", ""},
		"A4 imageVersion":                  {"a: {image: acme/api, imageVersion: v1}\n", "acme/api=v2", "a: {image: acme/api, imageVersion: v2}\n", ""},
		"A4 imageTag":                      {"a: {image: acme/api, imageTag: v1}\n", "acme/api=v2", "a: {image: acme/api, imageTag: v2}\n", ""},
		"A4 image_name and image_tag":      {"a: {image_name: acme/api, image_tag: v1}\n", "acme/api=v2", "a: {image_name: acme/api, image_tag: v2}\n", ""},
		"A4 imageRepository and imageTag":  {"a: {imageRepository: acme/api, imageTag: v1}\n", "acme/api=v2", "a: {imageRepository: acme/api, imageTag: v2}\n", ""},
		"A4 appVersion":                    {"image: acme/api\nappVersion: \"1.0\"\n", "acme/api=1.1", "image: acme/api\nappVersion: \"1.1\"\n", ""},
		"A4 repository and version":        {"web: {repository: acme/api, version: v1}\n", "acme/api=v2", "web: {repository: acme/api, version: v2}\n", ""},
		"A4 image: repository and version": {"image: {repository: acme/api, version: v1}\n", "acme/api=v2", "image: {repository: acme/api, version: v2}\n", ""},
		"A4 image: name and version":       {"image: {name: acme/api, version: v1}\n", "acme/api=v2", "image: {name: acme/api, version: v2}\n", ""},
		"A4 baseImage and tag":             {"spec: {baseImage: acme/api, tag: v1}\n", "acme/api=v2", "spec: {baseImage: acme/api, tag: v2}\n", ""},
		"A4 baseImage and version":         {"spec: {baseImage: acme/api, version: v1}\n", "acme/api=v2", "spec: {baseImage: acme/api, version: v2}\n", ""},
		"A4 its own version before others": {"{image: acme/api, proxyImage: acme/proxy, proxyVersion: v1, proxyImageVersion: v1, version: v1}\n", "acme/proxy=v2",
			"{image: acme/api, proxyImage: acme/proxy, proxyVersion: v1, proxyImageVersion: v2, version: v1}\n", ""},
		"A4 the version is the image's": {"a: {image: acme/api, proxyImage: acme/proxy, version: v1}\nx: {image: acme/proxy:v1}\n", "acme/proxy=v2",
			"a: {image: acme/api, proxyImage: acme/proxy, version: v1}\nx: {image: acme/proxy:v2}\n", "without a tag"},
		"A4 tag before version":         {"a: {image: acme/api, version: v7, tag: v1}\n", "acme/api=v2", "a: {image: acme/api, version: v7, tag: v2}\n", ""},
		"A4 parameters":                 {"parameters:\n- {name: web.image, value: acme/api}\n- {name: web.version, value: v1}\n", "acme/api=v2", "parameters:\n- {name: web.image, value: acme/api}\n- {name: web.version, value: v2}\n", ""},
		"A4 a chart's version is not":   {"a: {image: acme/api, version: v1, chart: api}\nx: {image: acme/api:v1}\n", "acme/api=v2", "a: {image: acme/api, version: v1, chart: api}\nx: {image: acme/api:v2}\n", "without a tag"},
		"A4 a range is no tag":          {"a: {image: acme/api, version: '>=1.0'}\nx: {image: acme/api:v1}\n", "acme/api=v2", "a: {image: acme/api, version: '>=1.0'}\nx: {image: acme/api:v2}\n", "without a tag"},
		"A4 dependencies are no images": {"dependencies:\n- {name: api, repository: acme/api, version: 1.0.0}\nx: {image: acme/api:1.0.0}\n", "acme/api=1.1.0", "dependencies:\n- {name: api, repository: acme/api, version: 1.0.0}\nx: {image: acme/api:1.1.0}\n", ""},
		"A4 version with a digest":      {"{image: acme/api, version: v1@" + shaA + "}\n", "acme/api=v2@" + shaB, "{image: acme/api, version: v2@" + shaB + "}\n", ""},

		"A7 two images": {"a: {repository: acme/api, tag: &t v1}\nb: {repository: acme/web, tag: *t}\n", "acme/api=v2 acme/web=v2", "a: {repository: acme/api, tag: &t v2}\nb: {repository: acme/web, tag: *t}\n", ""},
		"A7 three, the anchor elsewhere": {"v: &t 1.0\na: {repository: acme/api, tag: &u v1}\nb: {repository: acme/web, tag: *u}\nc: {image: acme/db, tag: *u}\n", "acme/web=v2 acme/db=v2 acme/api=v2",
			"v: &t 1.0\na: {repository: acme/api, tag: &u v2}\nb: {repository: acme/web, tag: *u}\nc: {image: acme/db, tag: *u}\n", ""},
		"A7 merged": {"a: {repository: acme/api, <<: &m {tag: v1}}\nb: {repository: acme/web, <<: *m}\nc: &c {tag: v1, repository: acme/db}\nd: {<<: *c, repository: acme/job}\n", "acme/db=v2 acme/job=v2",
			"a: {repository: acme/api, <<: &m {tag: v1}}\nb: {repository: acme/web, <<: *m}\nc: &c {tag: v2, repository: acme/db}\nd: {<<: *c, repository: acme/job}\n", ""},

		"A9 registry has the name":         {"image: {registry: ghcr.io/acme/api, tag: v1}\n", "ghcr.io/acme/api=v2", "image: {registry: ghcr.io/acme/api, tag: v2}\n", ""},
		"A9 registry and digest":           {"web: {registry: ghcr.io/acme/api, digest: " + shaA + "}\n", "ghcr.io/acme/api@" + shaB, "web: {registry: ghcr.io/acme/api, digest: " + shaB + "}\n", ""},
		"A9 registry, image, tag":          {"image: {registry: ghcr.io/acme, image: api, tag: v1}\n", "ghcr.io/acme/api=v2", "image: {registry: ghcr.io/acme, image: api, tag: v2}\n", ""},
		"A9 registry, name, tag":           {"web: {registry: ghcr.io, name: acme/api, tag: v1}\n", "ghcr.io/acme/api=v2", "web: {registry: ghcr.io, name: acme/api, tag: v2}\n", ""},
		"A9 repository, image, version":    {"web: {repository: ghcr.io/acme, image: api, version: v1}\n", "ghcr.io/acme/api=v2", "web: {repository: ghcr.io/acme, image: api, version: v2}\n", ""},
		"A9 registry, repository, image":   {"web: {registry: ghcr.io, repository: acme, image: api, tag: v1}\n", "ghcr.io/acme/api=v2", "web: {registry: ghcr.io, repository: acme, image: api, tag: v2}\n", ""},
		"A9 repository, name, tag":         {"image: {repository: ghcr.io/acme, name: api, tag: v1}\n", "ghcr.io/acme/api=v2", "image: {repository: ghcr.io/acme, name: api, tag: v2}\n", ""},
		"A9 repository and its name":       {"image: {repository: ghcr.io/acme/api, name: api, tag: v1}\n", "ghcr.io/acme/api=v2", "image: {repository: ghcr.io/acme/api, name: api, tag: v2}\n", ""},
		"A9 the image beside a repository": {"web: {repository: acme/web, image: 'acme/api:v1'}\n", "acme/api=v2", "web: {repository: acme/web, image: 'acme/api:v2'}\n", ""},
		"A9 registry, image and its tag":   {"web: {registry: ghcr.io, image: 'acme/api:v1'}\n", "ghcr.io/acme/api=v2", "web: {registry: ghcr.io, image: 'acme/api:v2'}\n", ""},

		"A13 the tag has its digest": {"image: {repository: acme/api, tag: v1@" + shaA + "}\n", "acme/api=v2@" + shaB, "image: {repository: acme/api, tag: v2@" + shaB + "}\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			files := []File{{Path: "f.yaml", Data: []byte(c.doc)}}
			request := Request{Images: images(t, strings.Fields(c.assignments)...)}
			result, err := Bump(files, request)
			if err != nil {
				t.Fatal(err)
			}
			if got := string(result.Files["f.yaml"]); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			if notes := strings.Join(result.Notes, "\n"); !strings.Contains(notes, c.note) || c.note == "" && notes != "" {
				t.Errorf("notes %q, want %q", notes, c.note)
			}
			again, err := Bump([]File{{Path: "f.yaml", Data: result.Files["f.yaml"]}}, request)
			if err != nil || len(again.Edits) != 0 || len(again.Current) == 0 {
				t.Errorf("a second run edits %v, %v", again.Edits, err)
			}
		})
	}
}

// A tag that images share changes for all of them, so each has to ask for it.
func TestFieldSharedTags(t *testing.T) {
	doc := "a: {repository: acme/api, tag: &t v1}\nb: {repository: acme/web, tag: *t}\nc: {repository: acme/db, tag: *t}\n"
	for name, c := range map[string]struct{ assignments, want string }{
		"A7 one of three": {"acme/api=v2", "is also the value of b.tag, for acme/web"},
		"A7 two of three": {"acme/api=v2 acme/web=v2", "is also the value of c.tag, for acme/db"},
		"A7 two tags":     {"acme/api=v2 acme/web=v3 acme/db=v2", "takes its value through the alias *t"},
	} {
		_, err := Bump([]File{{Path: "f.yaml", Data: []byte(doc)}}, Request{Images: images(t, strings.Fields(c.assignments)...)})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
}

// Whatever has the old version and is not edited is named, wherever it stands.
func TestFieldLeft(t *testing.T) {
	const deployment = "kind: Deployment\nspec: {template: {spec: {containers: [{name: api, image: ghcr.io/acme/api:1.0.0}]}}}\n"
	for name, c := range map[string]struct {
		doc  string // ^ before each place that is left
		want string // the reason of all of them
	}{
		"A5 environment variable":  {"env: [{name: WORKER, value: ^ghcr.io/acme/api:1.0.0}]\n", leftInText},
		"A5 argument":              {"args:\n- --sidecar=^ghcr.io/acme/api:1.0.0\n- '-x,^ghcr.io/acme/api:1.0.0,y'\n", leftInText},
		"A5 JSON in a ConfigMap":   {"data:\n  config: |\n    {\"image\": \"^ghcr.io/acme/api:1.0.0\"}\n", leftInText},
		"A5 JSON in quotes":        {"data:\n  config: \"{\\\"image\\\": \\\"^ghcr.io/acme/api:1.0.0\\\"}\"\n", leftInText},
		"A5 JSON with slashes":     {"data:\n  config: '{\"image\": \"^ghcr.io\\/acme\\/api:1.0.0\"}'\n", leftInText},
		"A5 escapes":               {"a: \"x\\n^ghcr.io/acme/api:1.0.0\\ty\\u003d^ghcr.io/acme/api:1.0.0\"\n", leftInText},
		"A5 script":                {"data:\n  run.sh: |\n    docker run docker://^ghcr.io/acme/api:1.0.0 \\\n      --rm\n", leftInText},
		"A5 default of a variable": {"a: ${IMAGE:=^ghcr.io/acme/api:1.0.0} ${IMAGE:-^ghcr.io/acme/api:1.0.0}\nb: ${IMAGE-^ghcr.io/acme/api:1.0.0}\n", leftInText},
		"A5 annotation":            {"metadata:\n  annotations:\n    example.com/from: ^ghcr.io/acme/api:1.0.0\n", leftInText},
		"A5 key":                   {"^ghcr.io/acme/api:1.0.0: 1\n", leftInText},
		"A5 related images":        {"spec:\n  relatedImages:\n  - {name: api, containerImage: x, value: ^ghcr.io/acme/api:1.0.0}\n", leftInText},
		"A5 folded":                {"a: >-\n  runs\n  ^ghcr.io/acme/api:1.0.0.\n", leftInText},
		"A5 with a digest":         {"a: ^ghcr.io/acme/api:1.0.0@" + shaA + "\n", leftInText},
		"A5 comment":               {"a: 1 # was ^ghcr.io/acme/api:1.0.0\n# ^ghcr.io/acme/api:1.0.0\n", leftInComment},
		"A5 file that is no YAML":  {"{{ if .x }}\na: {{ .y }} ^ghcr.io/acme/api:1.0.0\n{{ end }}\n", leftInText},
		"A5 several on a line":     {"a: ^ghcr.io/acme/api:1.0.0 ghcr.io/acme/api:1.0.0\n", leftInText},
		"A5 other images":          {"a: ghcr.io/acme/api-gateway:1.0.0 ghcr.io/acme/api:1.0.0-rc.1 ghcr.io/acme/api:1.0 x/ghcr.io/acme/api:1.0.0 /ghcr.io/acme/api:1.0.0 acme/api:1.0.0 my-ghcr.io/acme/api:1.0.0\n", ""},
		"A5 has it already":        {"a: ghcr.io/acme/api:1.1.0\nb: ghcr.io/acme/api\nc: 1.0.0\n", ""},
		"A5 edited everywhere":     {deployment, ""},

		"A4 version beside": {"image: ghcr.io/acme/api:1.0.0\nversion: ^1.0.0\n", "the key version beside the image is not edited"},
		"A4 tag beside":     {"a:\n  image: ghcr.io/acme/api:1.0.0\n  tag: ^v1.0.0\n", "the key tag beside the image is not edited"},
		"A4 beside a tag":   {"image:\n  repository: ghcr.io/acme/api\n  tag: 1.0.0\n  version: ^1.0.0\n", "the key version beside the image is not edited"},
		"A4 another beside": {"image: ghcr.io/acme/api:1.0.0\nversion: 1.0.1\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			doc, want := c.doc, []string{}
			for strings.Contains(doc, "^") {
				before, after, _ := strings.Cut(doc, "^")
				line, column := position([]byte(before), len(before))
				doc = before + after
				if n := len(want); n == 0 || !strings.HasPrefix(want[n-1], fmt.Sprintf("f.yaml:%d:", line)) { // one for each line
					want = append(want, fmt.Sprintf("f.yaml:%d:%d: %s", line, column, c.want))
				}
			}
			result, err := Bump([]File{{Path: "app.yaml", Data: []byte(deployment)}, {Path: "f.yaml", Data: []byte(doc)}}, Request{Images: images(t, "ghcr.io/acme/api=1.1.0")})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, l := range result.Left {
				got = append(got, fmt.Sprintf("%s:%d:%d: %s", l.File, l.Line, l.Column, l.Reason))
			}
			if !slices.Equal(got, want) {
				t.Errorf("left\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
		})
	}
}

// YAML inside a literal block is edited like the file around it.
func TestFieldTexts(t *testing.T) {
	for name, c := range map[string]struct {
		doc  string // every @ is 1.0.0 before and 1.1.0 after
		left string // the places that are left, line:column
	}{
		"R9 values of an Application":      {"spec:\n  source:\n    helm:\n      values: |\n        # c\n        image:\n          repository: acme/api\n          tag: @ # d\n      x: 1\n", ""},
		"R9 of several sources":            {"sources:\n- helm:\n    values: |-\n        image: acme/api:@\n- helm: {values: ''}\n- helm:\n    values: |+\n        image: \"acme/api:@\"\n\n\n", ""},
		"R9 a ConfigMap for a HelmRelease": {"kind: ConfigMap\ndata:\n  values.yaml: |\n\n    \n    web:\n        image: {repository: acme/api, tag: '@'}\n", ""},
		"R9 a key of valuesFrom":           {"kind: ConfigMap\ndata:\n  prodValues: |\n    image: acme/api:@\n  other-values: |\n    image: acme/api:@\n", ""},
		"R9 HelmChart of k3s":              {"spec:\n  valuesContent: |\n    image: acme/api:@\n", ""},
		"R9 patches":                       {"patches:\n- patch: |-\n    - op: replace\n      path: /spec/template/spec/containers/0/image\n      value: acme/api:@\n- patch: |\n    kind: Deployment\n    spec: {template: {spec: {containers: [{name: x, image: acme/api:@}]}}}\n", ""},
		"R9 patchesStrategicMerge":         {"patchesStrategicMerge:\n- x.yaml\n- |\n  kind: Deployment\n  spec: {template: {spec: {containers: [{name: x, image: acme/api:@}]}}}\n", ""},
		"R9 JSON patch":                    {"patches:\n- patch: |\n    [{\"op\": \"replace\", \"path\": \"/spec/image\", \"value\": \"acme/api:@\"}]\n", ""},
		"R9 indentation indicator":         {"helm:\n  values: |2-\n      # more indented\n    image: acme/api:@\n", ""},
		"R9 comment after the header":      {"helm:\n  values: &x !!str |  # c\n    image: acme/api:@\n", ""},
		"R9 header on a line of its own":   {"helm:\n  values: &x\n    |\n    image: acme/api:@\n", ""},
		"R9 several documents":             {"data:\n  all.yaml: |\n    a: 1\n    ---\n    image: acme/api:@\n    ---\n    kind: Job\n    spec: {containers: [{image: acme/api:@}]}\n", ""},
		"R9 a text in a text":              {"data:\n  app.yaml: |\n    spec:\n      source:\n        helm:\n          values: |\n            image: acme/api:@ # ü\n            tag: x\n    metadata: {name: x}\n", ""},
		"R9 beside others":                 {"image: acme/api:@\nhelm:\n  values: |\n    ü: 1\n    image: acme/api:@\nb: {image: acme/api:@}\n", ""},
		"R9 anchor in the text":            {"helm:\n  values: |\n    a: {image: &i acme/api:@}\n    b: {image: *i}\n", ""},
		"R9 anchor of the text":            {"a:\n  helm:\n    values: &v |\n      image: acme/api:@\nb:\n  helm:\n    values: *v\n", ""},
		"R9 folded is left":                {"image: acme/api:@\nhelm:\n  values: >\n    image: acme/api:1.0.0\n", "4:12"},
		"R9 folded in parts is left":       {"image: acme/api:@\nhelm:\n  values: >\n    image:\n      repository: acme/api\n      tag: 1.0.0\n", "6:12"},
		"R9 quotes are left":               {"image: acme/api:@\nhelm:\n  values: \"image:\\n  repository: acme/api\\n  tag: 1.0.0\\n\"\n", "3:11"},
		"R9 quotes over lines are left":    {"image: acme/api:@\nhelm:\n  values: 'a: 1\n\n    image: acme/api:1.0.0'\n", "5:12"},
		"R9 a text in a folded text":       {"image: acme/api:@\ndata:\n  a.yaml: >\n    b: 1\n\n    image: acme/api:1.0.0\n", "6:12"},
		"R9 other texts are left":          {"image: acme/api:@\ndata:\n  note: |\n    image: acme/api:1.0.0\n", "4:12"},
		"R9 an image in a block is left":   {"image: acme/api:@\nx:\n  image: >-\n    acme/api:1.0.0\n", "3:10 4:5"},
		"R9 an escaped image is left":      {"image: acme/api:@\nx: {image: \"acme\\x2fapi:1.0.0\"}\n", "2:12"},
	} {
		for _, v := range variants[:8] {
			if strings.Contains(v.name, "lone cr") && c.left != "" {
				continue // there is but one line then
			}
			t.Run(name+"/"+v.name, func(t *testing.T) {
				before := v.make(strings.ReplaceAll(c.doc, "@", "1.0.0"))
				want := v.make(strings.ReplaceAll(c.doc, "@", "1.1.0"))
				request := Request{Images: images(t, "acme/api=1.1.0")}
				result, err := Bump([]File{{Path: "f.yaml", Data: []byte(before)}}, request)
				if err != nil {
					t.Fatal(err)
				}
				if got := string(result.Files["f.yaml"]); got != want {
					t.Errorf("got  %q\nwant %q", got, want)
				}
				if len(result.Edits) != strings.Count(c.doc, "@") {
					t.Errorf("%d edits", len(result.Edits))
				}
				outside(t, []byte(before), []byte(want), result.Edits)
				var left []string
				for _, l := range result.Left {
					left = append(left, fmt.Sprintf("%d:%d", l.Line, l.Column))
				}
				if got := strings.Join(left, " "); got != c.left && v.name == "as written" {
					t.Errorf("left %q, want %q: %v", got, c.left, result.Left)
				}
				again, err := Bump([]File{{Path: "f.yaml", Data: []byte(want)}}, request)
				if err != nil || len(again.Edits) > 0 {
					t.Errorf("a second run edits %v, %v", again.Edits, err)
				}
				checkPathsIntoTexts(t, before, want, result.Edits)
			})
		}
	}
}

// checkPathsIntoTexts makes and finds the same edits by their paths.
func checkPathsIntoTexts(t *testing.T, before, after string, edits []Edit) {
	t.Helper()
	request := Request{}
	for _, e := range edits {
		if value, err := Lookup(File{Path: "f.yaml", Data: []byte(before)}, e.Path); err != nil || value != e.Old {
			t.Errorf("%s is %q, not %q: %v", e.Path, value, e.Old, err)
		}
		request.Values = append(request.Values, Value{File: "f.yaml", Path: e.Path, Value: e.New})
	}
	result, err := Bump([]File{{Path: "f.yaml", Data: []byte(before)}}, request)
	if err != nil || string(result.Files["f.yaml"]) != after {
		t.Errorf("by path: %q, %v", result.Files["f.yaml"], err)
	}
	found, ok := Changes(File{Path: "f.yaml", Data: []byte(before)}, File{Path: "f.yaml", Data: []byte(after)})
	if !ok || !slices.Equal(found, edits) {
		t.Errorf("changes are %v, want %v", found, edits)
	}
}

// tree makes files of a txtar-like text: lines -- name -- start a file.
func treeOf(text string) []File {
	var files []File
	for part := range strings.SplitSeq(text, "-- ") {
		if name, data, ok := strings.Cut(part, " --\n"); ok {
			files = append(files, File{Path: name, Data: []byte(data)})
		}
	}
	return files
}

// bumpTree bumps a tree twice and returns the new files, one after the other, and what was left.
func bumpTree(t *testing.T, text, assignments string) (string, []string) {
	t.Helper()
	files := treeOf(text)
	request := Request{Images: images(t, strings.Fields(assignments)...)}
	result, err := Bump(files, request)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for i, f := range files {
		if data, ok := result.Files[f.Path]; ok {
			files[i].Data = data
		}
		fmt.Fprintf(&b, "-- %s --\n%s", f.Path, files[i].Data)
	}
	if again, err := Bump(files, request); err != nil || len(again.Edits) > 0 {
		t.Errorf("a second run edits %v, %v", again.Edits, err)
	}
	var left []string
	for _, l := range result.Left {
		left = append(left, l.String())
	}
	return b.String(), append(left, result.Notes...)
}

func TestFieldKustomize(t *testing.T) {
	for name, c := range map[string]struct {
		files string // @ is v1 before and v2 after, % a digest, + the digest after only
		bump  string
		left  []string
	}{
		"A8 name with a tag, digest": {"-- base/d.yaml --\ncontainers: [{image: acme/app:@+}]\n-- o/kustomization.yaml --\nimages:\n- name: acme/app:@\n  digest: %\n", "acme/app=v2@" + shaB, nil},
		"A8 name with a tag, newTag": {"-- base/d.yaml --\ncontainers: [{image: acme/app:@}]\n-- o/kustomization.yaml --\nimages: [{name: 'acme/app:@', newTag: @}]\n", "acme/app=v2", nil},
		"A8 the base is elsewhere":   {"-- o/kustomization.yaml --\nimages: [{name: 'acme/app:v1', newTag: @}]\n", "acme/app=v2", []string{"o/kustomization.yaml:1:18: still acme/app:v1: not a place where images are edited"}},
		"A8 of another version":      {"-- base/d.yaml --\ncontainers: [{image: acme/app:@}]\n-- o/kustomization.yaml --\nimages: [{name: 'acme/app:v0', newTag: @}]\n", "acme/app=v2", nil},
		"A8 two overlays": {"-- base/d.yaml --\ncontainers: [{image: acme/app:@+}]\n-- o/kustomization.yaml --\nimages: [{name: acme/app:@, digest: %}]\n-- p/kustomization.yaml --\nimages: [{name: acme/app:@, newName: acme/mirror, newTag: x}]\n",
			"acme/app=v2@" + shaB, []string{"p/kustomization.yaml:1:39: still acme/mirror:x: it takes the place of acme/app here; bump it too"}},
		"A8 newName over a base": {"-- base/d.yaml --\ncontainers: [{image: acme/app:@}]\n-- o/kustomization.yaml --\nimages:\n- name: acme/app\n  newName: mirror/app\n  newTag: v1\n", "acme/app=v2",
			[]string{"o/kustomization.yaml:3:12: still mirror/app:v1: it takes the place of acme/app here; bump it too"}},
		"A8 newName and the base's tag": {"-- base/d.yaml --\ncontainers: [{image: acme/app:@}]\n-- o/kustomization.yaml --\nimages: [{name: acme/app, newName: mirror/app}]\n", "acme/app=v2",
			[]string{"o/kustomization.yaml:1:36: still mirror/app: it takes the place of acme/app here, and gets its tag: mirror/app must have it"}},
		"A8 both are asked for": {"-- base/d.yaml --\ncontainers: [{image: acme/app:@}]\n-- o/kustomization.yaml --\nimages: [{name: acme/app, newName: mirror/app, newTag: @}]\n", "acme/app=v2 mirror/app=v2", nil},
		"A8 a chain": {"-- a/kustomization.yaml --\nimages: [{name: app, newName: acme/app, newTag: @}]\n-- b/kustomization.yaml --\nimages: [{name: acme/app, newName: other/web, newTag: v1}]\n-- c/kustomization.yaml --\nimages: [{name: other/web, newName: x/y, newTag: v1}]\n", "acme/app=v2",
			[]string{"b/kustomization.yaml:1:36: still other/web:v1: it takes the place of acme/app here; bump it too", "c/kustomization.yaml:1:37: still x/y:v1: it takes the place of other/web here; bump it too"}},
		"A8 an overlay's own tag": {"-- a/kustomization.yaml --\nimages: [{name: app, newName: acme/app, newTag: @}]\n-- b/kustomization.yaml --\nimages: [{name: acme/app, newTag: @}]\n", "acme/app=v2", nil},
	} {
		t.Run(name, func(t *testing.T) {
			got, left := bumpTree(t, strings.NewReplacer("@", "v1", "%", shaA, "+", "").Replace(c.files), c.bump)
			if want := strings.NewReplacer("@", "v2", "%", shaB, "+", "@"+shaB).Replace(c.files); got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
			if !slices.Equal(left, c.left) {
				t.Errorf("left %q\nwant %q", left, c.left)
			}
		})
	}
}
