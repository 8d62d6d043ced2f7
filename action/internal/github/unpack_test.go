package github

import (
	"archive/tar"
	"os"
	"path/filepath"
	"testing"

	"github.com/kubectl-gitops/kubectl-gitops/action/internal/githubtest"
)

// TestUnpackStaysInItsDirectory feeds archives that try to leave it.
func TestUnpackStaysInItsDirectory(t *testing.T) {
	file := func(name string) tar.Header { return tar.Header{Typeflag: tar.TypeReg, Name: name, Linkname: "x"} }
	link := func(name, to string) tar.Header {
		return tar.Header{Typeflag: tar.TypeSymlink, Name: name, Linkname: to}
	}
	for name, entries := range map[string][]tar.Header{
		"parent":             {file("top/../../evil.txt")},
		"absolute":           {file("top//etc/evil.txt")},
		"through a link":     {link("top/link", "/tmp"), file("top/link/evil.txt")},
		"through a relative": {link("top/link", "../.."), file("top/link/evil.txt")},
		"over a link":        {link("top/link", "/tmp/evil.txt"), file("top/link")},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			root, err := os.OpenRoot(dir)
			if err != nil {
				t.Fatal(err)
			}
			defer root.Close()
			if err := root.Mkdir("in", 0o700); err != nil {
				t.Fatal(err)
			}
			to, err := root.OpenRoot("in")
			if err != nil {
				t.Fatal(err)
			}
			defer to.Close()
			if err := unpack(githubtest.Archive(t, entries...), to); err == nil {
				t.Error("it was written")
			}
			for _, p := range []string{filepath.Join(dir, "evil.txt"), filepath.Join(filepath.Dir(dir), "evil.txt"), "/tmp/evil.txt", "/etc/evil.txt"} {
				if _, err := os.Lstat(p); err == nil {
					t.Errorf("%s is there", p)
				}
			}
		})
	}
}
