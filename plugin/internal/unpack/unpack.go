// Package unpack writes the files of a tar archive into a directory.
//
// It writes nothing outside of that directory, whatever the archive says, and stops at limits. It fetches nothing.
package unpack

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/manifest"
)

// Limits bound what an archive may contain. Zero stands for the default.
type Limits struct {
	Bytes int64 // of the archive without its compression; default 512 MiB
	Files int   // files, links and directories; default 100,000
}

// TarGzip writes the files of a tar archive that gzip compressed into root. Directories, files and symbolic links that do not lead out
// of root are written; anything else is an error. After an error, root may have a part of the files.
func TarGzip(data []byte, root *os.Root, l Limits) error {
	if l.Bytes == 0 {
		l.Bytes = 512 << 20
	}
	if l.Files == 0 {
		l.Files = 100_000
	}
	zipped, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return hint.Errorf("the archive is not compressed with gzip", "the layer has to be a tar archive compressed with gzip, as `flux push artifact` and `oras push` with a directory make it")
	}
	in := tar.NewReader(&bounded{zipped, l.Bytes, l.Bytes})
	for n := 0; ; n++ {
		h, err := in.Next()
		switch {
		case errors.Is(err, io.EOF):
			if n == 0 {
				return errors.New("the archive is empty")
			}
			return nil
		case err != nil:
			return unreadable(err)
		case n == l.Files:
			return fmt.Errorf("the archive holds more than %d files", l.Files)
		}
		if err := write(root, h, in); err != nil {
			return fmt.Errorf("%s: %w", manifest.Printable(h.Name), err)
		}
	}
}

// write writes one entry.
func write(root *os.Root, h *tar.Header, content io.Reader) error {
	name := path.Clean(strings.TrimSuffix(h.Name, "/"))
	if !filepath.IsLocal(filepath.FromSlash(name)) || strings.Contains(h.Name, "\\") {
		return errors.New("the name leads out of the archive")
	}
	if name == "." {
		return nil
	}
	if h.Typeflag == tar.TypeDir {
		return root.MkdirAll(name, 0o755)
	}
	if err := root.MkdirAll(path.Dir(name), 0o755); err != nil {
		return err
	}
	switch h.Typeflag {
	case tar.TypeReg:
		f, err := root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
		if err != nil {
			return err
		}
		_, err = io.Copy(f, content)
		if closed := f.Close(); err == nil {
			err = closed
		}
		return unreadable(err)
	case tar.TypeSymlink:
		if path.IsAbs(h.Linkname) || !filepath.IsLocal(filepath.FromSlash(path.Join(path.Dir(name), h.Linkname))) {
			return errors.New("the link leads out of the archive")
		}
		return root.Symlink(h.Linkname, name)
	case tar.TypeXGlobalHeader:
		return nil
	}
	return errors.New("it is neither a file, a directory nor a symbolic link")
}

func unreadable(err error) error {
	var large *tooLarge
	if err == nil || errors.As(err, &large) {
		return err
	}
	return fmt.Errorf("the archive cannot be read: %w", err)
}

// bounded fails, rather than ends, after that many bytes.
type bounded struct {
	io.Reader
	left, limit int64
}

type tooLarge struct{ limit int64 }

// Error names the limit.
func (e *tooLarge) Error() string {
	return fmt.Sprintf("the archive is larger than %d MiB without its compression", e.limit>>20)
}

func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, &tooLarge{b.limit}
	}
	return n, err
}
