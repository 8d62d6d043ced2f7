package main

import (
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/kubectl-gitops/kubectl-gitops/.ci/release/binary"
)

// newIndex returns the image of every binary, in the order given.
func newIndex(binaries []binary.Binary) (v1.ImageIndex, error) {
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, b := range binaries {
		image, err := newImage(b)
		if err != nil {
			return nil, err
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{
			Add:        image,
			Descriptor: v1.Descriptor{MediaType: types.OCIManifestSchema1, Platform: &v1.Platform{OS: b.Platform.OS, Architecture: b.Platform.Arch}},
		})
	}
	if len(binaries) == 0 {
		return index, nil
	}
	return mutate.Annotations(index, labels(binaries[0])).(v1.ImageIndex), nil
}

func newImage(b binary.Binary) (v1.Image, error) {
	sbom, err := b.BillOfMaterials()
	if err != nil {
		return nil, err
	}
	image := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	for _, layer := range []struct {
		name  string
		files []file
		time  time.Time
	}{
		{"certificate authorities, user, /tmp", base(), time.Unix(0, 0)}, // the same in every build
		{binary.Plugin + " " + b.Version, program(b, sbom), b.Time},
	} {
		packed, err := newLayer(layer.files, layer.time)
		if err != nil {
			return nil, err
		}
		image, err = mutate.Append(image, mutate.Addendum{
			Layer:   packed,
			History: v1.History{CreatedBy: layer.name, Created: v1.Time{Time: layer.time.UTC()}},
		})
		if err != nil {
			return nil, err
		}
	}
	config, err := image.ConfigFile()
	if err != nil {
		return nil, err
	}
	config = config.DeepCopy()
	config.OS, config.Architecture = b.Platform.OS, b.Platform.Arch
	config.Created = v1.Time{Time: b.Time}
	config.Config = v1.Config{
		User:       user,
		Entrypoint: []string{entry},
		WorkingDir: "/",
		Env:        []string{"PATH=/usr/local/bin", "HOME=/tmp"},
		Labels:     labels(b),
	}
	image, err = mutate.ConfigFile(image, config)
	if err != nil {
		return nil, err
	}
	return mutate.Annotations(image, labels(b)).(v1.Image), nil
}

// labels are the keys that registries and scanners know.
func labels(b binary.Binary) map[string]string {
	const key = "org.opencontainers.image."
	l := map[string]string{
		key + "title":       binary.Plugin,
		key + "description": "Makes a Kubernetes cluster what Git says, and shows and undoes what differs",
		key + "source":      "https://" + binary.Module,
		key + "licenses":    "Apache-2.0",
		key + "version":     b.Version,
		key + "created":     b.Time.Format(time.RFC3339),
	}
	if b.Revision != "" {
		l[key+"revision"] = b.Revision
	}
	return l
}
