package upstream

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/chart"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/render"
)

// helm builds Helm's command, unless HELM names one.
func helm(t *testing.T) string {
	t.Helper()
	if file := os.Getenv("HELM"); file != "" {
		return file
	}
	if testing.Short() {
		t.Skip("builds Helm, which takes minutes the first time")
	}
	file := filepath.Join(t.TempDir(), "helm")
	build := exec.Command("go", "build", "-o", file, "helm.sh/helm/v4/cmd/helm")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return file
}

// scene is an archive of ../testdata; see golden_test.go there.
type scene struct {
	dir  string
	helm render.Helm
	root string
}

func readScene(t *testing.T, file string) (s scene, fails bool) {
	t.Helper()
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	s = scene{dir: ".", root: t.TempDir()}
	for line := range strings.Lines(string(archive.Comment)) {
		line = strings.TrimSpace(line)
		if dir, ok := strings.CutPrefix(line, "dir: "); ok {
			s.dir = dir
		}
		if text, ok := strings.CutPrefix(line, "helm: "); ok {
			if err := yaml.UnmarshalStrict([]byte(text), &s.helm); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, f := range archive.Files {
		if f.Name == "want" {
			fails = strings.HasPrefix(string(f.Data), "error: ")
			continue
		}
		full := filepath.Join(s.root, f.Name)
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, f.Data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return s, fails
}

func (s scene) render(t *testing.T) []string {
	t.Helper()
	root, err := os.OpenRoot(s.root)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	objects, err := render.Dir(t.Context(), root, s.dir, render.Options{Helm: &s.helm, AllowPlainSecrets: true,
		Capabilities: render.Capabilities{KubeVersion: chart.DefaultKubeVersion}})
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	for _, o := range objects {
		text, err := json.Marshal(o.Object)
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, string(text))
	}
	return texts
}

// arguments are those of helm template for the same render.
func (s scene) arguments(t *testing.T) []string {
	t.Helper()
	chartDir := filepath.Join(s.root, s.dir)
	args := []string{"template", s.helm.Release, chartDir, "--namespace", s.helm.Namespace, "--include-crds", "--skip-tests",
		"--kube-version", chart.DefaultKubeVersion}
	if s.helm.Release == "" {
		args[1] = filepath.Base(chartDir)
	}
	if s.helm.Namespace == "" {
		args[4] = "default"
	}
	for _, name := range s.helm.Values {
		if rest, ok := strings.CutPrefix(name, "/"); ok {
			args = append(args, "--values", filepath.Join(s.root, rest))
		} else {
			args = append(args, "--values", filepath.Join(chartDir, name))
		}
	}
	for _, key := range slices.Sorted(maps.Keys(s.helm.Set)) {
		switch v := s.helm.Set[key].(type) {
		case string:
			args = append(args, "--set-string", key+"="+strings.NewReplacer(",", `\,`, "{", `\{`).Replace(v))
		case nil:
			args = append(args, "--set", key+"=null")
		case float64: // as YAML gives numbers
			args = append(args, "--set", key+"="+strconv.FormatFloat(v, 'f', -1, 64))
		default:
			args = append(args, "--set", fmt.Sprintf("%s=%v", key, v))
		}
	}
	return args
}

// documents normalises a stream of YAML: one line of JSON for each object, in order.
func documents(t *testing.T, stream string) []string {
	t.Helper()
	var texts []string
	for _, text := range strings.Split("\n"+stream, "\n---") {
		var object map[string]any
		if err := yaml.Unmarshal([]byte(text), &object); err != nil {
			t.Fatalf("%v:\n%s", err, text)
		}
		if object == nil {
			continue
		}
		text, err := json.Marshal(object)
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, string(text))
	}
	return texts
}

// packDependencies does what helm dependency build does for file:// repositories, which we read where they lie: first
// in the charts that a chart depends on.
func (s scene) packDependencies(t *testing.T, helm, dir string) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "Chart.yaml"))
	if err != nil || !strings.Contains(string(data), "file://") {
		return
	}
	var meta struct {
		Dependencies []struct{ Name, Repository string }
	}
	if err := yaml.Unmarshal(data, &meta); err != nil {
		t.Fatal(err)
	}
	for _, d := range meta.Dependencies {
		if rel, ok := strings.CutPrefix(d.Repository, "file://"); ok {
			s.packDependencies(t, helm, filepath.Join(dir, rel))
			cmd := exec.Command(helm, "package", filepath.Join(dir, rel), "-d", filepath.Join(dir, "charts"))
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
		}
	}
}

