package e2e

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path"
	"path/filepath"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/rogpeppe/go-internal/testscript"
	"sigs.k8s.io/yaml"
)

// cmdChartServer implements: chartserver VARIABLE. It packs the charts in $WORK/published and serves them over https, as
// a Helm repository at https://$VARIABLE/stable and as an OCI registry at oci://$VARIABLE/charts. Every command that
// follows trusts it.
func cmdChartServer(ts *testscript.TestScript, args []string) error {
	if len(args) != 1 {
		return usageError("chartserver VARIABLE")
	}
	mux := http.NewServeMux()
	mux.Handle("/v2/", registry.New())
	server := httptest.NewTLSServer(mux)
	ts.Defer(server.Close)
	at, err := url.Parse(server.URL)
	if err != nil {
		return err
	}
	index := "apiVersion: v1\nentries:\n"
	published := filepath.Join(ts.Getenv("WORK"), "published")
	dirs, err := os.ReadDir(published)
	if err != nil {
		return err
	}
	for _, d := range dirs {
		archive, version, err := packChart(filepath.Join(published, d.Name()))
		if err != nil {
			return err
		}
		index += fmt.Sprintf("  %s:\n  - name: %s\n    version: %s\n    digest: %x\n    urls: [%s-%s.tgz]\n", d.Name(), d.Name(), version, sha256.Sum256(archive), d.Name(), version)
		mux.HandleFunc(fmt.Sprintf("/stable/%s-%s.tgz", d.Name(), version), func(w http.ResponseWriter, _ *http.Request) { w.Write(archive) })
		if err := pushChart(server, at.Host+"/charts/"+d.Name()+":"+version, archive); err != nil {
			return err
		}
	}
	mux.HandleFunc("/stable/index.yaml", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, index) })
	ts.Setenv(args[0], at.Host)
	return trust(ts, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
}

// packChart makes an archive of a directory, and reads its version.
func packChart(dir string) (archive []byte, version string, err error) {
	var meta struct{ Version string }
	text, err := os.ReadFile(filepath.Join(dir, "Chart.yaml"))
	if err == nil {
		err = yaml.Unmarshal(text, &meta)
	}
	if err != nil {
		return nil, "", err
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
		err = w.WriteHeader(&tar.Header{Name: path.Join(filepath.Base(dir), file), Mode: 0o644, Size: int64(len(data)), Typeflag: tar.TypeReg})
		if err == nil {
			_, err = w.Write(data)
		}
		return err
	})
	err = errors.Join(err, w.Close(), zipped.Close())
	return out.Bytes(), meta.Version, err
}

func pushChart(server *httptest.Server, tag string, archive []byte) error {
	image, err := mutate.AppendLayers(mutate.MediaType(empty.Image, types.OCIManifestSchema1),
		static.NewLayer(archive, "application/vnd.cncf.helm.chart.content.v1.tar+gzip"))
	if err != nil {
		return err
	}
	ref, err := name.NewTag(tag)
	if err != nil {
		return err
	}
	return remote.Write(ref, image, remote.WithTransport(server.Client().Transport))
}

// cmdChartLock implements: chartlock DIR VERSION. It writes the Chart.lock that Helm writes when it chose VERSION for
// every dependency of the chart in DIR.
func cmdChartLock(ts *testscript.TestScript, args []string) error {
	if len(args) != 2 {
		return usageError("chartlock DIR VERSION")
	}
	type dependency struct {
		Name       string `json:"name"`
		Version    string `json:"version,omitempty"`
		Repository string `json:"repository"`
	}
	var meta struct{ Dependencies []dependency }
	text, err := os.ReadFile(ts.MkAbs(filepath.Join(args[0], "Chart.yaml")))
	if err == nil {
		err = yaml.Unmarshal(text, &meta)
	}
	if err != nil {
		return err
	}
	locked := make([]dependency, len(meta.Dependencies))
	for i, d := range meta.Dependencies {
		locked[i] = dependency{d.Name, args[1], d.Repository}
	}
	pair, err := json.Marshal([2][]dependency{meta.Dependencies, locked})
	if err != nil {
		return err
	}
	lock, err := yaml.Marshal(map[string]any{"dependencies": locked, "digest": fmt.Sprintf("sha256:%x", sha256.Sum256(pair))})
	if err != nil {
		return err
	}
	return os.WriteFile(ts.MkAbs(filepath.Join(args[0], "Chart.lock")), lock, 0o644)
}
