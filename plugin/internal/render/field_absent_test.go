package render

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/placeholder"
)

// What lies in a submodule, or is missing in a partial clone, is said to.
func TestFieldAbsent(t *testing.T) {
	const service = "apiVersion: v1\nkind: Service\nmetadata: {name: x}\n"
	const chartYAML = "apiVersion: v2\nname: x\nversion: 1.0.0\n"
	const modules = "[submodule \"vendor\"]\n\tpath = vendor\n\turl = https://example.com/vendor\n[submodule \"deep\"]\n\tpath = libs/deep\n\turl = ../deep\n"
	lacks := string(placeholder.Missing(strings.Repeat("ab", 20)))
	tests := []struct {
		name  string
		files map[string]string // a name that ends with / is an empty directory
		dir   string
		helm  *Helm
		want  string
	}{
		{"P14 the path is a submodule", map[string]string{".gitmodules": modules, "vendor/": ""}, "vendor", nil, `error: vendor: is in the submodule "vendor"`},
		{"P14 the path is in a submodule", map[string]string{".gitmodules": modules, "libs/deep/": ""}, "libs/deep/apps/x", nil, `error: libs/deep/apps/x: is in the submodule "libs/deep"`},
		{"P14 a base", map[string]string{".gitmodules": modules, "vendor/": "", "kustomization.yaml": "resources:\n- vendor/base\n"}, ".", nil,
			`error: kustomization.yaml:2: "vendor/base" is in the submodule "vendor"`},
		{"P14 a generator's file", map[string]string{".gitmodules": modules, "vendor/": "", "kustomization.yaml": "configMapGenerator:\n- name: c\n  files: [vendor/a.txt]\n"}, ".", nil,
			`error: kustomization.yaml:3: "vendor/a.txt" is in the submodule "vendor"`},
		{"P14 values", map[string]string{".gitmodules": modules, "vendor/": "", "c/Chart.yaml": chartYAML, "c/templates/s.yaml": service}, "c", &Helm{Values: []string{"/vendor/v.yaml"}},
			`error: vendor/v.yaml: is in the submodule "vendor"`},
		{"P14 a dependency", map[string]string{".gitmodules": modules, "vendor/": "", "c/Chart.yaml": chartYAML + "dependencies:\n- {name: y, version: 1.0.0, repository: \"file://../vendor/y\"}\n"}, "c", nil,
			`error: c/Chart.yaml:5: dependency file://../vendor/y is in the submodule "vendor"`},
		{"P14 a chart of a kustomization", map[string]string{".gitmodules": modules, "vendor/": "", "kustomization.yaml": "helmGlobals: {chartHome: vendor}\nhelmCharts:\n- {name: web, releaseName: web}\n"}, ".", nil,
			`"web" is in the submodule "vendor"`},
		{"P14 an empty directory", map[string]string{"vendor/": "", "kustomization.yaml": "resources:\n- vendor/base\n"}, ".", nil, `"vendor/base" is in "vendor", which is empty`},
		{"P14 beside a submodule", map[string]string{".gitmodules": modules, "vendor/": "", "a/s.yaml": service}, ".", nil, ""},
		{"P14 a checked-out submodule", map[string]string{"sub/.git": "gitdir: ../.git/modules/sub\n", "sub/s.yaml": service, "a/s.yaml": service}, ".", nil, ""},
		{"Habits a missing manifest", map[string]string{"s.yaml": service, "big.yaml": lacks}, ".", nil, "error: big.yaml: the file is missing in this clone"},
		{"Habits a missing resource", map[string]string{"kustomization.yaml": "resources: [s.yaml]\n", "s.yaml": lacks}, ".", nil, "error: s.yaml: the file is missing in this clone"},
		{"Habits a missing directory", map[string]string{"apps": lacks}, "apps/shop", nil, "error: apps: the directory is missing in this clone"},
		{"Habits a missing base", map[string]string{"kustomization.yaml": "resources: [base/x]\n", "base": lacks}, ".", nil, "error: base: the directory is missing in this clone"},
		{"Habits missing and not read", map[string]string{"kustomization.yaml": "resources: [s.yaml]\n", "s.yaml": service, "big.bin": lacks, "more": lacks}, ".", nil, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			for file, text := range tt.files {
				if strings.HasSuffix(file, "/") {
					if err := os.MkdirAll(filepath.Join(dir, file), 0o755); err != nil {
						t.Fatal(err)
					}
					continue
				}
				writeFile(t, dir, file, text)
			}
			objects, err := Dir(t.Context(), openRoot(t, dir), tt.dir, Options{Helm: tt.helm})
			if tt.want == "" {
				if err != nil || len(objects) != 1 {
					t.Errorf("%d objects, %v", len(objects), err)
				}
				return
			}
			if err == nil {
				t.Fatal("no error")
			}
			text := describe(t, err)
			if !strings.Contains(text, tt.want) || !strings.Contains(text, "hint: ") {
				t.Error(text)
			}
		})
	}
}
