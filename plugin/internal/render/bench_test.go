package render

import (
	"fmt"
	"strings"
	"testing"
)

const deployment = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web-%[1]d, labels: {app: web}}
spec:
  replicas: 2
  selector: {matchLabels: {app: web-%[1]d}}
  template:
    metadata: {labels: {app: web-%[1]d}}
    spec:
      containers:
      - name: web
        image: registry.example/web:1.0
        env: [{name: A, value: "1"}, {name: B, value: "2"}]
        resources: {requests: {cpu: 100m, memory: 64Mi}}
`

func BenchmarkPlain1000(b *testing.B) {
	dir := b.TempDir()
	for i := range 1000 {
		writeFile(b, dir, fmt.Sprintf("ns%d/web-%d.yaml", i%10, i), fmt.Sprintf(deployment, i))
	}
	benchmark(b, dir, ".")
}

func BenchmarkPlain1000InOneFile(b *testing.B) {
	dir := b.TempDir()
	var all strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&all, deployment+"---\n", i)
	}
	writeFile(b, dir, "all.yaml", all.String())
	benchmark(b, dir, ".")
}

func BenchmarkKustomize1000(b *testing.B) {
	dir := b.TempDir()
	kust1000(b, dir)
	benchmark(b, dir, "prod")
}

func kust1000(b *testing.B, dir string) {
	names := make([]string, 1000)
	for i := range names {
		names[i] = fmt.Sprintf("web-%d.yaml", i)
		writeFile(b, dir, "base/"+names[i], fmt.Sprintf(deployment, i))
	}
	writeFile(b, dir, "base/kustomization.yaml", "resources: ["+strings.Join(names, ", ")+"]\n")
	writeFile(b, dir, "prod/kustomization.yaml", "resources: [../base]\nnamespace: shop\nimages: [{name: registry.example/web, newTag: '2.0'}]\n")
}

func benchmark(b *testing.B, dir, path string) {
	root := openRoot(b, dir)
	b.ReportAllocs()
	for b.Loop() {
		objects, err := Dir(b.Context(), root, path, Options{})
		if err != nil || len(objects) != 1000 {
			b.Fatal(len(objects), err)
		}
	}
}

// The cost of a child: the difference between the two lines of each size. The program that benchmarks starts faster
// than the real one.
func BenchmarkChild(b *testing.B) {
	for _, n := range []int{10, 1000} {
		dir := b.TempDir()
		for i := range n {
			writeFile(b, dir, fmt.Sprintf("ns%d/web-%d.yaml", i%10, i), fmt.Sprintf(deployment, i))
		}
		root := openRoot(b, dir)
		for name, render := range map[string]dirFunc{"here": Dir, "child": worker(b, "render").Dir} {
			b.Run(fmt.Sprintf("%d/%s", n, name), func(b *testing.B) {
				for b.Loop() {
					if objects, err := render(b.Context(), root, ".", Options{}); err != nil || len(objects) != n {
						b.Fatal(len(objects), err)
					}
				}
			})
		}
	}
}
