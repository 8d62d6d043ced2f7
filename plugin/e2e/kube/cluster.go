package kube

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

const (
	readyTimeout = 2 * time.Minute
	pollEvery    = 50 * time.Millisecond
	portAttempts = 5

	apiServer = "kube-apiserver"
)

// ServiceAddress is where pods find the API server: the cluster IP of the service "kubernetes".
const ServiceAddress = "10.0.0.1"

// Options are what a caller of Start may choose. The zero value is useful.
type Options struct {
	// Dir receives data, logs and kubeconfigs. Empty means a new temporary directory, which Stop removes.
	Dir string
	// Log receives the progress of a first build. Nil discards it.
	Log io.Writer
	// WithoutStandIn leaves pods Pending for ever, as in a cluster that has no nodes.
	WithoutStandIn bool
}

// Cluster is a running control plane.
type Cluster struct {
	// Dir holds the servers' logs (NAME.log), the audit log and the kubeconfigs.
	Dir string
	// Bin holds the four binaries, kubectl among them.
	Bin string
	// Host is the URL of the API server.
	Host string
	// CA is the PEM certificate that signs the API server's own.
	CA []byte
	// Kubeconfig is the path of the file for the user "admin" in group system:masters.
	Kubeconfig string

	port      string
	users     *users
	processes []*process
	cleanup   []func()
	stop      sync.Once
}

// Start builds the binaries when needed, starts etcd, kube-apiserver and kube-controller-manager on loopback, and
// returns when the API server is ready and the namespaces default (with its service account) and kube-system exist.
// Cancelling ctx after that does not stop the cluster: call Stop. On Linux the servers also die with this process.
func Start(ctx context.Context, opt Options) (*Cluster, error) {
	if opt.Log == nil {
		opt.Log = io.Discard
	}
	bin, err := Build(ctx, opt.Log)
	if err != nil {
		return nil, err
	}
	for attempt := 1; ; attempt++ {
		c := &Cluster{Bin: bin}
		err := c.start(ctx, opt)
		if err == nil {
			return c, nil
		}
		c.Stop()
		if attempt == portAttempts || !errors.Is(err, errPortTaken) {
			return nil, fmt.Errorf("start the control plane: %w", err)
		}
	}
}

// Stop kills the servers and removes the temporary directory. Data is lost. It may be called more than once.
func (c *Cluster) Stop() {
	c.stop.Do(func() {
		for i := len(c.cleanup) - 1; i >= 0; i-- {
			c.cleanup[i]()
		}
	})
}

// RESTConfig returns a client configuration for the user "admin" without client-side rate limits.
func (c *Cluster) RESTConfig() *rest.Config {
	return c.restConfig("admin", "system:masters")
}

func (c *Cluster) restConfig(user string, groups ...string) *rest.Config {
	return &rest.Config{
		Host:            c.Host,
		BearerToken:     c.users.token(user, groups),
		TLSClientConfig: rest.TLSClientConfig{CAData: c.CA},
		UserAgent:       user,
		QPS:             -1,
	}
}

