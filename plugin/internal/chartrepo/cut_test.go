package chartrepo

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/chart"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/chartrepo/repotest"
)

// wire stands between a client and a server, and cuts the connection after that many bytes of answers.
type wire struct {
	to      string
	left    atomic.Int64
	carried atomic.Int64
	cut     func() // called instead of passing on the byte too many; may be nil
}

// start returns the address of the wire.
func (w *wire) start(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			go w.carry(client)
		}
	}()
	return listener.Addr().String()
}

func (w *wire) carry(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", w.to)
	if err != nil {
		return
	}
	defer server.Close()
	go func() { _, _ = io.Copy(server, client) }()
	piece := make([]byte, 4096)
	for {
		n, err := server.Read(piece)
		pass := min(int64(n), max(w.left.Add(int64(-n))+int64(n), 0))
		_, _ = client.Write(piece[:pass])
		w.carried.Add(pass)
		if pass < int64(n) && w.cut != nil {
			w.cut()
		}
		if err != nil || pass < int64(n) {
			return
		}
	}
}

// packed writes a chart and returns the directory above it.
func packed(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for file, text := range map[string]string{"Chart.yaml": "apiVersion: v2\nname: db\nversion: 1.2.3\n", "templates/x.yaml": "kind: ConfigMap\n"} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, "db", file)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "db", file), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// checkCache fails unless every file is whole: an archive has the digest of its name, and a name leads to an archive.
func checkCache(t *testing.T, dir string) (archives int) {
	t.Helper()
	for _, kind := range []string{"sha256", "names"} {
		entries, err := os.ReadDir(filepath.Join(dir, kind))
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		for _, e := range entries {
			data, err := os.ReadFile(filepath.Join(dir, kind, e.Name()))
			switch {
			case strings.HasPrefix(e.Name(), "."): // of a process that was killed: never read
			case err != nil:
				t.Error(err)
			case kind == "sha256" && chart.Digest(data) != "sha256:"+e.Name():
				t.Errorf("half an archive of %d bytes", len(data))
			case kind == "sha256":
				archives++
			default:
				if _, err := os.Stat(cache(dir).archive(string(data))); err != nil {
					t.Error(err)
				}
			}
		}
	}
	return archives
}

// TestCutOffAtEveryByte cuts the answers of a real Helm repository and of a real registry at every byte. Each time the fetch fails, the
// cache holds nothing that is not whole, and the next fetch gets the chart.
func TestCutOffAtEveryByte(t *testing.T) {
	dir := packed(t)
	whole, err := repotest.Pack(dir + "/db")
	if err != nil {
		t.Fatal(err)
	}
	server, err := repotest.Start(repotest.Options{Charts: dir, Plain: true})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	for _, kind := range []string{"http", "oci"} {
		t.Run(kind, func(t *testing.T) {
			w := &wire{to: server.Host()}
			repository := map[string]string{"http": "http://", "oci": "oci://"}[kind] + w.start(t) + "/charts"
			dir := t.TempDir()
			fetch := func() ([]byte, error) {
				transport := &http.Transport{DisableKeepAlives: true}
				f := &Fetcher{Local: true, Loopback: true, Cache: dir, Transport: transport, backoff: &remote.Backoff{Steps: 1}}
				data, _, err := f.Fetch(t.Context(), chart.Need{Name: "db", Version: "1.2.3", Repository: repository})
				return data, err
			}
			w.left.Store(1 << 40)
			if _, err := fetch(); err != nil {
				t.Fatal(err)
			}
			all := w.carried.Load()
			if all < int64(len(whole.Archive)) {
				t.Fatalf("%d bytes were carried", all)
			}
			for at := range all {
				if err := os.RemoveAll(dir); err != nil {
					t.Fatal(err)
				}
				w.left.Store(at)
				if _, err := fetch(); err == nil || checkCache(t, dir) > 0 {
					t.Fatalf("cut off after %d of %d bytes: %v", at, all, err)
				}
				w.left.Store(1 << 40)
				if at%50 > 0 && at < all-5 { // the fetch that converges is the same for most
					continue
				}
				if data, err := fetch(); err != nil || string(data) != string(whole.Archive) || checkCache(t, dir) != 1 {
					t.Fatalf("after it was cut off after %d bytes: %v", at, err)
				}
			}
		})
	}
}

// TestMain lets this test binary fetch one chart, so that a test can kill it.
func TestMain(m *testing.M) {
	if len(os.Args) == 4 && os.Args[1] == "fetch" {
		f := &Fetcher{Local: true, Loopback: true, Cache: os.Args[3]}
		_, _, err := f.Fetch(context.Background(), chart.Need{Name: "db", Version: "1.2.3", Repository: os.Args[2]})
		fmt.Println(err)
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// TestKilledWhileFetching kills a process at many points of a fetch, and once it has the last byte. The next one converges.
func TestKilledWhileFetching(t *testing.T) {
	server, err := repotest.Start(repotest.Options{Charts: packed(t), Plain: true})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	var process atomic.Pointer[os.Process]
	started := make(chan struct{}, 1)
	w := &wire{to: server.Host(), cut: func() {
		<-started
		_ = process.Load().Kill()
	}}
	repository := "http://" + w.start(t) + "/charts"
	fetch := func() string {
		cmd := exec.Command(self, "fetch", repository, dir)
		out := &strings.Builder{}
		cmd.Stdout = out
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		process.Store(cmd.Process)
		started <- struct{}{}
		_ = cmd.Wait()
		select {
		case <-started:
		default:
		}
		return out.String()
	}
	w.left.Store(1 << 40)
	if out := fetch(); out != "<nil>\n" {
		t.Fatal(out)
	}
	all := w.carried.Load()
	for i := range int64(12) {
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
		w.left.Store(all * i / 12)
		if out := fetch(); out != "" || checkCache(t, dir) > 0 {
			t.Errorf("killed at part %d: %s", i, out)
		}
		w.left.Store(1 << 40)
		if out := fetch(); out != "<nil>\n" || checkCache(t, dir) != 1 {
			t.Errorf("after the kill at part %d: %s", i, out)
		}
	}
}
