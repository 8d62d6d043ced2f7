package promotion

import (
	"fmt"
	"strings"
	"testing"

	"github.com/kubectl-gitops/kubectl-gitops/bumper"
)

const (
	digestA = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	digestB = "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
)

func image(t testing.TB, s string) bumper.Image {
	t.Helper()
	img, err := bumper.ParseImage(s)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

func TestHoldStops(t *testing.T) {
	cases := []struct {
		hold  Hold
		image string
		where string
		want  bool
	}{
		{Hold{Image: "ghcr.io/acme/api", Tag: "2", Path: "prod"}, "ghcr.io/acme/api:2", "prod/app.yaml", true},
		{Hold{Image: "ghcr.io/acme/api", Tag: "2", Path: "prod"}, "ghcr.io/acme/api:2", "prod", true},
		{Hold{Image: "ghcr.io/acme/api", Tag: "2", Path: "prod"}, "ghcr.io/acme/api:2", "production/app.yaml", false},
		{Hold{Image: "ghcr.io/acme/api", Tag: "2", Path: "prod"}, "ghcr.io/acme/api:3", "prod/app.yaml", false},
		{Hold{Image: "ghcr.io/acme/api", Tag: "2", Path: "."}, "ghcr.io/acme/api:2", "anywhere.yaml", true},
		{Hold{Image: "nginx", Tag: "2", Path: "."}, "docker.io/library/nginx:2", "a.yaml", true},
		{Hold{Image: "ghcr.io/acme/api", Tag: "2", Path: "."}, "ghcr.io/acme/worker:2", "a.yaml", false},
		{Hold{Image: "ghcr.io/acme/api", Digest: digestA, Path: "."}, "ghcr.io/acme/api:3@" + digestA, "a.yaml", true},
		{Hold{Image: "ghcr.io/acme/api", Tag: "2", Digest: digestA, Path: "."}, "ghcr.io/acme/api:2@" + digestB, "a.yaml", false}, // built anew
		{Hold{Image: "ghcr.io/acme/api", Tag: "2", Digest: digestA, Path: "."}, "ghcr.io/acme/api:2", "a.yaml", true},
		{Hold{Image: "ghcr.io/acme/api", Digest: digestA, Path: "."}, "ghcr.io/acme/api:2", "a.yaml", false},
	}
	for _, c := range cases {
		if got := c.hold.Stops(image(t, c.image), c.where); got != c.want {
			t.Errorf("%s stops %s in %s: %v", c.hold, c.image, c.where, got)
		}
	}
}

func TestHoldIsAbout(t *testing.T) {
	hold := Hold{Image: "ghcr.io/acme/api", Tag: "2", Digest: digestA}
	for name, want := range map[string]bool{
		"ghcr.io/acme/api": true, "ghcr.io/acme/api:2": true, "ghcr.io/acme/api:2@" + digestA: true, "ghcr.io/acme/api@" + digestA: true,
		"ghcr.io/acme/api:3": false, "ghcr.io/acme/api:2@" + digestB: false, "ghcr.io/acme/worker": false,
	} {
		if got := hold.IsAbout(image(t, name)); got != want {
			t.Errorf("is about %s: %v", name, got)
		}
	}
}

// TestBumpUnlessHeld prints the edits that are made, and the holds that prevented others.
func TestBumpUnlessHeld(t *testing.T) {
	files := []bumper.File{
		{Path: "dev/app.yaml", Data: []byte("image: ghcr.io/acme/api:1\n")},
		{Path: "prod/app.yaml", Data: []byte("image: ghcr.io/acme/api:1\n")},
		{Path: "prod/web.yaml", Data: []byte("image: ghcr.io/acme/web:1\n")},
	}
	cases := []struct {
		name   string
		images string
		holds  []Hold
		want   string
	}{
		{"nothing is held", "ghcr.io/acme/api:2", nil, "dev/app.yaml 2, prod/app.yaml 2"},
		{"held somewhere else", "ghcr.io/acme/api:2", []Hold{{Image: "ghcr.io/acme/api", Tag: "2", Path: "test"}}, "dev/app.yaml 2, prod/app.yaml 2"},
		{"held in one of two", "ghcr.io/acme/api:2", []Hold{{Image: "ghcr.io/acme/api", Tag: "2", Path: "prod"}}, "dev/app.yaml 2; held api 2 in prod"},
		{"held everywhere", "ghcr.io/acme/api:2", []Hold{{Image: "ghcr.io/acme/api", Tag: "2", Path: "."}}, "; held api 2 in ."},
		{"another version is held", "ghcr.io/acme/api:3", []Hold{{Image: "ghcr.io/acme/api", Tag: "2", Path: "."}}, "dev/app.yaml 3, prod/app.yaml 3"},
		{"another image is not held", "ghcr.io/acme/api:2 ghcr.io/acme/web:2", []Hold{{Image: "ghcr.io/acme/api", Tag: "2", Path: "."}}, "prod/web.yaml 2; held api 2 in ."},
		{"what runs already is not held", "ghcr.io/acme/api:1", []Hold{{Image: "ghcr.io/acme/api", Tag: "1", Path: "prod"}}, ""},
		{"an image that is nowhere", "ghcr.io/acme/none:1", []Hold{{Image: "ghcr.io/acme/none", Tag: "1", Path: "prod"}}, "error: image ghcr.io/acme/none: not found in any file"},
		{"an older version", "ghcr.io/acme/api:0", []Hold{{Image: "ghcr.io/acme/api", Tag: "0", Path: "dev"}}, "error: prod/app.yaml:1:8: ghcr.io/acme/api: 0 is older than 1"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var req bumper.Request
			for _, name := range strings.Fields(c.images) {
				req.Images = append(req.Images, image(t, name))
			}
			res, stopped, err := BumpUnlessHeld(files, req, c.holds)
			got := ""
			if err != nil {
				got = "error: " + err.Error()
			}
			for i, e := range res.Edits {
				if i > 0 {
					got += ", "
				}
				got += e.File + " " + e.After.Tag
			}
			for _, h := range stopped {
				got += "; held " + h.String()
			}
			if got != c.want {
				t.Errorf("%s\nwant %s", got, c.want)
			}
		})
	}
}