func (c *Cluster) start(ctx context.Context, opt Options) error {
	steps := []func(context.Context) error{
		func(context.Context) error { return c.makeDir(opt.Dir) },
		c.makeCredentials,
		c.startEtcd,
		c.startAPIServer,
		func(ctx context.Context) error { return c.wait(ctx, serving) },
		c.startControllerManager, // it gives up when the API server takes more than ten seconds
		func(ctx context.Context) error { return c.wait(ctx, furnished) },
	}
	if !opt.WithoutStandIn {
		steps = append(steps, c.startStandIn)
	}
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (c *Cluster) makeDir(dir string) error {
	if dir != "" {
		abs, err := filepath.Abs(dir)
		c.Dir = abs
		return errors.Join(err, os.MkdirAll(abs, 0o700))
	}
	// A unix socket's path must be short, which the platform's temporary directory may not be; etcd therefore gets
	// the directory as its working directory and a relative path.
	tmp, err := os.MkdirTemp("", "gitops-e2e-")
	c.Dir = tmp
	c.cleanup = append(c.cleanup, func() { os.RemoveAll(tmp) })
	return err
}

func (c *Cluster) run(name string, args ...string) error {
	return c.Run(filepath.Join(c.Bin, name), args...)
}

// Run starts one more program with the cluster's directory as working directory, and its output in NAME.log there. It
// ends with the cluster.
func (c *Cluster) Run(binary string, args ...string) error {
	p, err := start(c.Dir, binary, args...)
	if err != nil {
		return err
	}
	c.processes = append(c.processes, p)
	c.cleanup = append(c.cleanup, p.kill)
	return nil
}

func (c *Cluster) startEtcd(context.Context) error {
	return c.run("etcd",
		"--data-dir=etcd", "--unsafe-no-fsync", "--log-level=warn",
		"--listen-client-urls=unix://etcd.sock", "--advertise-client-urls=unix://etcd.sock",
		"--listen-peer-urls=unix://peer.sock", "--initial-advertise-peer-urls=unix://peer.sock",
		"--initial-cluster=default=unix://peer.sock",
	)
}

func (c *Cluster) startAPIServer(context.Context) error {
	port, err := freePort()
	if err != nil {
		return err
	}
	c.port = strconv.Itoa(port)
	c.Host = "https://127.0.0.1:" + c.port
	if err := c.writeServerFiles(); err != nil {
		return err
	}
	return c.runAPIServer()
}

// RestartAPIServer kills the API server, starts it again at the same address and returns when it serves.
func (c *Cluster) RestartAPIServer(ctx context.Context) error {
	for i, p := range c.processes {
		if p.name == apiServer {
			p.kill()
			c.processes = slices.Delete(c.processes, i, i+1)
			break
		}
	}
	if err := c.runAPIServer(); err != nil {
		return err
	}
	return c.wait(ctx, serving)
}

func (c *Cluster) runAPIServer() error {
	return c.run(apiServer,
		"--etcd-servers=unix://etcd.sock",
		"--bind-address=127.0.0.1", "--advertise-address=127.0.0.1", "--secure-port="+c.port,
		"--endpoint-reconciler-type=none", "--service-cluster-ip-range=10.0.0.0/16", // its first is ServiceAddress
		"--tls-cert-file=server.crt", "--tls-private-key-file=server.key",
		"--authorization-mode=RBAC",
		"--authentication-token-webhook-config-file=authn.kubeconfig", "--authentication-token-webhook-version=v1",
		"--kubelet-client-certificate=kubelet-client.crt", "--kubelet-client-key=kubelet-client.key",
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file=service-account.key", "--service-account-signing-key-file=service-account.key",
		"--audit-policy-file=audit-policy.yaml", "--audit-log-path="+auditLog,
		"--allow-privileged", "--profiling=false",
	)
}

func (c *Cluster) startControllerManager(context.Context) error {
	path, err := c.KubeconfigFor("system:kube-controller-manager")
	if err != nil {
		return err
	}
	return c.run("kube-controller-manager",
		"--kubeconfig="+path, "--secure-port=0", "--leader-elect=false",
		"--use-service-account-credentials", "--service-account-private-key-file=service-account.key",
		"--root-ca-file=server.crt", "--controllers=*,-nodeipam",
		"--kube-api-qps=500", "--kube-api-burst=1000", "--profiling=false",
	)
}

// wait returns when ready returns nil, or with what a server said when it ended.
func (c *Cluster) wait(ctx context.Context, ready func(context.Context, kubernetes.Interface) error) error {
	client, err := kubernetes.NewForConfig(c.RESTConfig())
	if err != nil {
		return err
	}
	patience := time.After(readyTimeout)
	for {
		if err := c.Died(); err != nil {
			return err
		}
		notReady := ready(ctx, client)
		if notReady == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-patience:
			return fmt.Errorf("not ready after %s: %w", readyTimeout, notReady)
		case <-time.After(pollEvery):
		}
	}
}

// serving says why the API server is not ready, or nil.
func serving(ctx context.Context, client kubernetes.Interface) error {
	_, err := client.Discovery().RESTClient().Get().AbsPath("/readyz").DoRaw(ctx)
	return err
}

// furnished says what a client would miss yet, or nil.
func furnished(ctx context.Context, client kubernetes.Interface) error {
	if _, err := client.CoreV1().Namespaces().Get(ctx, "kube-system", metav1.GetOptions{}); err != nil {
		return err
	}
	_, err := client.CoreV1().ServiceAccounts("default").Get(ctx, "default", metav1.GetOptions{})
	return err
}

var errPortTaken = errors.New("a port was taken by somebody else meanwhile")

// Died says which of the cluster's programs has ended by itself, if any, and how.
func (c *Cluster) Died() error {
	for _, p := range c.processes {
		err, ended := p.exited()
		if ended && strings.Contains(p.tail(), "address already in use") {
			return errors.Join(errPortTaken, err)
		}
		if ended {
			return err
		}
	}
	return nil
}

// freePort returns a loopback port that was free a moment ago. The caller must be ready to lose the race for it.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}
