package render

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	v2 "helm.sh/helm/v4/pkg/chart/v2"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/chart"
)

// packed makes a chart archive: pairs of name and text.
func packed(t testing.TB, files ...string) []byte {
	t.Helper()
	var out bytes.Buffer
	zipped := gzip.NewWriter(&out)
	w := tar.NewWriter(zipped)
	for i := 0; i+1 < len(files); i += 2 {
		err := w.WriteHeader(&tar.Header{Name: files[i], Mode: 0o644, Size: int64(len(files[i+1])), Typeflag: tar.TypeReg})
		if err == nil {
			_, err = w.Write([]byte(files[i+1]))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), zipped.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

const configMapTemplate = "{apiVersion: v1, kind: ConfigMap, metadata: {name: {{ .Chart.Name }}}}\n"

func chartYAML(name, more string) string {
	return "apiVersion: v2\nname: " + name + "\nversion: 1.2.3\n" + more
}

func dbArchive(t testing.TB) []byte {
	return packed(t, "db/Chart.yaml", chartYAML("db", ""), "db/templates/c.yaml", configMapTemplate)
}

func TestAnArchiveInCharts(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, dir, "chart/Chart.yaml", chartYAML("x", "dependencies: [{name: outer, version: 1.2.3, repository: https://charts.example.com}]\n"))
	writeFile(t, dir, "chart/charts/outer-1.2.3.tgz", string(packed(t, "outer/Chart.yaml", chartYAML("outer", ""),
		"outer/charts/db-1.2.3.tgz", string(dbArchive(t)))))
	objects, err := Dir(t.Context(), openRoot(t, dir), "chart", Options{})
	if err != nil {
		t.Fatal(describe(t, err))
	}
	if len(objects) != 1 || objects[0].Origin.File != "chart/charts/outer-1.2.3.tgz/charts/db-1.2.3.tgz/templates/c.yaml" {
		t.Errorf("%v", objects)
	}
}

func TestArchivesThatAreRefused(t *testing.T) {
	huge := strings.Repeat("x", 101<<20)
	for name, tt := range map[string]struct {
		archive []byte
		want    string
	}{
		"not an archive": {[]byte("x"), "the archive cannot be read"},
		"leaves":         {packed(t, "db/../../x", "y"), "the archive cannot be read: chart illegally references parent directory"},
		"absolute":       {packed(t, "db//etc/passwd", "y"), "absolute"},
		"a bomb":         {packed(t, "db/x", huge), "larger than the maximum size"},
		"many files":     {manyFiles(t), "the archive cannot be read: it holds more than 20000 files"},
		"half of one":    {half(packed(t, "db/x", "y")), "the archive cannot be read: unexpected EOF"},
		"no Chart.yaml":  {packed(t, "db/x", "y"), "the chart has no Chart.yaml"},
		"an alias bomb":  {packed(t, "db/Chart.yaml", chartYAML("db", ""), "db/values.yaml", aliasBomb()), "cannot be read"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			writeFile(t, dir, "Chart.yaml", chartYAML("x", ""))
			writeFile(t, dir, "charts/db.tgz", string(tt.archive))
			_, err := Dir(t.Context(), openRoot(t, dir), ".", Options{})
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "charts/db.tgz") {
				t.Errorf("got %v", err)
			}
		})
	}
}