const held = `# ours
apiVersion: kubectl-gitops.dev/v1alpha1
kind: Holds
holds:
# the outage of May
- image: ghcr.io/acme/api
  tag: "1.9.0" # bad
  path: prod
- {image: ghcr.io/acme/web, tag: "3", path: .}
`

// TestChangeHolds prints what a rollback makes of the file of holds into testdata/holds.txt.
func TestChangeHolds(t *testing.T) {
	api := Hold{Image: "ghcr.io/acme/api", Tag: "1.9.0", Path: "prod"}
	worker := Hold{Image: "ghcr.io/acme/worker", Tag: "2", Digest: digestA, Path: "prod", Reason: "it is slow: #1", By: "ada", Since: "2026-01-02"}
	back := func(tag string) []bumper.Edit {
		return []bumper.Edit{{File: "prod/app.yaml", After: bumper.Image{Name: "ghcr.io/acme/api", Tag: tag}}}
	}
	const head = "apiVersion: kubectl-gitops.dev/v1alpha1\nkind: Holds\n"
	cases := []struct {
		name string
		file string
		bad  []Hold
		back []bumper.Edit
		keep bool
	}{
		{"a version is held from now on", held, []Hold{worker}, nil, true},
		{"a version is taken away, and not to be held", held, []Hold{worker}, nil, false},
		{"a version is held already", held, []Hold{api}, nil, true},
		{"the same version is taken away twice", held, []Hold{worker, worker}, nil, true},
		{"a version is brought back", held, nil, back("1.9.0"), true},
		{"one is brought back and another is taken away", held, []Hold{worker}, back("1.9.0"), true},
		{"a version that nothing holds is brought back", held, nil, back("1.8.0"), true},
		{"the last entry goes", head + "holds:\n  - image: ghcr.io/acme/api\n    tag: 1.9.0\n    path: prod\n", nil, back("1.9.0"), true},
		{"entries are indented", head + "holds:\n  - image: ghcr.io/acme/api\n    tag: 1.9.0\n    path: prod\n", []Hold{worker}, nil, true},
		{"the last line has no end", head + "holds:\n- {image: ghcr.io/acme/api, tag: 1.9.0, path: prod}", []Hold{worker}, nil, true},
		{"there is no file", "", []Hold{api}, nil, true},
		{"there is no file, and nothing to hold", "", nil, back("1.9.0"), true},
		{"the list is empty", head + "holds: []\n", []Hold{api}, nil, true},
		{"the list is one line", head + "holds: [{image: ghcr.io/acme/web, tag: 3, path: .}]\n", []Hold{api}, nil, true},
		{"a key is unknown", head + "held: []\n", []Hold{api}, nil, true},
		{"an entry without a version", head + "holds:\n- {image: a, path: .}\n", []Hold{api}, nil, true},
		{"a path leaves the repository", head + "holds:\n- {image: a, tag: 1, path: ../x}\n", []Hold{api}, nil, true},
	}
	var b strings.Builder
	for _, c := range cases {
		var file []byte
		if c.file != "" {
			file = []byte(c.file)
		}
		data, notes, err := ChangeHolds(file, c.bad, c.back, c.keep)
		fmt.Fprintf(&b, "== %s\n", c.name)
		switch {
		case err != nil:
			fmt.Fprintf(&b, "error: %v\n", err)
		case data == nil:
			b.WriteString("nothing changes\n")
		default:
			b.Write(data)
			for _, n := range notes {
				fmt.Fprintf(&b, "note: %s\n", n)
			}
		}
	}
	golden(t, "testdata/holds.txt", b.String())
}

