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
	"strconv"
	"sync"

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

// chartServer is a Helm repository and an OCI registry.
type chartServer struct {
	*httptest.Server
	host string

	mu       sync.Mutex
	archives map[string]release // by file name
	hits     int                // requests since they were last counted
	off      bool               // it answers nobody
}

// release is one version of a chart.
type release struct {
	name, version string
	archive       []byte
}

// cmdChartServer implements: chartserver VARIABLE. It packs the charts in $WORK/published and serves them over https, as
// a Helm repository at https://$VARIABLE/stable and as an OCI registry at oci://$VARIABLE/charts. Every command that
// follows trusts it. A second time, it publishes what is there now; other versions stay.
func cmdChartServer(ts *testscript.TestScript, args []string) error {
	if len(args) != 1 {
		return usageError("chartserver VARIABLE")
	}
	published := filepath.Join(ts.Getenv("WORK"), "published")
	if c := scriptOf(ts).charts; c != nil {
		return c.publish(published)
	}
	c := &chartServer{archives: map[string]release{}}
	mux := http.NewServeMux()
	mux.Handle("/v2/", registry.New())
	mux.Handle("/stable/", c)
	c.Server = httptest.NewTLSServer(c.counted(mux))
	ts.Defer(c.Close)
	scriptOf(ts).charts = c
	at, err := url.Parse(c.URL)
	if err != nil {
		return err
	}
	c.host = at.Host
	if err := c.publish(published); err != nil {
		return err
	}
	ts.Setenv(args[0], c.host)
	return trust(ts, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Certificate().Raw}))
}

// counted counts the requests for next, and hangs up on them while the server is off.
func (c *chartServer) counted(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.mu.Lock()
		c.hits++
		off := c.off
		c.mu.Unlock()
		if off {
			panic(http.ErrAbortHandler)
		}
		next.ServeHTTP(w, r)
	})
}

// cmdCharts implements: charts hits N | off | on. hits checks how many requests the chart server got since it started, or
// since the hits before; off lets it hang up on all requests.
func cmdCharts(ts *testscript.TestScript, args []string) error {
	c := scriptOf(ts).charts
	if c == nil {
		return errors.New("there is no chart server")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case len(args) == 1 && (args[0] == "off" || args[0] == "on"):
		c.off = args[0] == "off"
		return nil
	case len(args) == 2 && args[0] == "hits":
		got := c.hits
		c.hits = 0
		if want, err := strconv.Atoi(args[1]); err != nil || got != want {
			return fmt.Errorf("the chart server got %d requests", got)
		}
		return nil
	}
	return usageError("charts hits N|off|on")
}

// ServeHTTP serves the Helm repository.
func (c *chartServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	file := path.Base(r.URL.Path)
	if p, ok := c.archives[file]; ok {
		_, _ = w.Write(p.archive)
		return
	}
	if file != "index.yaml" {
		http.NotFound(w, r)
		return
	}
	fmt.Fprint(w, "apiVersion: v1\nentries:\n")
	charts := map[string][]string{}
	for file, p := range c.archives {
		charts[p.name] = append(charts[p.name], file)
	}
	for name, files := range charts {
		fmt.Fprintf(w, "  %s:\n", name)
		for _, file := range files {
			p := c.archives[file]
			fmt.Fprintf(w, "  - name: %s\n    version: %s\n    digest: %x\n    urls: [%s]\n", p.name, p.version, sha256.Sum256(p.archive), file)
		}
	}
}

func (c *chartServer) publish(dir string) error {
	dirs, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, d := range dirs {
		archive, version, err := packChart(filepath.Join(dir, d.Name()))
		if err != nil {
			return err
		}
		if err := pushChart(c.Server, c.host+"/charts/"+d.Name()+":"+version, archive); err != nil {
			return err
		}
		c.mu.Lock()
		c.archives[d.Name()+"-"+version+".tgz"] = release{d.Name(), version, archive}
		c.mu.Unlock()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hits = 0
	return nil
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
