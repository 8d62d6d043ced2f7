package bumper

import (
	"strings"
	"testing"
)

const (
	shaA = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	shaB = "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
)

func TestParseImage(t *testing.T) {
	for in, want := range map[string]Image{
		"nginx":                          {Name: "nginx"},
		"nginx:1.27":                     {Name: "nginx", Tag: "1.27"},
		"localhost:5000/acme/api":        {Name: "localhost:5000/acme/api"},
		"localhost:5000/acme/api:1.8.2":  {Name: "localhost:5000/acme/api", Tag: "1.8.2"},
		"ghcr.io/acme/api@" + shaA:       {Name: "ghcr.io/acme/api", Digest: shaA},
		"ghcr.io/acme/api:1.8.2@" + shaA: {Name: "ghcr.io/acme/api", Tag: "1.8.2", Digest: shaA},
		"GHCR.io/a__b/c-d.e":             {Name: "GHCR.io/a__b/c-d.e"},
	} {
		got, err := ParseImage(in)
		if err != nil || got != want {
			t.Errorf("ParseImage(%q) = %+v, %v; want %+v", in, got, err, want)
		}
		if got.String() != in {
			t.Errorf("ParseImage(%q).String() = %q", in, got)
		}
	}
	for _, in := range []string{"", ":", "nginx:", ":1.0", "ngi nx:1", "nginx:1 0", "nginx@sha256:abc", "acme/Api:1",
		"https://example.com/x", "a//b:1", "/a:1", "nginx:-1", "{{ .x }}:1", "nginx:1.0@"} {
		if got, err := ParseImage(in); err == nil {
			t.Errorf("ParseImage(%q) = %+v, want an error", in, got)
		}
	}
}

func TestParseAssignment(t *testing.T) {
	for in, want := range map[string]Image{
		"ghcr.io/acme/api=1.8.2":              {Name: "ghcr.io/acme/api", Tag: "1.8.2"},
		"ghcr.io/acme/api:1.8.2":              {Name: "ghcr.io/acme/api", Tag: "1.8.2"},
		"ghcr.io/acme/api@" + shaA:            {Name: "ghcr.io/acme/api", Digest: shaA},
		"ghcr.io/acme/api=1.8.2@" + shaA:      {Name: "ghcr.io/acme/api", Tag: "1.8.2", Digest: shaA},
		"localhost:5000/acme/api=1.8.2":       {Name: "localhost:5000/acme/api", Tag: "1.8.2"},
		"localhost:5000/acme/api:1.8@" + shaA: {Name: "localhost:5000/acme/api", Tag: "1.8", Digest: shaA},
	} {
		if got, err := ParseAssignment(in); err != nil || got != want {
			t.Errorf("ParseAssignment(%q) = %+v, %v; want %+v", in, got, err, want)
		}
	}
	for in, reason := range map[string]string{
		"nginx":                             "no tag and no digest",
		"localhost:5000/a":                  "no tag and no digest",
		"nginx=":                            "the tag is empty",
		"=1.0":                              "is not an image name",
		"nginx=1 .0":                        "is not a tag",
		"nginx= 1.0":                        "is not a tag",
		"nginx:1.0=2.0":                     "has a tag or digest already",
		"nginx=1.0@sha1:ab":                 "is not a digest",
		"nginx=" + strings.Repeat("1", 129): "is not a tag",
	} {
		if _, err := ParseAssignment(in); err == nil || !strings.Contains(err.Error(), reason) {
			t.Errorf("ParseAssignment(%q): error %v, want one with %q", in, err, reason)
		}
	}
}

func TestNormalised(t *testing.T) {
	for in, want := range map[string]string{
		"nginx":                    "docker.io/library/nginx",
		"library/nginx":            "docker.io/library/nginx",
		"docker.io/nginx":          "docker.io/library/nginx",
		"index.docker.io/acme/api": "docker.io/acme/api",
		"acme/api":                 "docker.io/acme/api",
		"ghcr.io/acme/api":         "ghcr.io/acme/api",
		"GHCR.io/acme/api":         "ghcr.io/acme/api",
		"localhost/api":            "localhost/api",
		"localhost:5000/api":       "localhost:5000/api",
		"registry:5000/api":        "registry:5000/api",
	} {
		if got := (Image{Name: in}).Normalised(); got != want {
			t.Errorf("%s is normalised to %s, want %s", in, got, want)
		}
	}
}
