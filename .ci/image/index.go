package main

import (
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// newIndex returns the image of every binary, in the order given.
func newIndex(binaries []binary) (v1.ImageIndex, error) {
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, b := range binaries {
		image, err := newImage(b)
		if err != nil {
			return nil, err
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{
			Add:        image,
			Descriptor: v1.Descriptor{MediaType: types.OCIManifestSchema1, Platform: &b.platform},
		})
	}
	if len(binaries) == 0 {
		return index, nil
	}
	return mutate.Annotations(index, labels(binaries[0])).(v1.ImageIndex), nil
}

func newImage(b binary) (v1.Image, error) {
	sbom, err := billOfMaterials(b)
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
		{binaryName + " " + b.version, program(b, sbom), b.time},
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
	config.OS, config.Architecture = b.platform.OS, b.platform.Architecture
	config.Created = v1.Time{Time: b.time}
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
func labels(b binary) map[string]string {
	const key = "org.opencontainers.image."
	l := map[string]string{
		key + "title":       binaryName,
		key + "description": "Makes a Kubernetes cluster what Git says, and shows and undoes what differs",
		key + "source":      "https://" + module,
		key + "licenses":    "Apache-2.0",
		key + "version":     b.version,
		key + "created":     b.time.Format(time.RFC3339),
	}
	if b.revision != "" {
		l[key+"revision"] = b.revision
	}
	return l
}
