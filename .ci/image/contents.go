package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/pem"
	"io"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"golang.org/x/crypto/x509roots/fallback/bundle"

	"github.com/kubectl-gitops/kubectl-gitops/.ci/release/binary"
)

const (
	user     = "65532:65532" // a number, because a kubelet cannot prove of a name that it is not root
	entry    = "/usr/local/bin/" + binary.Plugin
	sbomFile = "/usr/local/share/sbom/" + binary.Plugin + ".spdx.json"
)

// file is one entry of a layer. A name that ends in a slash is a directory. All belong to root.
type file struct {
	name string
	mode int64
	data []byte
}

// base is what a program expects of a system: certificate authorities, a user with a name, a place for temporary files.
func base() []file {
	return []file{
		{name: "etc/", mode: 0o755},
		{name: "etc/passwd", mode: 0o644, data: []byte("root:x:0:0:root:/:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/:/sbin/nologin\n")},
		{name: "etc/group", mode: 0o644, data: []byte("root:x:0:\nnonroot:x:65532:\n")},
		{name: "etc/ssl/", mode: 0o755},
		{name: "etc/ssl/certs/", mode: 0o755},
		{name: "etc/ssl/certs/ca-certificates.crt", mode: 0o644, data: authorities()},
		{name: "tmp/", mode: 0o1777},
	}
}

// program is the binary and its bill of materials.
func program(b binary.Binary, sbom []byte) []file {
	return []file{
		{name: "usr/", mode: 0o755},
		{name: "usr/local/", mode: 0o755},
		{name: "usr/local/bin/", mode: 0o755},
		{name: entry[1:], mode: 0o755, data: b.Data},
		{name: "usr/local/share/", mode: 0o755},
		{name: "usr/local/share/sbom/", mode: 0o755},
		{name: sbomFile[1:], mode: 0o644, data: sbom},
	}
}

// authorities returns Mozilla's root certificates as PEM, those excepted that are trusted under a condition: a file of
// certificates cannot hold one.
func authorities() []byte {
	var out bytes.Buffer
	for root := range bundle.Roots() {
		if root.Constraint == nil {
			out.Write(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate}))
		}
	}
	return out.Bytes()
}

// newLayer packs files in the given order, all with the same time.
func newLayer(files []file, modified time.Time) (v1.Layer, error) {
	var packed bytes.Buffer
	w := tar.NewWriter(&packed)
	for _, f := range files {
		header := &tar.Header{Typeflag: tar.TypeReg, Name: f.name, Mode: f.mode, Size: int64(len(f.data)), ModTime: modified, Format: tar.FormatUSTAR}
		if f.name[len(f.name)-1] == '/' {
			header.Typeflag = tar.TypeDir
		}
		if err := w.WriteHeader(header); err != nil {
			return nil, err
		}
		if _, err := w.Write(f.data); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	open := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(packed.Bytes())), nil }
	return tarball.LayerFromOpener(open, tarball.WithMediaType(types.OCILayer), tarball.WithCompressionLevel(gzip.DefaultCompression))
}
