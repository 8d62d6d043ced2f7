package chart

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"path"
	"strings"
	"testing"
)

// packed is an archive of one file.
func packed(name, content string) []byte {
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	w := tar.NewWriter(z)
	_ = w.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o644, Size: int64(len(content))})
	_, _ = w.Write([]byte(content))
	_ = w.Close()
	_ = z.Close()
	return out.Bytes()
}

// nowhere has no other chart.
type nowhere struct{}

func (nowhere) Local(file, path string) ([]File, error) {
	return nil, &Error{File: file, Message: "no chart at " + path}
}
func (nowhere) Archive(Need) []byte { return nil }

// Whatever an archive holds, its files have names inside of the chart and it is refused or unpacked, and nothing else happens.
func FuzzUnpack(f *testing.F) {
	f.Add(packed("db/Chart.yaml", "apiVersion: v2\nname: db\nversion: 1.0.0\n"))
	f.Add(packed("../Chart.yaml", "name: db\n"))
	f.Add(packed("db/charts/x.tgz", "x"))
	f.Add([]byte("not an archive"))
	f.Fuzz(func(t *testing.T, data []byte) {
		files, err := Unpack("db.tgz", data)
		if err != nil {
			return
		}
		total := 0
		for _, file := range files {
			if total += len(file.Data); path.IsAbs(file.Name) || path.Clean(file.Name) == ".." || strings.HasPrefix(path.Clean(file.Name), "../") {
				t.Errorf("%q leaves the chart", file.Name)
			}
		}
		if total > maxUnpacked {
			t.Errorf("%d bytes", total)
		}
		_, _ = Load(files, nowhere{})
	})
}

// Whatever a Chart.lock and the part of Chart.yaml that it pins say, the chart is loaded or refused with one error.
func FuzzLock(f *testing.F) {
	f.Add([]byte("dependencies:\n- name: db\n  repository: https://charts.example.com\n  version: 1.2.3\ndigest: sha256:00\ngenerated: \"2026-01-01T00:00:00Z\"\n"),
		[]byte("- {name: db, version: 1.x.x, repository: https://charts.example.com}\n"))
	f.Add([]byte("dependencies: [{name: db, version: '>=1'}]\n"), []byte("- {name: db, version: 1.0.0, repository: 'oci://registry.example.com/charts', alias: other}\n"))
	f.Add([]byte("{}"), []byte("- {name: lib, version: 1.0.0, repository: 'file://../../../lib'}\n"))
	f.Add([]byte("dependencies: 3\n"), []byte("[]\n"))
	f.Fuzz(func(t *testing.T, lock, dependencies []byte) {
		files := []File{
			{Name: "Chart.yaml", At: "app/Chart.yaml", Data: append([]byte("apiVersion: v2\nname: app\nversion: 1.0.0\ndependencies:\n"), dependencies...)},
			{Name: "Chart.lock", At: "app/Chart.lock", Data: lock},
			{Name: "templates/a.yaml", At: "app/templates/a.yaml", Data: []byte("{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}\n")},
		}
		_, err := Load(files, nowhere{})
		if err == nil {
			return
		}
		if text := err.Error(); text == "" || strings.ContainsFunc(text, func(r rune) bool { return r == 0x1b || r == 0x202e }) {
			t.Errorf("%q", text)
		}
	})
}
