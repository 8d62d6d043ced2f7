package node

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/e2e/kube"
)

const (
	readyTimeout = 2 * time.Minute
	pollEvery    = 100 * time.Millisecond
	socket       = "/run/containerd.sock" // short, as the path of a socket must be, and private
	pauseImage   = "gitops.test/pause:1"
	pauseFile    = "pause.tar"
)

// Node is a running node. It ends with its cluster.
type Node struct {
	// Cgroup is the control group that all pods are below.
	Cgroup string

	cluster *kube.Cluster
	dir     string
}

// Start adds a node to the cluster and returns when it is ready. dir is what Inside returned, and
// BuildPause has been there. images are files that
// `ctr image import` reads; nothing is ever pulled.
func Start(ctx context.Context, cluster *kube.Cluster, dir string, images ...string) (*Node, error) {
	n := &Node{Cgroup: "/" + filepath.Base(dir), cluster: cluster, dir: dir}
	steps := []func(context.Context) error{
		n.startContainerd,
		func(ctx context.Context) error {
			return n.Import(ctx, append(images, filepath.Join(dir, pauseFile))...)
		},
		n.forward,
		n.startKubelet,
		n.ready,
		n.schedule,
	}
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return nil, fmt.Errorf("start the node: %w", err)
		}
	}
	return n, nil
}

// Import makes the images in files known to the node.
func (n *Node) Import(ctx context.Context, files ...string) error {
	for _, file := range files {
		out, err := n.ctr(ctx, "image", "import", file)
		if err != nil {
			return fmt.Errorf("import %s: %w\n%s", filepath.Base(file), err, out)
		}
	}
	return nil
}

func (n *Node) ctr(ctx context.Context, args ...string) ([]byte, error) {
	return exec.CommandContext(ctx, "ctr", append([]string{"-a", socket, "-n", "k8s.io"}, args...)...).CombinedOutput()
}

const containerdConfig = `version = 2
root = %[1]q
state = "/run/containerd-state"
disabled_plugins = ["io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.internal.v1.tracing", "io.containerd.tracing.processor.v1.otlp"]
[grpc]
  address = %[2]q
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = %[3]q
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = %[4]q
    conf_dir = %[5]q
[plugins."io.containerd.internal.v1.opt"]
  path = %[6]q
`

const cniConfig = `{"cniVersion": "0.4.0", "name": "pods", "plugins": [{"type": "ptp", "ipMasq": false,
  "ipam": {"type": "host-local", "dataDir": "/run/cni-addresses", "ranges": [[{"subnet": "10.244.0.0/16"}]], "routes": [{"dst": "0.0.0.0/0"}]}}]}
`

func (n *Node) startContainerd(ctx context.Context) error {
	cni := filepath.Join(n.dir, "cni")
	if err := os.MkdirAll(cni, 0o755); err != nil {
		return err
	}
	config := fmt.Sprintf(containerdConfig, filepath.Join(n.dir, "containerd"), socket, pauseImage, cniPlugins(), cni, filepath.Join(n.dir, "opt"))
	path := filepath.Join(n.dir, "containerd.toml")
	if err := errors.Join(
		os.WriteFile(path, []byte(config), 0o600),
		os.WriteFile(filepath.Join(cni, "pods.conflist"), []byte(cniConfig), 0o600),
	); err != nil {
		return err
	}
	binary, err := exec.LookPath("containerd")
	if err != nil {
		return err
	}
	if err := n.cluster.Run(binary, "--config="+path); err != nil {
		return err
	}
	return n.wait(ctx, func(ctx context.Context) error {
		out, err := n.ctr(ctx, "version")
		if err != nil {
			return fmt.Errorf("containerd: %w\n%s", err, out)
		}
		return nil
	})
}

func (n *Node) startKubelet(ctx context.Context) error {
	bin, err := kube.BuildNode(ctx, io.Discard)
	if err != nil {
		return err
	}
	kubeconfig, err := n.cluster.KubeconfigFor("system:node:"+Name, "system:masters")
	if err != nil {
		return err
	}
	path := filepath.Join(n.dir, "kubelet.json")
	config, err := json.Marshal(n.kubeletConfig())
	if err != nil {
		return err
	}
	if err := os.WriteFile(path, config, 0o600); err != nil {
		return err
	}
	return n.cluster.Run(filepath.Join(bin, "kubelet"), "--config="+path, "--kubeconfig="+kubeconfig,
		"--hostname-override="+Name, "--root-dir="+filepath.Join(n.dir, "kubelet"), "--cert-dir="+filepath.Join(n.dir, "pki"))
}

// kubeletConfig is a kubelet.config.k8s.io/v1beta1 KubeletConfiguration: only the API server may talk to the kubelet,
// and a full disk of the machine evicts nobody.
func (n *Node) kubeletConfig() map[string]any {
	return map[string]any{
		"apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration",
		"address": Name, "healthzPort": 0, "readOnlyPort": 0,
		"authentication": map[string]any{
			"anonymous": map[string]any{"enabled": false}, "webhook": map[string]any{"enabled": false},
			"x509": map[string]any{"clientCAFile": filepath.Join(n.cluster.Dir, "kubelet-client.crt")},
		},
		"authorization":            map[string]any{"mode": "AlwaysAllow"},
		"containerRuntimeEndpoint": "unix://" + socket,
		"cgroupDriver":             "cgroupfs", "cgroupRoot": n.Cgroup, "cgroupsPerQOS": true,
		"enforceNodeAllocatable": []string{}, "failCgroupV1": false, "failSwapOn": false,
		"evictionHard":                map[string]string{"memory.available": "0%", "nodefs.available": "0%", "imagefs.available": "0%", "nodefs.inodesFree": "0%", "imagefs.inodesFree": "0%"},
		"imageGCHighThresholdPercent": 100,
		"makeIPTablesUtilChains":      false, "resolvConf": "", "syncFrequency": "10s",
		"podLogsDir": filepath.Join(n.dir, "logs"),
	}
}

// ready waits until the node says so.
func (n *Node) ready(ctx context.Context) error {
	client, err := kubernetes.NewForConfig(n.cluster.RESTConfig())
	if err != nil {
		return err
	}
	return n.wait(ctx, func(ctx context.Context) error {
		node, err := client.CoreV1().Nodes().Get(ctx, Name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		for _, c := range node.Status.Conditions {
			if c.Type == corev1.NodeReady && c.Status == corev1.ConditionTrue {
				return nil
			}
			if c.Type == corev1.NodeReady {
				err = errors.New(c.Message)
			}
		}
		return fmt.Errorf("not ready: %w", err)
	})
}

// wait repeats the attempt until it succeeds or one of the cluster's programs has ended.
func (n *Node) wait(ctx context.Context, attempt func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	for {
		err := attempt(ctx)
		if err == nil {
			return nil
		}
		if died := n.cluster.Died(); died != nil {
			return died
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pollEvery):
		}
	}
}

// forward gives the API server its service address, which kube-proxy does elsewhere.
func (n *Node) forward(context.Context) error {
	_, err := OpenGate(net.JoinHostPort(kube.ServiceAddress, "443"), n.cluster.RESTConfig().Host[len("https://"):])
	return err
}
