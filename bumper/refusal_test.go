package bumper

import (
	"errors"
	"strings"
	"testing"
)

// at returns the line and column of the marker ^ in a document, and the document without it.
func at(t *testing.T, doc string) (string, int, int) {
	t.Helper()
	before, after, ok := strings.Cut(doc, "^")
	if !ok {
		return doc, 0, 0
	}
	line, column := position([]byte(before), len(before))
	return before + after, line, column
}

func TestRefusals(t *testing.T) {
	image := Request{Images: []Image{{Name: "acme/api", Tag: "2.0"}}}
	value := func(path, value string) Request { return Request{Values: []Value{{"f.yaml", path, value}}} }
	for name, c := range map[string]struct {
		doc     string // ^ is the expected position
		request Request
		reason  string
		hint    string
	}{
		"alias": {"version: &v \"1.0\"\nimage: {repository: acme/api, tag: ^*v}\n", image,
			"takes its value through the alias *v", "f.yaml:version="},
		"merge": {"base: &b {tag: 1.0.0}\nimage:\n  <<: ^*b\n  repository: acme/api\n", image,
			"is merged in from *b (<<)", "line 1"},
		"merge list": {"base: &b {tag: 1.0.0}\nimage:\n  <<: [{x: 1}, ^*b]\n  repository: acme/api\n", image,
			"is merged in from *b (<<)", "f.yaml:base.tag="},
		"anchor that another image takes": {"a: {repository: acme/api, tag: &t ^1.0.0}\nb: {repository: acme/web, tag: *t}\n", image,
			"is also the value of b.tag, for acme/web", "a value of its own"},
		"literal block":         {"spec:\n  image: ^|-\n    acme/api:1.0\n", image, "is a block scalar", "on one line"},
		"folded block":          {"a: 1\nimage: ^>-\n  acme/api:1.0\n", image, "is a block scalar", ""},
		"template":              {"image: ^\"acme/api:{{ .Values.tag }}\"\n", image, "from a template", "explicit edit"},
		"templated tag":         {"image: {repository: acme/api, tag: ^'{{ .x }}'}\n", image, "from a template", ""},
		"substitution":          {"image: ^acme/api:${TAG}\n", image, "from a template", ""},
		"duplicate key":         {"a: 1\nimage: acme/api:1.0\nb: {c: 1, ^c: 2}\n", image, "key \"c\" is there twice, first in line 3", "remove"},
		"duplicate image":       {"image: acme/api:1.0\n^image: acme/api:1.0\n", image, "key \"image\" is there twice", ""},
		"invalid UTF-8":         {"a: \xff\nimage: ^acme/api:1.0\n", image, "is not valid UTF-8", "paths"},
		"does not parse":        {"a: [\nimage: ^acme/api:1.0\n", image, "does not parse", "paths"},
		"does not parse, parts": {"a: }\nimage:\n  repository: ^acme/api\n", image, "does not parse", ""},
		"several lines":         {"image: ^\"acme\\\n  /api:1.0\"\n", image, "is written with escapes or over several lines", ""},
		"escapes":               {"image: ^\"\\x61cme/api:1.0\"\n", image, "is written with escapes", ""},
		"explicit tag":          {"image: {repository: acme/api, tag: !!float ^1.0}\n", image, "has the tag !!float", ""},
		"pinned": {"image: ^acme/api:1.0@" + shaA + "\n", image,
			"is pinned to sha256:aaaaaaaaaaaa…, so a new tag alone would change nothing", "acme/api:2.0@sha256:…"},
		"no key for the tag":    {"image:\n  repository: ^acme/api\n", image, "no key for the tag", "manually"},
		"untagged":              {"x: {image: ^acme/api}\n", image, "without a tag", "manually"},
		"bad tag":               {"image: {repository: acme/api, tag: ^'1.0 beta'}\n", image, "\"1.0 beta\" is not a tag", ""},
		"merge of a mapping":    {"image:\n  <<: ^{tag: 1.0.0}\n  repository: acme/api\n", image, "is merged in from elsewhere (<<)", ""},
		"no place":              {"image: {repository: acme/api, tag: !!str ^}\n", image, "no place for a value", ""},
		"digest without a key":  {"image: {repository: acme/api, tag: ^1.0.0}\n", Request{Images: []Image{{Name: "acme/api", Digest: shaA}}}, "has no key for the digest", "give a tag"},
		"inline values, quoted": {"helm:\n  values: ^\"image: acme/api:1.0\"\n", image, "inside a text, at image", "valuesObject"},
		"inline values, folded": {"spec:\n  source:\n    helm:\n      values: >\n        image:\n          repository: acme/api\n          tag: ^1.0\n", image, "inside a text, at image.tag", "valuesObject"},
		"quoted over lines":     {"data:\n  values.yaml: \"a: 1\n\n    image: ^acme/api:1.0\"\n", image, "inside a text, at image", "literal block"},
		"duplicate in a text":   {"data:\n  values.yaml: |\n    image: acme/api:1.0\n    ^image: acme/api:1.0\n", image, "key \"image\" is there twice, first in line 3", ""},
		"alias in a text":       {"data:\n  values.yaml: |\n    v: &v \"1.0\"\n    image: {repository: acme/api, tag: ^*v}\n", image, "takes its value through the alias *v", "data[\"values.yaml\"].v="},
		"alias of a text":       {"x: &x |\n  image: acme/api:1.0\nhelm:\n  values: ^*x\n", image, "takes its value through the alias *x", ""},

		"value: no file":        {"a: 1\n", Request{Values: []Value{{"x/f.yaml", "a", "2"}}}, "there is no such file", "f.yaml"},
		"value: no key":         {"a: ^{image: 1, other: 2}\n", value("a.imaeg", "2"), "there is no key \"imaeg\" here", "did you mean \"image\""},
		"value: no item":        {"a: ^[1, 2]\n", value("a[2]", "2"), "there is no item [2] here", ""},
		"value: no such field":  {"a:\n^- name: x\n", value("a[name=y].b", "2"), "there is no item [name=y] here", ""},
		"value: two items":      {"a:\n- name: x\n- ^name: x\n", value("a[name=x].name", "2"), "2 items have item [name=x]", "by index"},
		"value: mapping":        {"a: ^{b: 1}\n", value("a", "2"), "is a mapping", "name one of its keys"},
		"value: list":           {"a: ^[1]\n", value("a", "2"), "is a list", ""},
		"value: alias":          {"a: &x 1\nb: ^*x\n", value("b", "2"), "through the alias *x", "f.yaml:a="},
		"value: block":          {"a: ^|\n  x\n", value("a", "2"), "is a block scalar", ""},
		"value: template":       {"a: ^'{{ x }}'\n", value("a", "2"), "is filled in by a template", ""},
		"value: two documents":  {"a: 1\n---\na: ^1\n", value("a", "2"), "is in 2 documents", "[1].a"},
		"value: does not parse": {"a: [\n", value("a", "2"), "does not parse", ""},
		"value: not UTF-8":      {"a: \xc3(\n", value("a", "2"), "is not valid UTF-8", ""},
		"value: no document":    {"a: 1\n---\nb: 1\n", value("[kind=X].a", "2"), "there is no such document", ""},
		"value: duplicate":      {"a: 1\n^a: 2\n", value("a", "3"), "key \"a\" is there twice", ""},
		"value: bad path":       {"a: 1\n", value("a[", "3"), "no closing ]", ""},
	} {
		t.Run(name, func(t *testing.T) {
			doc, line, column := at(t, c.doc)
			result, err := Bump([]File{{"f.yaml", []byte(doc)}}, c.request)
			if err == nil {
				t.Fatalf("no error, edits %v, notes %v", result.Edits, result.Notes)
			}
			if len(result.Files)+len(result.Edits) > 0 {
				t.Errorf("something was edited: %v", result.Edits)
			}
			var refusals Refusals
			if !errors.As(err, &refusals) {
				if !strings.Contains(err.Error(), c.reason) || c.hint != "" {
					t.Errorf("got %v, want %q", err, c.reason)
				}
				return
			}
			r := refusals[0]
			if !strings.Contains(r.Error(), c.reason) || !strings.Contains(r.Hint, c.hint) {
				t.Errorf("got %v (%s), want %q (%s)", r, r.Hint, c.reason, c.hint)
			}
			if line > 0 && (r.Line != line || r.Column != column) {
				t.Errorf("%v: want it at %d:%d", r, line, column)
			}
		})
	}
}

