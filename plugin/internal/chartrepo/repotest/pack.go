package repotest

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"sigs.k8s.io/yaml"
)

// Chart is an archive that a server offers.
type Chart struct {
	Name, Version string
	Archive       []byte
}

// Pack makes the archive of the chart in a directory. The same files give the same bytes.
func Pack(dir string) (Chart, error) {
	var meta struct{ Name, Version string }
	text, err := os.ReadFile(filepath.Join(dir, "Chart.yaml"))
	if err == nil {
		err = yaml.Unmarshal(text, &meta)
	}
	if err == nil && (meta.Name == "" || meta.Version == "") {
		err = fmt.Errorf("%s/Chart.yaml has no name or no version", dir)
	}
	if err != nil {
		return Chart{}, err
	}
	var out bytes.Buffer
	zipped := gzip.NewWriter(&out)
	w := tar.NewWriter(zipped)
	err = fs.WalkDir(os.DirFS(dir), ".", func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			return err
		}
		err = w.WriteHeader(&tar.Header{Name: path.Join(meta.Name, file), Mode: 0o644, Size: int64(len(data)), Typeflag: tar.TypeReg})
		if err == nil {
			_, err = w.Write(data)
		}
		return err
	})
	err = errors.Join(err, w.Close(), zipped.Close())
	return Chart{meta.Name, meta.Version, out.Bytes()}, err
}

// charts packs every chart below a directory. A directory with a Chart.yaml is one, and what is below it belongs to it.
func charts(dir string) ([]Chart, error) {
	var all []Chart
	err := filepath.WalkDir(dir, func(at string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		if _, err := os.Stat(filepath.Join(at, "Chart.yaml")); err != nil {
			return nil
		}
		chart, err := Pack(at)
		if err != nil {
			return err
		}
		all = append(all, chart)
		return fs.SkipDir
	})
	return all, err
}
