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
		_, _ = Load(files, nil)
	})
}
