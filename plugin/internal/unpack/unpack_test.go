package unpack

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// archive makes an archive of headers; those of files contain their size in x.
func archive(t *testing.T, headers ...tar.Header) []byte {
	t.Helper()
	var out bytes.Buffer
	zipped := gzip.NewWriter(&out)
	w := tar.NewWriter(zipped)
	for _, h := range headers {
		h.Mode = 0o644
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(bytes.Repeat([]byte("x"), int(h.Size))); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := zipped.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func file(name string) tar.Header { return tar.Header{Name: name, Size: 3, Typeflag: tar.TypeReg} }

func link(name, to string) tar.Header {
	return tar.Header{Name: name, Linkname: to, Typeflag: tar.TypeSymlink}
}

func TestUnpack(t *testing.T) {
	whole := archive(t, tar.Header{Name: "./", Typeflag: tar.TypeDir}, tar.Header{Name: "a/", Typeflag: tar.TypeDir}, file("./a/x.yaml"), file("b/c/y.yaml"), link("l.yaml", "a/x.yaml"), link("b/up", "../a"))
	for name, test := range map[string]struct {
		data   []byte
		limits Limits
		want   string
	}{
		"files":              {whole, Limits{}, "a a/x.yaml b b/c b/c/y.yaml b/up l.yaml"},
		"upwards":            {archive(t, file("../x")), Limits{}, "../x: the name leads out of the archive"},
		"deeper and upwards": {archive(t, file("a/../../x")), Limits{}, "a/../../x: the name leads out of the archive"},
		"from the root":      {archive(t, file("/etc/x")), Limits{}, "/etc/x: the name leads out of the archive"},
		"a link upwards":     {archive(t, link("a/l", "../../x")), Limits{}, "a/l: the link leads out of the archive"},
		"a link to the root": {archive(t, link("l", "/etc/passwd")), Limits{}, "l: the link leads out of the archive"},
		"through links":      {archive(t, link("a", "b"), link("b", "."), link("c", "a/b/../.."), file("c/x")), Limits{}, "c/x: mkdirat c: statat c: path escapes from parent"},
		"a hard link":        {archive(t, tar.Header{Name: "h", Linkname: "x", Typeflag: tar.TypeLink}), Limits{}, "h: it is neither a file, a directory nor a symbolic link"},
		"a device":           {archive(t, tar.Header{Name: "d", Typeflag: tar.TypeChar}), Limits{}, "d: it is neither a file, a directory nor a symbolic link"},
		"a file twice":       {archive(t, file("x"), file("x")), Limits{}, "x: openat x: file exists"},
		"a file over a link": {archive(t, link("x", "y"), file("x")), Limits{}, "x: openat x: file exists"},
		"a bomb":             {archive(t, tar.Header{Name: "x", Size: 8 << 20, Typeflag: tar.TypeReg}), Limits{Bytes: 1 << 20}, "x: the archive is larger than 1 MiB without its compression"},
		"many files":         {archive(t, file("x"), file("y"), file("z")), Limits{Files: 2}, "the archive holds more than 2 files"},
		"cut off":            {whole[:len(whole)/2], Limits{}, "the archive cannot be read: unexpected EOF"},
		"not gzip":           {[]byte("apiVersion: v1"), Limits{}, "the archive is not compressed with gzip"},
		"empty":              {archive(t), Limits{}, "the archive is empty"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "inside", "root")
			if err := os.MkdirAll(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			root, err := os.OpenRoot(dir)
			if err != nil {
				t.Fatal(err)
			}
			defer root.Close()
			got := ""
			if err := TarGzip(test.data, root, test.limits); err != nil {
				got = err.Error()
			} else {
				var names []string
				_ = fs.WalkDir(root.FS(), ".", func(name string, _ fs.DirEntry, _ error) error {
					if name != "." {
						names = append(names, name)
					}
					return nil
				})
				got = strings.Join(names, " ")
			}
			if got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
			if entries, err := os.ReadDir(filepath.Dir(dir)); err != nil || len(entries) != 1 {
				t.Errorf("beside the directory: %v %v", entries, err)
			}
		})
	}
}