// TestHint is about the errors of package bumper.
func TestHint(t *testing.T) {
	files := []bumper.File{{Path: "a.yaml", Data: []byte("image: ghcr.io/acme/api:2\n")}, {Path: "b.yaml", Data: []byte("image: &x ghcr.io/acme/web:1\nother: *x\n")}}
	for request, want := range map[string]string{
		"ghcr.io/acme/api:3":  "",
		"ghcr.io/acme/api:1":  "allow-downgrade accepts older tags",
		"ghcr.io/acme/none:1": "check the name and the paths input; only .yaml and .yml files are searched",
	} {
		_, err := bumper.Bump(files, bumper.Request{Images: []bumper.Image{image(t, request)}})
		if got := Hint(err); got != want {
			t.Errorf("%s: %v: hint %q, want %q", request, err, got, want)
		}
	}
	if got := Hint(&bumper.NotFoundError{Hint: "did you mean api?"}); got != "did you mean api?" {
		t.Errorf("hint %q", got)
	}
	if got := Hint(bumper.Refusals{{Hint: "write it out"}}); got != "write it out" {
		t.Errorf("hint %q", got)
	}
}

// TestPartsOfAnEnvironment: an edit of one part stays in it.
func TestPartsOfAnEnvironment(t *testing.T) {
	files := []bumper.File{
		{Path: "apps/cart/prod/a.yaml", Data: []byte("image: ghcr.io/acme/api:1\n")}, {Path: "apps/web/prod/a.yaml", Data: []byte("image: ghcr.io/acme/api:1\n")},
		{Path: "apps/web/dev/a.yaml", Data: []byte("image: ghcr.io/acme/api:1\n")},
	}
	parts, err := PartsOf([]string{"apps/*/prod"}, files, files)
	if err != nil || len(parts) != 2 || parts[1].Path != "apps/web/prod" || len(parts[1].Images["ghcr.io/acme/api"]) != 1 {
		t.Fatalf("parts %+v, %v", parts, err)
	}
	res, err := parts[1].Bump(bumper.Request{Images: []bumper.Image{image(t, "ghcr.io/acme/api:2")}})
	if err != nil || len(res.Files) != 1 || string(res.Files["apps/web/prod/a.yaml"]) != "image: ghcr.io/acme/api:2\n" {
		t.Errorf("files %q, %v", res.Files, err)
	}
	whole, err := PartsOf([]string{"."}, files, nil)
	if err != nil || len(whole) != 1 || len(whole[0].Files) != 3 {
		t.Errorf("the root has %+v, %v", whole, err)
	}
}