// One impossible edit stops the whole run, and everything that is wrong is said at once.
func TestEveryRefusalIsReported(t *testing.T) {
	files := []File{
		{"c.yaml", []byte("image: acme/api:1.0\n")},
		{"b.yaml", []byte("a: &v 1\nx: {image: {repository: acme/api, tag: *v}}\nimage: |\n  acme/api:1\n")},
		{"a.yaml", []byte("image: acme/api:1.0@" + shaA + "\n")},
	}
	result, err := Bump(files, Request{Images: []Image{{Name: "acme/api", Tag: "2.0"}, {Name: "acme/nope", Tag: "1"}}})
	var refusals Refusals
	var missing *NotFoundError
	if !errors.As(err, &refusals) || !errors.As(err, &missing) || len(result.Files) != 0 {
		t.Fatalf("got %v, %v", result, err)
	}
	if missing.Image != "acme/nope" {
		t.Errorf("not found is %s", missing.Image)
	}
	var places []string
	for _, r := range refusals {
		places = append(places, r.File)
	}
	if got := strings.Join(places, " "); got != "a.yaml b.yaml" && got != "a.yaml b.yaml b.yaml" {
		t.Errorf("refused in %s", got)
	}
}

// Charts are full of files that are not YAML. They only matter when they name the image.
func TestFilesThatAreNotYAML(t *testing.T) {
	values := File{"chart/values.yaml", []byte("image: {repository: acme/api, tag: 1.0.0}\n")}
	template := "{{- if .Values.on }}\nkind: Deployment\nmetadata: {labels: {app: api}}\n%s\n{{- end }}\n"
	for line, refused := range map[string]bool{
		`image: "{{ .Values.image.repository }}:{{ .Values.image.tag }}"`: false,
		`image: acme/api:{{ .Values.image.tag }}`:                         false,
		`# image: acme/api:1.0.0`:                                         false,
		`name: acme/api-extra:1.0.0`:                                      false,
		`image: other.io/acme/api:1.0.0`:                                  false,
		`image: acme/api:1.0.0`:                                           true,
		`- "--image=docker.io/acme/api:1.0.0"`:                            true,
	} {
		files := []File{values, {"chart/templates/d.yaml", []byte(strings.Replace(template, "%s", line, 1))}}
		result, err := Bump(files, Request{Images: []Image{{Name: "acme/api", Tag: "1.1.0"}}})
		if refused != (err != nil) || !refused && len(result.Edits) != 1 {
			t.Errorf("%s: edits %v, error %v", line, result.Edits, err)
		}
	}
}
