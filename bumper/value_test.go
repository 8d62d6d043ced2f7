package bumper

import (
	"strings"
	"testing"
)

func TestParseValue(t *testing.T) {
	for in, want := range map[string]Value{
		"values.yaml:image.tag=1.8.2":                     {"values.yaml", "image.tag", "1.8.2"},
		"./apps/shop/values.yaml:a[0].b=x=y":              {"apps/shop/values.yaml", "a[0].b", "x=y"},
		"d.yaml:spec.containers[name=web].image=web:1":    {"d.yaml", "spec.containers[name=web].image", "web:1"},
		`d.yaml:metadata.labels["a.b/c=d"]=v`:             {"d.yaml", `metadata.labels["a.b/c=d"]`, "v"},
		"d.yaml:[kind=Deployment].spec.replicas=3":        {"d.yaml", "[kind=Deployment].spec.replicas", "3"},
		"d.yaml:image.tag=":                               {"d.yaml", "image.tag", ""},
		"values.yaml:url=https://example.com:8443/?a=b#c": {"values.yaml", "url", "https://example.com:8443/?a=b#c"},
	} {
		if got, err := ParseValue(in); err != nil || got != want {
			t.Errorf("ParseValue(%q) = %+v, %v; want %+v", in, got, err, want)
		}
	}
	for in, reason := range map[string]string{
		"image.tag=1":             "no : after the file",
		"values.yaml:image.tag":   "no = after the path",
		":a=1":                    "no file",
		"v.yaml:=1":               "a key is empty",
		"v.yaml:a..b=1":           "a key is empty",
		"v.yaml:a[=1":             "no = after the path",
		"v.yaml:a[x]=1":           "not an index",
		"v.yaml:a[-1]=1":          "not an index",
		"v.yaml:a[0]b=1":          "expected . or [",
		"/etc/v.yaml:a=1":         "is not in the repository",
		"../v.yaml:a=1":           "is not in the repository",
		"x/../../v.yaml:a=1":      "is not in the repository",
		"v.yaml:a=1\n2":           "line breaks or control characters",
		"v.yaml:a=\x00":           "line breaks or control characters",
		`v.yaml:a["b]=1`:          "no = after the path",
		"v.yaml:a=\xff\xfe\xfd":   "line breaks or control characters",
		"v.yaml:a=line\u2028line": "line breaks or control characters",
	} {
		if _, err := ParseValue(in); err == nil || !strings.Contains(err.Error(), reason) {
			t.Errorf("ParseValue(%q): error %v, want one with %q", in, err, reason)
		}
	}
}

func TestPathsAreFormattedAsTheyAreParsed(t *testing.T) {
	for _, path := range []string{"a", "a.b", "a[0].b", "[0].a", "a[name=web].image", `a["b.c/d"].e`, `["x y"]`, `a["q\"r"]`, `a[""]`} {
		steps, err := parsePath(path)
		if err != nil {
			t.Errorf("parsePath(%s): %v", path, err)
		} else if got := formatPath(steps); got != path {
			t.Errorf("%s is formatted as %s", path, got)
		}
	}
	steps, err := parsePath(`a\.b.c`)
	if err != nil || formatPath(steps) != `["a.b"].c` {
		t.Errorf(`a\.b.c is formatted as %s, %v`, formatPath(steps), err)
	}
}
