package main

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// archive writes an OCI image layout (https://github.com/opencontainers/image-spec/blob/v1.1.1/image-layout.md) as a
// tar file. Entries have neither time nor owner.
type archive struct {
	w    *tar.Writer
	seen map[v1.Hash]bool
}

// writeArchive writes index under name to the file at path, by way of a file beside it, and returns its digest. Beside
// the layout lies the manifest.json of the older `docker save`, for programs that do not know indexes: it names the
// first image.
func writeArchive(path, name string, index v1.ImageIndex) (v1.Hash, error) {
	digest, err := index.Digest()
	if err != nil {
		return v1.Hash{}, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return v1.Hash{}, err
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".image-*")
	if err != nil {
		return v1.Hash{}, err
	}
	defer os.Remove(tmp.Name())
	defer tmp.Close()
	a := &archive{w: tar.NewWriter(tmp), seen: map[v1.Hash]bool{}}
	if err := a.write(name, index); err != nil {
		return v1.Hash{}, err
	}
	if err := a.w.Close(); err != nil {
		return v1.Hash{}, err
	}
	if err := tmp.Chmod(0o644); err != nil {
		return v1.Hash{}, err
	}
	if err := tmp.Close(); err != nil {
		return v1.Hash{}, err
	}
	return digest, os.Rename(tmp.Name(), path)
}

func (a *archive) write(name string, index v1.ImageIndex) error {
	if err := a.file("oci-layout", []byte(`{"imageLayoutVersion":"1.0.0"}`)); err != nil {
		return err
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		return err
	}
	var saved []dockerManifest
	for _, d := range manifest.Manifests {
		image, err := index.Image(d.Digest)
		if err != nil {
			return err
		}
		entry, err := a.image(name, image)
		if err != nil {
			return err
		}
		saved = append(saved, entry)
	}
	raw, err := index.RawManifest()
	if err != nil {
		return err
	}
	digest, size, err := v1.SHA256(bytes.NewReader(raw))
	if err != nil {
		return err
	}
	if err := a.blob(digest, raw); err != nil {
		return err
	}
	if err := a.json("manifest.json", saved[:1]); err != nil {
		return err
	}
	return a.json("index.json", v1.IndexManifest{SchemaVersion: 2, MediaType: manifest.MediaType, Manifests: []v1.Descriptor{{
		MediaType: manifest.MediaType, Digest: digest, Size: size,
		Annotations: map[string]string{"io.containerd.image.name": name, "org.opencontainers.image.ref.name": name},
	}}})
}

type dockerManifest struct {
	Config   string
	RepoTags []string
	Layers   []string
}

// image writes layers, configuration and manifest.
func (a *archive) image(name string, image v1.Image) (dockerManifest, error) {
	entry := dockerManifest{RepoTags: []string{name}}
	layers, err := image.Layers()
	if err != nil {
		return entry, err
	}
	for _, layer := range layers {
		digest, err := layer.Digest()
		if err != nil {
			return entry, err
		}
		entry.Layers = append(entry.Layers, blobPath(digest))
		packed, err := layer.Compressed()
		if err != nil {
			return entry, err
		}
		data, err := io.ReadAll(packed)
		if err != nil {
			return entry, err
		}
		if err := a.blob(digest, data); err != nil {
			return entry, err
		}
	}
	config, err := image.RawConfigFile()
	if err != nil {
		return entry, err
	}
	digest, err := image.ConfigName()
	if err != nil {
		return entry, err
	}
	entry.Config = blobPath(digest)
	if err := a.blob(digest, config); err != nil {
		return entry, err
	}
	manifest, err := image.RawManifest()
	if err != nil {
		return entry, err
	}
	if digest, err = image.Digest(); err != nil {
		return entry, err
	}
	return entry, a.blob(digest, manifest)
}

func blobPath(digest v1.Hash) string { return "blobs/" + digest.Algorithm + "/" + digest.Hex }

func (a *archive) blob(digest v1.Hash, data []byte) error {
	if a.seen[digest] {
		return nil
	}
	a.seen[digest] = true
	return a.file(blobPath(digest), data)
}

func (a *archive) json(name string, value any) error {
	data, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return a.file(name, data)
}

func (a *archive) file(name string, data []byte) error {
	header := &tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644, Size: int64(len(data)), ModTime: time.Unix(0, 0), Format: tar.FormatUSTAR}
	if err := a.w.WriteHeader(header); err != nil {
		return err
	}
	_, err := a.w.Write(data)
	return err
}
