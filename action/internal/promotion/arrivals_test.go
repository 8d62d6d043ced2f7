package promotion

import (
	"fmt"
	"strings"
	"testing"

	"github.com/kubectl-gitops/kubectl-gitops/bumper"
)

// TestArrivals prints the commits that brought the versions of a promotion to its source. A history is "SHA api=TAG web=TAG ...",
// newest first.
func TestArrivals(t *testing.T) {
	cases := []struct {
		name      string
		edits     string // "to/file api=OLD>NEW"
		histories map[string]string
		want      string
	}{
		{"one commit", "prod/a.yaml api=1>2", map[string]string{"prod": "c2 api=2 | c1 api=1"}, "c2 api 2\n"},
		{"every version on the way", "prod/a.yaml api=1>3", map[string]string{"prod": "c3 api=3 | c2 api=2 | c1 api=1 | c0 api=0"}, "c3 api 3\nc2 api 2\n"},
		{"a commit that changes something else", "prod/a.yaml api=1>2", map[string]string{"prod": "c3 api=2 | c2 api=2 | c1 api=1"}, "c2 api 2\n"},
		{"two images", "prod/a.yaml api=1>2; prod/a.yaml web=5>7", map[string]string{"prod": "c3 api=2 web=7 | c2 api=2 web=6 | c1 api=1 web=5"}, "c3 web 7\nc2 api 2, web 6\n"},
		{"only one of two images moves", "prod/a.yaml api=1>2", map[string]string{"prod": "c2 api=2 web=7 | c1 api=1 web=5"}, "c2 api 2\n"},
		{"the version of the target is not in the history", "prod/a.yaml api=0>2", map[string]string{"prod": "c2 api=2 | c1 api=1"}, "c2 api 2\nc1 api 1\n"},
		{"it went back and came again", "prod/a.yaml api=1>2", map[string]string{"prod": "c4 api=2 | c3 api=1 | c2 api=2 | c1 api=1"}, "c4 api 2\n"},
		{"a commit without the image", "prod/a.yaml api=1>2", map[string]string{"prod": "c3 api=2 | c2 | c1 api=1"}, "c3 api 2\n"},
		{"two strands with one commit", "eu/a.yaml api=1>2; us/a.yaml web=1>2", map[string]string{"eu": "c2 api=2 web=2 | c1 api=1 web=1", "us": "c2 api=2 web=2 | c1 api=1 web=1"}, "c2 api 2, web 2\n"},
		{"an edit elsewhere", "other/a.yaml api=1>2", map[string]string{"prod": "c2 api=2 | c1 api=1"}, ""},
		{"a value is no image", "prod/a.yaml =1>2", map[string]string{"prod": "c2 api=2 | c1 api=1"}, ""},
		{"a digest is shown in short", "prod/a.yaml api=1>2", map[string]string{"prod": "c2 api=@" + digestA + " | c1 api=1"}, "c2 api sha256:aaaaaaaaaaaa\n"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var edits []bumper.Edit
			for part := range strings.SplitSeq(c.edits, "; ") {
				file, what, _ := strings.Cut(part, " ")
				name, versions, _ := strings.Cut(what, "=")
				old, now, _ := strings.Cut(versions, ">")
				e := bumper.Edit{File: file, Old: old, New: now}
				if name != "" {
					e.Before, e.After = bumper.Image{Name: "ghcr.io/acme/" + name, Tag: old}, bumper.Image{Name: "ghcr.io/acme/" + name, Tag: now}
					e.Image = e.After.Normalised()
				}
				edits = append(edits, e)
			}
			var strands []Strand
			var histories [][]Revision
			for _, to := range []string{"prod", "eu", "us"} {
				if text, ok := c.histories[to]; ok {
					strands, histories = append(strands, Strand{From: "staging", To: to}), append(histories, historyOf(text))
				}
			}
			got := ""
			for _, a := range Arrivals(edits, strands, histories) {
				got += a.SHA + " " + strings.Join(a.What, ", ") + "\n"
			}
			if got != c.want {
				t.Errorf("printed:\n%s\nwant:\n%s", got, c.want)
			}
		})
	}
}