// Every chart renders as `helm template` does, object for object and in the same order.
func TestEqualsHelmTemplate(t *testing.T) {
	command := helm(t)
	compared := 0
	for _, file := range scenes(t, "helm_*.txtar", "field_*_helm_*.txtar") {
		s, fails := readScene(t, file)
		switch {
		case fails, strings.Contains(file, "helm_error_"): // those do what differs each time
			continue
		case strings.Contains(file, "own_repository"), // Helm gives the first that fits
			strings.Contains(file, "nested_file"),                  // helm package writes both into one directory
			strings.Contains(file, "helm_crds_"),                   // helm template asks no server, so it has no kinds of crds/
			strings.Contains(file, "helm_generated"), s.helm.Tests: // Helm makes up other values, and no tests are asked for
			continue
		}
		compared++
		t.Run(filepath.Base(file), func(t *testing.T) {
			got := s.render(t)
			s.packDependencies(t, command, filepath.Join(s.root, s.dir))
			cmd := exec.Command(command, s.arguments(t)...)
			cmd.Env = append(os.Environ(), "HELM_CONFIG_HOME="+t.TempDir(), "HELM_CACHE_HOME="+t.TempDir(), "HELM_DATA_HOME="+t.TempDir())
			var stderr strings.Builder
			cmd.Stderr = &stderr
			out, err := cmd.Output()
			if err != nil {
				t.Fatalf("helm template: %v\n%s", err, stderr.String())
			}
			if diff := cmp.Diff(documents(t, string(out)), got); diff != "" {
				t.Errorf("-helm +ours:\n%s", diff)
			}
		})
	}
	if compared < 3 {
		t.Errorf("only %d charts compared", compared)
	}
}

// Charts of a kustomization give the objects that kustomize build --enable-helm gives.
func TestEqualsKustomizeWithHelm(t *testing.T) {
	command := helm(t)
	for _, file := range scenes(t, "kustomize_charts.txtar", "field_p8_kustomize_*.txtar") {
		t.Run(filepath.Base(file), func(t *testing.T) {
			s, fails := readScene(t, file)
			if fails {
				t.Fatal("the scene fails")
			}
			options := krusty.MakeDefaultOptions()
			options.LoadRestrictions = types.LoadRestrictionsNone
			options.PluginConfig = types.EnabledPluginConfig(types.BploUseStaticallyLinked)
			options.PluginConfig.HelmConfig = types.HelmConfig{Enabled: true, Command: command}
			resources, err := krusty.MakeKustomizer(options).Run(filesys.MakeFsOnDisk(), filepath.Join(s.root, s.dir))
			if err != nil {
				t.Fatal(err)
			}
			stream, err := resources.AsYaml()
			if err != nil {
				t.Fatal(err)
			}
			want, got := documents(t, string(stream)), s.render(t)
			slices.Sort(want) // generators come last there, and resources here
			slices.Sort(got)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("-kustomize +ours:\n%s", diff)
			}
		})
	}
}

func scenes(t *testing.T, patterns ...string) (files []string) {
	t.Helper()
	for _, pattern := range patterns {
		found, err := filepath.Glob("../testdata/" + pattern)
		if err != nil || found == nil {
			t.Fatal(pattern, err)
		}
		files = append(files, found...)
	}
	return files
}
