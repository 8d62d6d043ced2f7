package chartrepo

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/chart"
)

const archive = "the bytes of an archive"

// repository serves an index of one chart whose digest is right, and counts requests.
func repository(t *testing.T, edit func(index string) string) (*httptest.Server, *atomic.Int32) {
	t.Helper()
	count := &atomic.Int32{}
	index := "apiVersion: v1\nentries:\n  other:\n  - version: 1.0.0\n  db:\n  - apiVersion: v2\n    version: 1.2.3\n    digest: " +
		strings.TrimPrefix(chart.Digest([]byte(archive)), "sha256:") + "\n    urls:\n    - charts/db-1.2.3.tgz\n  zebra: []\ngenerated: x\n"
	mux := http.NewServeMux()
	mux.HandleFunc("/stable/index.yaml", func(w http.ResponseWriter, _ *http.Request) {
		count.Add(1)
		fmt.Fprint(w, edit(index))
	})
	mux.HandleFunc("/stable/charts/db-1.2.3.tgz", func(w http.ResponseWriter, _ *http.Request) {
		count.Add(1)
		fmt.Fprint(w, archive)
	})
	s := httptest.NewTLSServer(mux)
	t.Cleanup(s.Close)
	return s, count
}

func same(index string) string { return index }

func TestFromAnIndex(t *testing.T) {
	server, count := repository(t, same)
	var told []string
	f := &Fetcher{Local: true, Cache: t.TempDir() + "/new", Transport: server.Client().Transport,
		Fetched: func(n chart.Need, digest, _ string) { told = append(told, n.Name+" "+digest) }}
	n := chart.Need{Name: "db", Version: "1.2.3", Repository: server.URL + "/stable"}
	for range 2 {
		data, _, err := f.Fetch(t.Context(), n)
		if err != nil || string(data) != archive {
			t.Fatalf("%q, %v", data, err)
		}
	}
	if count.Load() != 2 || len(told) != 1 || told[0] != "db "+chart.Digest([]byte(archive)) {
		t.Errorf("%d requests, told %q", count.Load(), told)
	}
	// A kept archive that was changed is fetched again.
	if err := os.WriteFile(cache(f.Cache).archive(chart.Digest([]byte(archive))), []byte("something else"), 0o600); err != nil {
		t.Fatal(err)
	}
	if data, _, err := f.Fetch(t.Context(), n); err != nil || string(data) != archive || count.Load() != 4 {
		t.Errorf("%q, %v, %d requests", data, err, count.Load())
	}
}

func TestAnIndexThatIsWrong(t *testing.T) {
	for name, tt := range map[string]struct {
		edit func(string) string
		want string
	}{
		"another digest": {func(s string) string { return strings.Replace(s, "digest: ", "digest: 00", 1) }, "the index says sha256:00"},
		"no digest":      {func(s string) string { return strings.Replace(s, "digest: ", "x: ", 1) }, "has no digest"},
		"no version":     {func(s string) string { return strings.ReplaceAll(s, "1.2.3", "1.2.4") }, "the repository has no db 1.2.3"},
		"no chart":       {func(s string) string { return strings.ReplaceAll(s, "db:", "bd:") }, "the repository has no db 1.2.3"},
		"no address":     {func(s string) string { return strings.Replace(s, "urls:", "x:", 1) }, "has no address"},
		"not YAML":       {func(string) string { return "<html>\x00" }, "the index cannot be read"},
		"plain http":     {func(s string) string { return strings.Replace(s, "- charts", "- http://example.com/charts", 1) }, "http://example.com is not https"},
		"nowhere":        {func(s string) string { return strings.Replace(s, "- charts", "- nowhere", 1) }, "404"},
		"JSON": {func(string) string {
			return `{"entries":{"db":[{"version":"1.2.3","digest":"` + chart.Digest([]byte(archive)) + `","urls":["charts/db-1.2.3.tgz"]}]}}`
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			server, _ := repository(t, tt.edit)
			f := &Fetcher{Local: true, Transport: server.Client().Transport}
			_, _, err := f.Fetch(t.Context(), chart.Need{Name: "db", Version: "1.2.3", Repository: server.URL + "/stable/"})
			switch {
			case tt.want == "" && err != nil:
				t.Error(err)
			case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestAddressesThatAreRefused(t *testing.T) {
	for address, want := range map[string]string{
		"http://example.com/charts":      "http://example.com is not https",
		"https://me:hunter2@example.com": "holds a user or password",
		"s3://bucket":                    "s3:// is not a repository",
		"oci://example.com:x/UPPER":      "cannot be read",
		"http://127.0.0.1:1/charts":      "is not https",
		"https://127.0.0.1:1/charts":     "connection refused",
		"oci://127.0.0.1:1/charts":       "connection refused",
	} {
		_, _, err := (&Fetcher{Local: true}).Fetch(t.Context(), chart.Need{Name: "db", Version: "1.2.3", Repository: address})
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", address, err)
		}
	}
}

func TestFromARegistry(t *testing.T) {
	server := httptest.NewTLSServer(registry.New())
	t.Cleanup(server.Close)
	at, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	push := func(tag string, kind types.MediaType) {
		image, err := mutate.AppendLayers(mutate.MediaType(empty.Image, types.OCIManifestSchema1), static.NewLayer([]byte(archive), kind))
		if err != nil {
			t.Fatal(err)
		}
		ref, err := name.NewTag(at.Host + "/charts/db:" + tag)
		if err != nil {
			t.Fatal(err)
		}
		if err := remote.Write(ref, image, remote.WithTransport(server.Client().Transport)); err != nil {
			t.Fatal(err)
		}
	}
	push("1.2.3_build", chartLayer)
	push("2.0.0", types.OCILayer)
	f := &Fetcher{Local: true, Transport: server.Client().Transport}
	need := func(version string) chart.Need {
		return chart.Need{Name: "db", Version: version, Repository: "oci://" + at.Host + "/charts"}
	}
	if data, _, err := f.Fetch(t.Context(), need("1.2.3+build")); err != nil || string(data) != archive {
		t.Errorf("%q, %v", data, err)
	}
	for version, want := range map[string]string{"2.0.0": "not a Helm chart", "3.0.0": "the registry answers 404"} {
		if _, _, err := f.Fetch(t.Context(), need(version)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", version, err)
		}
	}
}
