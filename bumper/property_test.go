package bumper

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// pieces are documents that name an image, N with the tag T, in every context there is.
var pieces = []string{
	"kind: Deployment\nspec:\n  template:\n    spec:\n      containers:\n      - name: a\n        image: N:T # c\n      initContainers: [{name: b, image: 'N:T'}]\n",
	"image: \"N:T\"\n",
	"a:\n  image:\n    repository: N\n    tag: \"T\"\n",
	"a: {image: N, version: T}\n",
	"b: {repository: N, tag: T, pullPolicy: Always}\n",
	"images:\n- name: N\n  newTag: T\n",
	"images:\n- {name: 'N:T', newTag: T}\n",
	"images:\n- {name: x/y, newName: N, newTag: T}\n",
	"images: [x=N:T, N:T]\n",
	"parameters:\n- {name: web.image.repository, value: N}\n- {name: web.image.tag, value: T}\n",
	"helm:\n  values: |\n    web:\n      image: N:T\n      # N:T\n",
	"data:\n  values.yaml: |-\n    image:\n        repository: N\n        tag: T\n\n    b: N:T\n",
	"patches:\n- patch: |\n    - op: replace\n      path: /spec/image\n      value: N:T\n",
	"spec:\n  a:\n    helm:\n      values: |2\n          # deep\n        x: {image: N:T}\n",
	"data:\n  app.yaml: |\n    spec:\n      source:\n        helm:\n          values: |\n            image: N:T\n",
	"anchor: &a N:T\nimage: N:T\nuse: *a\n",
	"x: &x {image: N:T}\ny: {<<: *x, z: 1}\n",
	// what follows is not edited
	"env:\n- name: IMAGE\n  value: N:T\n",
	"args: [--image=N:T, '-x', \"N:T,other\"]\n",
	"data:\n  config.json: |\n    {\"image\": \"N:T\", \"n\": 1}\n",
	"data:\n  config: '{\"image\": \"N:T\"}'\n",
	"data:\n  run.sh: |\n    #!/bin/sh\n    docker run docker://N:T --rm\n",
	"metadata:\n  annotations:\n    example.com/image: N:T\n    alm-examples: |-\n      [{\"spec\": {\"image\": \"N:T\"}}]\n",
	"spec:\n  relatedImages:\n  - name: api\n    value: N:T\n",
	"# was N:T\nk: 1\n",
	"text: >-\n  runs N:T\n  and more\n",
	"text: \"a\\nN:T\\tb\"\n",
	"text: 'it''s\n\n  N:T.'\n",
	"\"N:T\": 1\n",
	"a: ${IMAGE:-N:T}\nimage: N:${TAG}\n",
	"helm:\n  values: >\n    image: N:T\n",
	"image: >-\n  N:T\n",
	"image: {repository: N, tag: T}\nversion: T\n",
	"image: N:T\nversion: T\n",
	"image: N:T-rc.1\nb: N:T.1 N-extra:T x/N:T\n",
}

// names are the images of the generated files, which begin and end like each other; the last two are one image.
var names = []string{"ghcr.io/acme/api", "acme/api", "ghcr.io/acme/api-gateway", "localhost:5000/acme/api", "nginx", "docker.io/library/nginx"}

// TestBumpEverywhere builds trees of files with references in all contexts, bumps each image by its name, and looks at every byte.
func TestBumpEverywhere(t *testing.T) {
	edits, left := 0, 0
	for seed := range uint64(400) {
		files := randomTree(rand.New(rand.NewPCG(seed, 1)))
		for _, name := range names {
			want := Image{Name: name, Tag: "v2.0.0"}
			result, err := Bump(files, Request{Images: []Image{want}, AllowDowngrade: true})
			if err != nil {
				if len(result.Files) > 0 {
					t.Fatalf("seed %d: refused and edited", seed)
				}
				continue
			}
			edits, left = edits+len(result.Edits), left+len(result.Left)
			checkNothingIsUnmentioned(t, files, want, result)
			checkNoOtherImage(t, files, want, result)
			if t.Failed() {
				for _, f := range files {
					t.Logf("-- %s --\n%s", f.Path, f.Data)
				}
				t.Fatalf("seed %d, %s\nedits %v\nleft %v", seed, want, result.Edits, result.Left)
			}
		}
	}
	if edits < 2000 || left < 1000 {
		t.Errorf("only %d edits and %d places left: the generator does not reach what it should", edits, left)
	}
}

func randomTree(r *rand.Rand) []File {
	var files []File
	for i := range 1 + r.IntN(4) {
		var b strings.Builder
		for range 1 + r.IntN(5) {
			piece := pieces[r.IntN(len(pieces))]
			tag := []string{"v1.0.0", "v1.0.0", "v1.1.0", "12", "main-6543b21"}[r.IntN(5)]
			b.WriteString("---\n" + strings.NewReplacer("N", names[r.IntN(len(names))], "T", tag).Replace(piece))
		}
		variant := variants[r.IntN(6)]
		if variant.name == "lone cr" { // one line for everything
			variant = variants[0]
		}
		files = append(files, File{Path: fmt.Sprintf("dir%d/f%d.yaml", i%2, i), Data: []byte(variant.make(b.String()))})
	}
	return files
}

// checkNoOtherImage compares what a reader of the bytes finds of all images before and after: of the others it is the same.
func checkNoOtherImage(t *testing.T, files []File, want Image, result Result) {
	t.Helper()
	count := func(edited bool) map[Image]int {
		out := map[Image]int{}
		for _, f := range files {
			if data, ok := result.Files[f.Path]; ok && edited {
				f.Data = data
			}
			for _, run := range runRE.FindAllString(string(f.Data), -1) {
				if img, err := ParseImage(strings.Trim(run, "-:/.")); err == nil && img.Tag != "" && img.Normalised() != want.Normalised() {
					out[img]++
				}
			}
			for path, value := range decode(t, f.Data) {
				if name, ok := strings.CutSuffix(path, "/repository"); ok {
					img := Image{Name: strings.TrimPrefix(value, "string ")}
					for _, key := range []string{"/tag", "/version"} {
						if _, tag, _ := strings.Cut(decode(t, f.Data)[name+key], " "); tag != "" && img.Normalised() != want.Normalised() {
							img.Tag = tag
							out[img]++
						}
					}
				}
			}
		}
		return out
	}
	if before, after := count(false), count(true); !maps.Equal(before, after) {
		t.Errorf("other images changed: %v, then %v", before, after)
	}
	for _, f := range files {
		data, ok := result.Files[f.Path]
		if !ok {
			continue
		}
		meant := changed(decode(t, f.Data), decode(t, data))
		n := len(slices.DeleteFunc(slices.Clone(result.Edits), func(e Edit) bool { return e.File != f.Path }))
		if len(meant) == 0 || len(meant) > 2*n { // a text holds several, an anchor counts twice
			t.Errorf("%s: %d edits change %v", f.Path, n, meant)
		}
	}
}
