package e2e

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/e2e/kube"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/e2e/peers"
)

// TestPeers runs the scripts of testdata/peers beside the real controllers of other tools. Building these takes a while,
// so that it is asked for: make peers.
func TestPeers(t *testing.T) {
	if os.Getenv("PEERS") == "" {
		t.Skip("runs beside the controllers of Flux, which take minutes to build; make peers does it")
	}
	startFlux(t, shared.cluster)
	testscript.Run(t, testscript.Params{Dir: "testdata/peers", Setup: shared.setup, Cmds: commands(), RequireUniqueNames: true})
}

// startFlux builds Flux' controllers, applies their CustomResourceDefinitions and starts them.
func startFlux(t *testing.T, cluster *kube.Cluster) {
	t.Helper()
	t.Setenv("KUBECONFIG", cluster.Kubeconfig)
	t.Setenv("RUNTIME_NAMESPACE", "default")
	storage := address(t)
	for _, p := range []struct {
		peers.Peer
		args []string
	}{
		{peers.SourceController, []string{"--storage-path=" + t.TempDir(), "--storage-addr=" + storage, "--storage-adv-addr=" + storage}},
		{peers.KustomizeController, nil},
		{peers.HelmController, nil},
	} {
		binary, crds, err := p.Build(t.Context(), ".", os.Stderr)
		if err != nil {
			t.Fatal(err)
		}
		applyCRDs(t, cluster, crds)
		link := filepath.Join(t.TempDir(), p.Name) // the log is named after it
		if err := os.Symlink(binary, link); err != nil {
			t.Fatal(err)
		}
		args := append(p.args, "--metrics-addr=0", "--health-addr="+address(t), "--enable-leader-election=false", "--watch-all-namespaces=true")
		if err := cluster.Run(link, args...); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		if err := cluster.Died(); err != nil || t.Failed() {
			t.Errorf("%v\n%s", err, tailOf(cluster.Dir, "kustomize-controller"))
		}
	})
}

func applyCRDs(t *testing.T, cluster *kube.Cluster, dir string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*_*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no CustomResourceDefinitions in %s: %v", dir, err)
	}
	for _, args := range [][]string{{"apply", "--server-side", "-f", strings.Join(files, ",")}, {"wait", "--for=condition=Established", "--timeout=60s", "-f", strings.Join(files, ",")}} {
		cmd := exec.CommandContext(t.Context(), filepath.Join(cluster.Bin, "kubectl"), args...)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("kubectl %s: %v\n%s", args[0], err, out)
		}
	}
}

// address is a free one on loopback.
func address(t *testing.T) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func tailOf(dir, name string) string {
	data, err := os.ReadFile(filepath.Join(dir, name+".log"))
	if err != nil {
		return fmt.Sprint(err)
	}
	return string(data[max(0, len(data)-8192):])
}
