package pairing

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
)

// coveredBy tells whether a file is one of those that were read, or lies in a directory that was.
func coveredBy(read []string) func(name string) bool {
	set := map[string]bool{}
	for _, name := range read {
		set[path.Clean(name)] = true
	}
	return func(name string) bool {
		for ; ; name = path.Dir(name) {
			if set[name] || name == "." {
				return set[name]
			}
		}
	}
}

// changedFiles lists the files that differ between two sides, or that only one of them has, sorted.
func changedFiles(ctx context.Context, base, head State) ([]string, error) {
	before, err := filesOf(ctx, base, ".")
	if err != nil {
		return nil, err
	}
	after, err := filesOf(ctx, head, ".")
	if err != nil {
		return nil, err
	}
	var changed []string
	for name, b := range before {
		h, stays := after[name]
		if stays {
			same, err := sameFile(base.Root, head.Root, name, b, h)
			if err != nil {
				return nil, err
			}
			if same {
				continue
			}
		}
		changed = append(changed, name)
	}
	for name := range after {
		if _, was := before[name]; !was {
			changed = append(changed, name)
		}
	}
	slices.Sort(changed)
	return changed, ctx.Err()
}

// filesOf lists files and symbolic links. The directory .git is no part of a repository's files.
func filesOf(ctx context.Context, s State, dir string) (map[string]fs.FileInfo, error) {
	files := map[string]fs.FileInfo{}
	err := fs.WalkDir(s.Root.FS(), dir, func(name string, d fs.DirEntry, err error) error {
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, fs.ErrNotExist) && name == dir:
			return fs.SkipAll
		case err != nil:
			return err
		case d.Name() == ".git", name != "." && s.Ignored != nil && s.Ignored(name, d.IsDir()):
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		case d.IsDir():
			return nil
		}
		info, err := d.Info()
		files[name] = info
		return err
	})
	return files, err
}

func sameFile(base, head *os.Root, name string, b, h fs.FileInfo) (bool, error) {
	if b.Mode().Type() != h.Mode().Type() {
		return false, nil
	}
	if b.Mode().Type() == fs.ModeSymlink {
		before, err := base.Readlink(name)
		if err != nil {
			return false, err
		}
		after, err := head.Readlink(name)
		return before == after, err
	}
	if b.Size() != h.Size() || !b.Mode().IsRegular() {
		return b.Size() == h.Size(), nil
	}
	return sameContent(base, head, name)
}

func sameContent(base, head *os.Root, name string) (bool, error) {
	b, err := base.Open(name)
	if err != nil {
		return false, err
	}
	defer b.Close()
	h, err := head.Open(name)
	if err != nil {
		return false, err
	}
	defer h.Close()
	var before, after [32 << 10]byte
	for {
		n, errB := io.ReadFull(b, before[:])
		m, errH := io.ReadFull(h, after[:])
		if !bytes.Equal(before[:n], after[:m]) {
			return false, nil
		}
		for _, err := range []error{errB, errH} {
			if err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF) {
				return true, nil
			}
			if err != nil {
				return false, err
			}
		}
	}
}

func hasDirectory(root *os.Root, dir string) bool {
	info, err := fs.Stat(root.FS(), path.Clean(dir))
	return err == nil && info.IsDir()
}
