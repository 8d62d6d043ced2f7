package chartrepo

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/chart"
)

// The registry library parses what a registry says, in this process and more than once: that has to be small.
func TestAttackAnswersOfARegistry(t *testing.T) {
	fill := func(begin, piece, end string, bytes int) string {
		return begin + strings.Repeat(piece, bytes/len(piece)) + end
	}
	const begin = `{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"x","size":1,"digest":"sha256:` +
		`0000000000000000000000000000000000000000000000000000000000000000"},"layers":[`
	for name, tt := range map[string]struct {
		path, answer string // asked for at this path
		kind, want   string
	}{
		"X6 a manifest of layers":         {"/manifests/", fill(begin, "{},", "{}]}", 60<<20), "application/vnd.oci.image.manifest.v1+json", "is larger than 1 MiB"},
		"X6 a small manifest of layers":   {"/manifests/", fill(begin, "{},", "{}]}", 900<<10), "application/vnd.oci.image.manifest.v1+json", "holds more than 20000 values"},
		"X6 a manifest of nothing":        {"/manifests/", fill(begin, "null,", "null]}", 900<<10), "application/vnd.oci.image.manifest.v1+json", "holds more than 20000 values"},
		"X6 annotations":                  {"/manifests/", fill(begin+`],"annotations":{"a":"b"`, `,"c":"d"`, "}}", 900<<10), "application/vnd.oci.image.manifest.v1+json", "holds more than 20000 values"},
		"X6 an index":                     {"/manifests/", fill(`{"schemaVersion":2,"manifests":[`, "{},", "{}]}", 900<<10), "application/vnd.oci.image.index.v1+json", "holds more than 20000 values"},
		"X6 the first answer":             {"/v2/", fill("[", "[],", "[]]", 60<<20), "application/json", "is larger than 1 MiB"},
		"X6 a token":                      {"/token", fill(`{"token":"`, "t", `"}`, 60<<20), "application/json", "is larger than 1 MiB"},
		"X6 a token that poses as a blob": {"/v2/charts/db/blobs/sha256:00", fill(`{"token":"`, "t", `"}`, 60<<20), "application/json", "is larger than 1 MiB"},
	} {
		t.Run(name, func(t *testing.T) {
			var packed bytes.Buffer
			z := gzip.NewWriter(&packed)
			_, _ = z.Write([]byte(tt.answer))
			_ = z.Close()
			tt.answer = ""
			asked := false
			var server *httptest.Server
			server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				isToken := strings.Contains(tt.path, "token") || strings.Contains(tt.path, "blobs")
				switch {
				case r.URL.Path == tt.path || tt.path == "/manifests/" && strings.Contains(r.URL.Path, tt.path):
					asked = true
					w.Header().Set("Content-Encoding", "gzip")
					w.Header().Set("Content-Type", tt.kind)
					_, _ = w.Write(packed.Bytes())
				case r.URL.Path == "/v2/" && isToken:
					w.Header().Set("WWW-Authenticate", fmt.Sprintf("Bearer realm=%q,service=\"x\"", server.URL+tt.path))
					w.WriteHeader(http.StatusUnauthorized)
				case r.URL.Path != "/v2/":
					w.WriteHeader(http.StatusNotFound)
				}
			}))
			defer server.Close()
			f := &Fetcher{Local: true, Transport: server.Client().Transport}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, _, err := f.Fetch(t.Context(), chart.Need{Name: "db", Version: "1.2.3", Repository: "oci://" + strings.TrimPrefix(server.URL, "https://") + "/charts"})
			runtime.ReadMemStats(&after)
			if err == nil || !strings.Contains(err.Error(), tt.want) || !asked {
				t.Error(asked, err)
			}
			if mib := (after.TotalAlloc - before.TotalAlloc) >> 20; mib > 16 {
				t.Errorf("%d MiB allocated", mib)
			}
		})
	}
}

// A chart may lie in a repository with any name.
func TestIsForBlob(t *testing.T) {
	for at, want := range map[string]bool{
		"https://r/v2/a/blobs/sha256:00": true, "https://r/v2/a/blobs/b/manifests/1": false, "https://r/v2/a/blobs/manifests/1": false,
		"https://r/v2/": false, "https://r/v2/a/blobs/sha256:00?scope=x": false, "https://r/v2/blobs/manifests/blobs": false,
	} {
		r, err := http.NewRequest(http.MethodGet, at, nil)
		if err != nil || isForBlob(r) != want {
			t.Errorf("%s: %v", at, err)
		}
		moved, _ := http.NewRequest(http.MethodGet, "https://elsewhere/x", nil)
		moved.Response = &http.Response{Request: r}
		if isForBlob(moved) != want {
			t.Errorf("%s, redirected", at)
		}
	}
}

