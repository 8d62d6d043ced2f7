package bumper

import (
	"bytes"
	"fmt"
	"testing"
)

// generatedTree is a repository of 4,000 files and 20 MB: 80 services with base, overlays, values and what else there
// is in such a tree, most of it without any image.
func generatedTree() []File {
	var files []File
	add := func(size int, path, format string, args ...any) {
		var b bytes.Buffer
		fmt.Fprintf(&b, format, args...)
		for i := 0; b.Len() < size; i++ {
			fmt.Fprintf(&b, "# %s line %d: nothing but words to make the file as long as real ones are\n", path, i)
		}
		files = append(files, File{path, b.Bytes()})
	}
	for i := range 80 {
		dir := fmt.Sprintf("apps/svc%d", i)
		add(5000, dir+"/base/deployment.yaml", "kind: Deployment\nspec:\n  template:\n    spec:\n      containers:\n      - name: main\n        image: ghcr.io/acme/svc%d:1.0.0\n      - name: proxy\n        image: ghcr.io/acme/proxy:1.0.0\n", i)
		for _, env := range []string{"dev", "staging", "prod"} {
			add(5000, dir+"/"+env+"/kustomization.yaml", "resources: [../base]\nimages:\n- name: ghcr.io/acme/svc%d\n  newTag: 1.0.0\n", i)
			add(5000, dir+"/"+env+"/values.yaml", "image:\n  repository: ghcr.io/acme/svc%d\n  tag: \"1.0.0\"\n", i)
		}
		for j := range 43 {
			add(5200, fmt.Sprintf("%s/base/object%d.yaml", dir, j), "kind: ConfigMap\nmetadata: {name: c%d}\ndata:\n  image: svc%d\n  text: |\n    some text\n", j, i)
		}
	}
	return files
}

func BenchmarkBump(b *testing.B) {
	files := generatedTree()
	size := 0
	for _, f := range files {
		size += len(f.Data)
	}
	for _, images := range [][]Image{
		{{Name: "ghcr.io/acme/svc42", Tag: "1.0.1"}}, // in 50 files
		{{Name: "ghcr.io/acme/proxy", Tag: "1.0.1"}}, // in 80 files, and all of them edited
	} {
		b.Run(images[0].Name, func(b *testing.B) {
			var result Result
			var err error
			for b.Loop() {
				if result, err = Bump(files, Request{Images: images}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(len(files)), "files")
			b.ReportMetric(float64(size)/1e6, "MB")
			b.ReportMetric(float64(result.Parsed), "parsed")
			b.ReportMetric(float64(len(result.Edits)), "edits")
		})
	}
	b.Run("Find", func(b *testing.B) {
		for b.Loop() {
			if _, err := Find(files); err != nil {
				b.Fatal(err)
			}
		}
	})
}
