package chartrepo

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/chart"
)

// cache is a directory that keeps archives by digest, and by what was asked for the digest of its archive:
//
//	sha256/HEX   an archive
//	names/HEX    the digest of the archive for a need; HEX is the digest of the need
//
// A file appears under its name when it is whole and on the disk. So several processes can share a directory, and one that is killed
// leaves at most a file whose name begins with a dot. "" keeps nothing.
type cache string

// archive names the file with the archive of a digest.
func (c cache) archive(digest string) string {
	return filepath.Join(string(c), "sha256", strings.TrimPrefix(digest, "sha256:"))
}

// name names the file with the digest for a need. What one Secret may fetch is not given to a need without it.
func (c cache) name(n chart.Need) string {
	key := n.Key()
	if n.Secret != "" {
		key += " with " + n.Secret
	}
	return filepath.Join(string(c), "names", strings.TrimPrefix(chart.Digest([]byte(key)), "sha256:"))
}

// get returns the archive of a need, nil when there is none. An archive that does not have its digest counts as none.
func (c cache) get(n chart.Need) []byte {
	if c == "" {
		return nil
	}
	digest, err := os.ReadFile(c.name(n))
	if err != nil || len(digest) != len(chart.Digest(nil)) || strings.ContainsAny(string(digest), `/\.`) {
		return nil
	}
	data, err := os.ReadFile(c.archive(string(digest)))
	if err != nil || chart.Digest(data) != string(digest) {
		return nil
	}
	return data
}

// keep is best effort: a directory that cannot be written means that the chart is fetched again.
func (c cache) keep(n chart.Need, data []byte) {
	if c == "" {
		return
	}
	digest := chart.Digest(data)
	if writeWhole(c.archive(digest), data) == nil {
		_ = writeWhole(c.name(n), []byte(digest))
	}
}

// writeWhole writes a file that is either there with all its bytes, or not there.
func writeWhole(file string, data []byte) error {
	dir := filepath.Dir(file)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, ".fetched-")
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(f.Name(), file)
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}