func TestIndexesAsPeopleWriteThem(t *testing.T) {
	for name, index := range map[string]string{
		"helm":                 "apiVersion: v1\nentries:\n  a:\n  - {}\n  db:\n  - version: 1.0.0\n    digest: \"00\"\n    urls: [x]\n  z: []\n",
		"deeper":               "entries:\n    a:\n        - {}\n    db:\n        - version: 1.0.0\n          digest: \"00\"\n          urls: [x]\n    z: []\n",
		"lines between":        "entries:\n\n  db:\n\n  - version: 1.0.0\n    digest: \"00\"\n\n    urls: [x]\n",
		"line ends of Windows": "entries:\r\n  db:\r\n  - version: 1.0.0\r\n    digest: \"00\"\r\n    urls: [x]\r\n",
		"a comment":            "# entries:\nentries: # all\n  db: # the chart\n  - version: 1.0.0\n    digest: \"00\"\n    urls: [x]\n",
		"flow":                 "{entries: {db: [{version: 1.0.0, digest: \"00\", urls: [x]}]}}",
		"a name in quotes":     "entries:\n  \"db\":\n  - version: 1.0.0\n    digest: \"00\"\n    urls: [x]\n",
		"one in quotes":        "entries:\n  'db':\n  - version: 1.0.0\n    digest: \"00\"\n    urls: [x]\n",
		"flow below block":     "entries:\n  # all\n  a: []\n  db: [{version: 1.0.0, digest: \"00\",\n    urls: [x]}]\n  z: []\n",
		"a longer name":        "entries:\n  db-x:\n  - version: 1.0.0\n  db:\n  - version: 1.0.0\n    digest: \"00\"\n    urls: [x]\n",
		"lists at the margin":  "entries:\n  db:\n  - version: 0.0.1\n  -\n    version: 1.0.0\n    digest: \"00\"\n    urls: [x]\n",
		"no entries":           "db:\n- version: 1.0.0\n",
	} {
		v, err := Find(t.Context(), strings.NewReader(index), chart.Need{Name: "db", Version: "1.0.0"})
		if found := err == nil && v.Digest == "00" && len(v.URLs) == 1; found != (name != "no entries") {
			t.Errorf("%s: %+v %v", name, v, err)
		}
	}
}

// others are entries of other charts of that many bytes.
type others struct{ left int }

// Read implements io.Reader.
func (o *others) Read(p []byte) (int, error) {
	const entry = "  x:\n  - version: 1.0.0\n    description: a chart that nobody asked for, among a hundred thousand\n    urls: [x-1.0.0.tgz]\n"
	if o.left <= 0 {
		return 0, io.EOF
	}
	n := 0
	for ; n+len(entry) <= len(p); n += len(entry) {
		copy(p[n:], entry)
	}
	o.left -= n
	return n, nil
}

// An index of 200 MB takes the memory that the entries of the chart take, wherever they stand, and is read no further than them.
func TestHugeIndex(t *testing.T) {
	const mine = "  db:\n  - version: 1.0.0\n    digest: \"00\"\n    urls: [x]\n"
	for name, want := range map[string]string{"db": "", "dc": "the repository has no dc 1.0.0"} {
		after := &others{200 << 20}
		index := io.MultiReader(strings.NewReader("apiVersion: v1\nentries:\n"), &others{200 << 20}, strings.NewReader(mine), after)
		var before, now runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := Find(t.Context(), index, chart.Need{Name: name, Version: "1.0.0"})
		runtime.ReadMemStats(&now)
		if got := fmt.Sprint(err); (err != nil || want != "") && got != want {
			t.Error(got)
		}
		if mib := (now.TotalAlloc - before.TotalAlloc) >> 20; mib > 1 {
			t.Errorf("%s: %d MiB allocated", name, mib)
		}
		if want == "" && after.left < 199<<20 {
			t.Error("it was read to its end")
		}
	}
}

func FuzzFind(f *testing.F) {
	f.Add("entries:\n  db:\n  - version: 1.0.0\n    digest: \"00\"\n    urls: [x]\n", "db")
	f.Add("{entries: {db: [{version: 1.0.0}]}}", "db")
	f.Add("entries:\n  a:\n", "a")
	f.Fuzz(func(t *testing.T, index, name string) {
		v, err := Find(t.Context(), strings.NewReader(index), chart.Need{Name: name, Version: "1.0.0"})
		if err == nil && (v.Digest == "" || len(v.URLs) == 0) {
			t.Errorf("%+v", v)
		}
	})
}

// says answers everything with the same text.
type says string

// RoundTrip implements http.RoundTripper.
func (s says) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/vnd.oci.image.manifest.v1+json"}},
		Body: io.NopCloser(strings.NewReader(string(s))), ContentLength: int64(len(s)), Request: r}, nil
}

// Whatever a registry says, it is refused or a chart whose digest the manifest gives.
func FuzzRegistry(f *testing.F) {
	f.Add(`{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"x","size":1,"digest":"sha256:x"},"layers":[{"mediaType":"` + chartLayer + `","size":3,"digest":"sha256:x"}]}`)
	f.Add(`{"schemaVersion":2,"manifests":[{}]}`)
	f.Add(`[]`)
	f.Fuzz(func(t *testing.T, text string) {
		data, _, err := (&Fetcher{Local: true, Transport: says(text)}).Fetch(t.Context(), chart.Need{Name: "db", Version: "1.2.3", Repository: "oci://registry.example/charts"})
		if err == nil && string(data) != text {
			t.Errorf("%q", data)
		}
	})
}
