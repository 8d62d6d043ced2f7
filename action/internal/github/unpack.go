package github

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"
)

// Bounds of an archive that is written to disk.
const (
	maxUnpacked      = 2 << 30 // bytes
	maxUnpackedFiles = 200_000
)

// Unpack makes the directory dir below root and writes the files of one commit into it, none when commit is "". The archive is
// not trusted. Nothing is written outside of dir. Only regular files, directories and symbolic links are written. Links are not
// followed while writing, and a reader must not follow links that leave the directory.
func (c *Client) Unpack(ctx context.Context, commit string, root *os.Root, dir string) error {
	if err := root.Mkdir(dir, 0o700); err != nil {
		return fmt.Errorf("unpack the repository: %w", err)
	}
	if commit == "" { // there is nothing to compare with
		return nil
	}
	to, err := root.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("unpack the repository: %w", err)
	}
	defer to.Close()
	body, err := c.tarball(ctx, commit)
	if err != nil {
		return err
	}
	defer body.Close()
	if err := unpack(body, to); err != nil {
		return fmt.Errorf("unpack the repository: %w", err)
	}
	return nil
}

func unpack(r io.Reader, to *os.Root) error {
	zr, err := gzip.NewReader(r)
	if err != nil {
		return fmt.Errorf("read the archive: %w", err)
	}
	limited := &io.LimitedReader{R: zr, N: maxUnpacked}
	tr := tar.NewReader(limited)
	for n := 0; ; n++ {
		h, err := tr.Next()
		switch {
		case limited.N <= 0 || n > maxUnpackedFiles:
			return fmt.Errorf("the archive is %w", ErrTooBig)
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("read the archive: %w", err)
		}
		_, name, nested := strings.Cut(strings.TrimSuffix(h.Name, "/"), "/")
		if h.Typeflag == tar.TypeXGlobalHeader || !nested || name == "" {
			continue
		}
		if path.Clean(name) != name || path.IsAbs(name) || strings.HasPrefix(name, "../") || name == ".." || strings.ContainsAny(name, "\x00\\") {
			return fmt.Errorf("%w: %q", errUnsafe, name)
		}
		if err := unpackOne(tr, h, to, name); err != nil {
			if limited.N <= 0 {
				return fmt.Errorf("the archive is %w", ErrTooBig)
			}
			return fmt.Errorf("write %s: %w", name, err)
		}
	}
}

func unpackOne(tr io.Reader, h *tar.Header, to *os.Root, name string) error {
	if err := to.MkdirAll(path.Dir(name), 0o700); err != nil {
		return err
	}
	switch h.Typeflag {
	case tar.TypeDir:
		return to.MkdirAll(name, 0o700)
	case tar.TypeSymlink:
		return to.Symlink(h.Linkname, name)
	case tar.TypeReg:
		f, err := to.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if err != nil {
			return err
		}
		_, err = io.Copy(f, tr)
		return errors.Join(err, f.Close())
	}
	return nil // submodules are empty directories, and there is nothing else in Git
}