// manyFiles is a tar file of a million empty files, a few hundred kilobytes as an archive.
func manyFiles(t *testing.T) []byte {
	t.Helper()
	var one bytes.Buffer
	if err := tar.NewWriter(&one).WriteHeader(&tar.Header{Name: "db/x", Mode: 0o600, Typeflag: tar.TypeReg}); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	for range 1_000_000 {
		if _, err := z.Write(one.Bytes()); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func half(data []byte) []byte { return data[:len(data)/2] }

// aliasBomb names lists that name lists, a million times and more.
func aliasBomb() string {
	text := "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
	for i := 1; i < 9; i++ {
		text += fmt.Sprintf("a%d: &a%d [%s]\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i-1), 10), ", "))
	}
	return text
}

// locked writes a chart that depends on another one, pinned by a Chart.lock as Helm writes it.
func locked(t testing.TB, dir, repository string) {
	t.Helper()
	wanted := []*v2.Dependency{{Name: "db", Version: "^1.0.0", Repository: repository}}
	lock := []*v2.Dependency{{Name: "db", Version: "1.2.3", Repository: repository}}
	data, err := json.Marshal([2][]*v2.Dependency{wanted, lock})
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, dir, "Chart.yaml", chartYAML("x", "dependencies:\n- name: db\n  version: ^1.0.0\n  repository: "+repository+"\n"))
	writeFile(t, dir, "Chart.lock", fmt.Sprintf("dependencies:\n- name: db\n  version: 1.2.3\n  repository: %s\ndigest: sha256:%x\n", repository, sha256.Sum256(data)))
}

func TestADependencyIsFetchedByTheParent(t *testing.T) {
	dir := t.TempDir()
	locked(t, dir, "https://charts.example.com")
	root := openRoot(t, dir)
	var asked []chart.Need
	w := worker(t, "render")
	if _, err := w.Dir(t.Context(), root, ".", Options{}); err == nil ||
		err.Error() != "Chart.yaml:5: dependencies are not in charts/: db 1.2.3 from https://charts.example.com" {
		t.Errorf("without a way to fetch: %v", err)
	}
	w.Fetch = func(_ context.Context, n chart.Need) ([]byte, string, error) {
		asked = append(asked, n)
		return dbArchive(t), n.Version, nil
	}
	objects, err := w.Dir(t.Context(), root, ".", Options{})
	if err != nil {
		t.Fatal(describe(t, err))
	}
	if len(objects) != 1 || objects[0].Origin.File != "charts/db-1.2.3.tgz/templates/c.yaml" || len(asked) != 1 {
		t.Errorf("%v, asked for %v", objects, asked)
	}
	w.Fetch = func(context.Context, chart.Need) ([]byte, string, error) { return nil, "", errors.New("no route") }
	if _, err := w.Dir(t.Context(), root, ".", Options{}); err == nil ||
		err.Error() != "Chart.yaml:5: dependency db 1.2.3 from https://charts.example.com: no route" {
		t.Errorf("got %v", err)
	}
	w.Fetch = func(context.Context, chart.Need) ([]byte, string, error) {
		return packed(t, "other/Chart.yaml", chartYAML("other", "")), "1.2.3", nil
	}
	if _, err := w.Dir(t.Context(), root, ".", Options{}); err == nil ||
		err.Error() != "Chart.yaml:5: dependency db: https://charts.example.com holds the chart other" {
		t.Errorf("got %v", err)
	}
}

// Whatever a template does, the parent gets an error that names it.
func TestTemplateBombs(t *testing.T) {
	for name, tt := range map[string]struct{ template, want string }{
		"memory": {`{{ range until 1000000 }}{{ range until 1000000 }}xxxxxxxxxxxxxxxx{{ end }}{{ end }}`, "rendering templates/bomb.yaml needed more than 256 MiB of memory"},
		"time":   {`{{ range until 100000 }}{{ range until 100000 }}{{ end }}{{ end }}`, "rendering templates/bomb.yaml took longer than"},
		"itself": {`{{ define "a" }}{{ include "a" . }}{{ end }}{{ include "a" . }}`, "templates/bomb.yaml:1: the template a includes itself"},
		"tpl":    {`{{ $t := "{{ tpl .t . }}" }}{{ tpl $t (dict "t" $t) }}`, "templates/bomb.yaml"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			writeFile(t, dir, "Chart.yaml", chartYAML("x", ""))
			writeFile(t, dir, "templates/bomb.yaml", tt.template)
			limits := Limits{Memory: 256 << 20}
			if name == "time" {
				limits.Time = 1e9
			}
			_, err := worker(t, "render").Dir(t.Context(), openRoot(t, dir), ".", Options{Limits: limits})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestFilesOfAChartThatAreTooMuch(t *testing.T) {
	for name, tt := range map[string]struct {
		edit func(dir string) error
		want string
	}{
		"values with a million aliases": {func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "prod.yaml"), []byte(aliasBomb()), 0o600)
		}, "prod.yaml:"},
		"own values with a million aliases": {func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "values.yaml"), []byte(aliasBomb()), 0o600)
		}, "values.yaml:"},
		"a file of 1 GiB": {func(dir string) error {
			f, err := os.Create(filepath.Join(dir, "big.bin"))
			if err != nil {
				return err
			}
			return errors.Join(f.Truncate(1<<30), f.Close()) // a hole: it takes no room on the disk
		}, "big.bin: the file is larger than 16 MiB"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			writeFile(t, dir, "Chart.yaml", chartYAML("x", ""))
			writeFile(t, dir, "prod.yaml", "a: b\n")
			writeFile(t, dir, "templates/x.yaml", configMapTemplate)
			if err := tt.edit(dir); err != nil {
				t.Fatal(err)
			}
			_, err := worker(t, "render").Dir(t.Context(), openRoot(t, dir), ".", Options{Helm: &Helm{Values: []string{"prod.yaml"}}})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// Keys are not printed, by whichever verb.
func TestKeysAreNotPrinted(t *testing.T) {
	o := Options{AgeKeys: "AGE-SECRET-KEY-1CANARY"}
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		if text := fmt.Sprintf(format, o); strings.Contains(text, "CANARY") {
			t.Errorf("%s: %s", format, text)
		}
	}
}
