package github

import (
	"archive/tar"
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/kubectl-gitops/kubectl-gitops/action/internal/githubtest"
)

func TestTarballPathsCannotEscape(t *testing.T) {
	for _, name := range []string{"r/../x.yaml", "r/a/../../x.yaml", "r//x.yaml", "r/./x.yaml", "r//etc/x.yaml"} {
		_, err := ReadArchive(githubtest.Archive(t, tar.Header{Typeflag: tar.TypeReg, Name: name, Linkname: "a"}), func(Entry) error { return nil })
		if !errors.Is(err, errUnsafe) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTruncatedTarballIsAnError(t *testing.T) {
	b := githubtest.Archive(t, tar.Header{Typeflag: tar.TypeReg, Name: "r/a.yaml", Linkname: strings.Repeat("a: 1\n", 1000)})
	if _, err := ReadArchive(bytes.NewReader(b.Bytes()[:b.Len()/2]), func(Entry) error { return nil }); err == nil {
		t.Error("half an archive was taken for a whole one")
	}
}