func historyOf(text string) []Revision {
	var out []Revision
	for part := range strings.SplitSeq(text, " | ") {
		words := strings.Fields(part)
		file := ""
		for i, word := range words[1:] {
			name, version, _ := strings.Cut(word, "=")
			if !strings.HasPrefix(version, "@") {
				version = ":" + version
			}
			file += fmt.Sprintf("c%d: {image: \"ghcr.io/acme/%s%s\"}\n", i, name, version)
		}
		out = append(out, Revision{SHA: words[0], Files: []bumper.File{{Path: "staging/app.yaml", Data: []byte(file)}}})
	}
	return out
}

func TestUnreadableRevisionHasNoVersions(t *testing.T) {
	rev := Revision{Files: []bumper.File{{Path: "a.yaml", Data: []byte("a: [\n")}}}
	if got := rev.versions("ghcr.io/acme/api"); got != nil {
		t.Errorf("versions %v", got)
	}
}

// TestDeciding: a kustomization's images replace what manifests say, and a name without a version says nothing.
func TestDeciding(t *testing.T) {
	refs, err := ByImage([]bumper.File{
		{Path: "kustomization.yaml", Data: []byte("images: [{name: ghcr.io/acme/api, newTag: \"2\"}]\n")},
		{Path: "deployment.yaml", Data: []byte("spec: {containers: [{image: ghcr.io/acme/api:1}, {image: ghcr.io/acme/web}, {image: ghcr.io/acme/worker:3}]}\n")},
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"ghcr.io/acme/api": "kustomization.yaml 2", "ghcr.io/acme/web": "", "ghcr.io/acme/worker": "deployment.yaml 3"} {
		got := ""
		for _, r := range Deciding(refs[name]) {
			got += r.File + " " + r.Image.Tag
		}
		if got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

// TestPartOfAnEnvironment: where a file belongs, by its name alone.
func TestPartOfAnEnvironment(t *testing.T) {
	_, err := Parse([]byte("apiVersion: kubectl-gitops.dev/v1alpha1\nkind: Promotion\nenvironments:\n- {name: staging, path: 'apps/*/staging'}\n- {name: prod, paths: ['apps/*/prod', prod.yaml], from: staging}\n"))
	if err == nil {
		t.Fatal("one path was paired with two")
	}
	p, err := Parse([]byte("apiVersion: kubectl-gitops.dev/v1alpha1\nkind: Promotion\nenvironments:\n- {name: staging, paths: ['apps/*/staging', staging.yaml]}\n- {name: prod, paths: ['apps/*/prod', prod.yaml]}\n"))
	if err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{
		"apps/cart/prod/a.yaml": "apps/cart/prod", "apps/cart/prod/x/a.yaml": "apps/cart/prod", "prod.yaml": "prod.yaml",
		"apps/cart/base/a.yaml": "apps/cart/base", "a.yaml": ".",
	} {
		if got := p.Directory(file); got != want {
			t.Errorf("%s is in %s, want %s", file, got, want)
		}
	}
	for _, c := range []struct {
		at, file string
		want     bool
	}{
		{"prod", "apps/cart/prod/a.yaml", true}, {"prod", "apps/cart/staging/a.yaml", false}, {"staging", "staging.yaml", true},
		{"apps/cart", "apps/cart/prod/a.yaml", true}, {"apps/ca", "apps/cart/prod/a.yaml", false},
	} {
		if got := p.Contains(c.at, c.file); got != c.want {
			t.Errorf("%s contains %s: %v", c.at, c.file, got)
		}
	}
	var none *File
	if none.Contains("prod", "prod/a.yaml") != true || none.Directory("prod/a.yaml") != "prod" || none.Environment("prod") != nil || none.names() != nil {
		t.Error("a repository without promotion.yaml has directories only")
	}
}
