package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/e2e/kube"
)

// place is where the demo works: a cluster, a directory, and the names it uses in the cluster.
type place struct {
	*shell
	instance string // namespace of the records
	app      string // namespace of the shop
}

const crd = "customresourcedefinition/coupons.shop.example.com"

// newPlace returns the place in dir for the cluster of kubeconfig ("": that of the user's environment) and puts kubectl,
// of kubectlDir if that is not empty, and kubectl-gitops on the shell's PATH.
func newPlace(out io.Writer, dir, kubeconfig, kubectlDir string) (*place, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	plugin := filepath.Join(filepath.Dir(self), "kubectl-gitops")
	if _, err := os.Stat(plugin); err != nil {
		return nil, fmt.Errorf("kubectl-gitops must be built beside the demo (make build): %w", err)
	}
	bin := filepath.Join(dir, "bin")
	if err := os.MkdirAll(bin, 0o700); err != nil {
		return nil, err
	}
	links := map[string]string{"kubectl-gitops": plugin}
	if kubectlDir != "" {
		links["kubectl"] = filepath.Join(kubectlDir, "kubectl")
	}
	for name, target := range links {
		if err := os.Symlink(target, filepath.Join(bin, name)); err != nil && !errors.Is(err, os.ErrExist) {
			return nil, err
		}
	}
	p := &place{shell: &shell{out: out, dir: dir}, instance: "gitops-system", app: "shop"}
	p.env = []string{
		"PATH=" + bin + string(os.PathListSeparator) + os.Getenv("PATH"),
		"KUBECACHEDIR=" + filepath.Join(dir, "cache"),
		"GIT_CONFIG_GLOBAL=" + os.DevNull, "GIT_CONFIG_NOSYSTEM=1", "GIT_PAGER=cat",
	}
	if kubeconfig != "" {
		p.env = append(p.env, "KUBECONFIG="+kubeconfig)
	} else {
		p.instance, p.app = "gitops-demo", "gitops-demo-shop"
	}
	return p, nil
}

// startLocal starts a control plane in dir and says how it goes.
func startLocal(ctx context.Context, out io.Writer, dir string) (*kube.Cluster, error) {
	started := time.Now()
	cluster, err := kube.Start(ctx, kube.Options{Dir: filepath.Join(dir, "cluster"), Log: out})
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(out, "Kubernetes %s is running after %.1f s.\n\n", kube.Version, time.Since(started).Seconds())
	return cluster, nil
}

// claimCurrent checks that the user's cluster can be reached and has nothing by the names that the demo will use, and
// therefore delete. It returns the identity of the cluster.
func claimCurrent(ctx context.Context, p *place) (string, error) {
	if _, err := exec.LookPath("kubectl"); err != nil {
		return "", fmt.Errorf("DEMO_CLUSTER=current needs a kubectl on the PATH: %w", err)
	}
	name, err := p.quiet(ctx, "kubectl", "config", "current-context")
	if err != nil {
		return "", fmt.Errorf("DEMO_CLUSTER=current: %w", err)
	}
	p.say("The demo uses the cluster of the context %s. It creates the namespaces %s and %s and the %s there, and "+
		"deletes them at the end.", name, p.instance, p.app, crd)
	found, err := p.quiet(ctx, "kubectl", "get", "namespace/"+p.instance, "namespace/"+p.app, crd, "--ignore-not-found", "--output=name")
	if err != nil {
		return "", err
	}
	if found != "" {
		return "", fmt.Errorf("the cluster already has %s; the demo deletes what it creates, so it does not start",
			strings.Join(strings.Fields(found), " and "))
	}
	return identity(ctx, p)
}

// identity returns what tells a cluster from every other: the UID of its first namespace.
func identity(ctx context.Context, p *place) (string, error) {
	return p.quiet(ctx, "kubectl", "get", "namespace/kube-system", "--output=jsonpath={.metadata.uid}")
}

// leaveCurrent deletes what the demo has created in the user's cluster.
func leaveCurrent(p *place) error {
	const patience = 3 * time.Minute
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	_, err := p.quiet(ctx, "kubectl", "delete", "namespace/"+p.instance, "namespace/"+p.app, crd,
		"--ignore-not-found", "--wait", "--timeout="+patience.String())
	return err
}
