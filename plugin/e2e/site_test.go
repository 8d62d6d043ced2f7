package e2e

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/yaml"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/e2e/kube"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/e2e/proxy"
)

const (
	labelID     = "applyset.kubernetes.io/id"
	labelPartOf = "applyset.kubernetes.io/part-of"
)

// site is one app of the name "app" in a namespace of its own: its config repository, its instance, and a proxy between
// the plugin and the API server. Tests written in Go use it where scripts would have to repeat themselves.
type site struct {
	ns, instance string
	repo         string
	kubeconfig   string
	env          []string
	args         []string // of reconcile, in place of those of one app
	proxy        *proxy.Proxy
	client       dynamic.Interface // past the proxy
	group        string            // of the site's own custom resources

	desired []*unstructured.Unstructured // what the last commit holds
	stop    func()
}

// resources are the kinds that sites use. Widgets are in the group of the site.
func (s *site) resources() map[string]schema.GroupVersionResource {
	return map[string]schema.GroupVersionResource{
		"ConfigMap":                {Version: "v1", Resource: "configmaps"},
		"Service":                  {Version: "v1", Resource: "services"},
		"ServiceAccount":           {Version: "v1", Resource: "serviceaccounts"},
		"Deployment":               {Group: "apps", Version: "v1", Resource: "deployments"},
		"PodDisruptionBudget":      {Group: "policy", Version: "v1", Resource: "poddisruptionbudgets"},
		"CustomResourceDefinition": {Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"},
		"Widget":                   {Group: s.group, Version: "v1", Resource: "widgets"},
	}
}

func (s *site) kind(kind string) dynamic.ResourceInterface {
	r := s.client.Resource(s.resources()[kind])
	if kind == "CustomResourceDefinition" {
		return r
	}
	return r.Namespace(s.ns)
}

// newSite prepares a site whose namespace exists. Its stop function ends it; tb calls that at the latest.
func newSite(tb testing.TB, name string) (*site, error) {
	if shared == nil {
		tb.Skip("runs against a control plane")
	}
	dir, err := os.MkdirTemp("", "site-")
	if err != nil {
		return nil, err
	}
	ns := strings.ToLower(name + "-" + rand.Text()[:6])
	s := &site{ns: ns, instance: ns + "-gitops", group: ns + ".example.com", repo: filepath.Join(dir, "config"),
		kubeconfig: filepath.Join(dir, "kubeconfig")}
	s.env = []string{"HOME=" + dir, "PATH=" + shared.bin + string(os.PathListSeparator) + os.Getenv("PATH"),
		"KUBECONFIG=" + s.kubeconfig, "GIT_CONFIG_NOSYSTEM=1", "TMPDIR=" + dir}
	if s.proxy, err = proxy.Start(shared.cluster.RESTConfig()); err != nil {
		return nil, err
	}
	if s.client, err = dynamic.NewForConfig(shared.cluster.RESTConfig()); err != nil {
		return nil, err
	}
	config := kube.NewKubeconfig(s.proxy.Host(), s.proxy.CA(), shared.cluster.RESTConfig().BearerToken, s.ns)
	if err := errors.Join(clientcmd.WriteToFile(*config, s.kubeconfig),
		os.WriteFile(filepath.Join(dir, ".gitconfig"), []byte(gitConfig), 0o600)); err != nil {
		return nil, err
	}
	if _, err := git(s.env, "init", "--quiet", s.repo); err != nil {
		return nil, err
	}
	s.stop = func() {
		s.stop = func() {}
		s.proxy.Stop()
		s.remove()
		os.RemoveAll(dir)
	}
	tb.Cleanup(func() { s.stop() })
	return s, s.createNamespace()
}

var namespaceResource = schema.GroupVersionResource{Version: "v1", Resource: "namespaces"}

func (s *site) createNamespace() error {
	ns := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "Namespace",
		"metadata": map[string]any{"name": s.ns}}}
	_, err := s.client.Resource(namespaceResource).Create(context.Background(), ns, metav1.CreateOptions{})
	return err
}

// remove deletes what would slow other sites down. The rest ends with the cluster: deleting a namespace costs the API
// server a hundred requests.
func (s *site) remove() {
	ctx, now := context.Background(), metav1.DeleteOptions{}
	_ = s.kind("CustomResourceDefinition").Delete(ctx, "widgets."+s.group, now)
	for _, kind := range []string{"Deployment", "Service", "ConfigMap"} {
		_ = s.kind(kind).DeleteCollection(ctx, now, metav1.ListOptions{LabelSelector: labelPartOf})
	}
}

// commit makes manifests all that is in the repository. $GROUP in them stands for the group of the site. The message
// may have trailers.
func (s *site) commit(message string, manifests ...string) error {
	text := strings.ReplaceAll(strings.Join(manifests, "\n---\n"), "$GROUP", s.group)
	objects, err := parseObjects(text)
	if err != nil {
		return err
	}
	s.desired = objects
	if err := os.WriteFile(filepath.Join(s.repo, "app.yaml"), []byte(text), 0o600); err != nil {
		return err
	}
	_, err = git(s.env, "-C", s.repo, "add", "--all")
	if err == nil {
		_, err = git(s.env, "-C", s.repo, "commit", "--quiet", "--allow-empty", "--message", message)
	}
	return err
}

func parseObjects(text string) ([]*unstructured.Unstructured, error) {
	var objects []*unstructured.Unstructured
	for _, doc := range strings.Split(text, "\n---\n") {
		raw, err := yaml.YAMLToJSON([]byte(doc))
		if err != nil {
			return nil, err
		}
		u := &unstructured.Unstructured{}
		if err := u.UnmarshalJSON(raw); err != nil {
			return nil, fmt.Errorf("%w in\n%s", err, doc)
		}
		objects = append(objects, u)
	}
	return objects, nil
}

// result is how a run of the plugin ended.
type result struct {
	code           int // -1: killed
	stdout, stderr string
}

func (r result) String() string { return fmt.Sprintf("exit code %d\n%s%s", r.code, r.stdout, r.stderr) }

// command is the plugin with args, not started yet.
func (s *site) command(args ...string) (*exec.Cmd, func(error) result) {
	cmd := exec.Command(filepath.Join(shared.bin, "kubectl-gitops"), append(args, "-n", s.instance)...)
	cmd.Env = s.env
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	return cmd, func(err error) result {
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) {
			return result{-1, stdout.String(), err.Error()}
		}
		return result{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
	}
}

func (s *site) plugin(args ...string) result {
	cmd, ended := s.command(args...)
	return ended(cmd.Run())
}

func (s *site) reconcileArgs() []string {
	if s.args != nil {
		return s.args
	}
	return []string{"reconcile", "--repo", s.repo, "--name", "app", "--target-namespace", s.ns, "--timeout", "60s"}
}

func (s *site) reconcile() result { return s.plugin(s.reconcileArgs()...) }

// succeed runs the plugin and says how it failed, if it did.
func (s *site) succeed(when string) error {
	if r := s.reconcile(); r.code != 0 {
		return fmt.Errorf("%s: %s", when, r)
	}
	return nil
}

// idle runs the plugin and says so when it does anything but read.
func (s *site) idle() error {
	s.proxy.Reset()
	if err := s.succeed("the run after it"); err != nil {
		return err
	}
	for _, r := range s.proxy.Requests() {
		if r.Write() {
			return fmt.Errorf("there was nothing to do, but it wrote: %s", r)
		}
	}
	return nil
}

// eventually repeats check until it succeeds or a minute is over, and returns its last error.
func eventually(check func() error) error {
	deadline := time.Now().Add(time.Minute)
	for pause := 20 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		err := check()
		if err == nil || time.Now().After(deadline) {
			return err
		}
		<-time.After(pause)
	}
}

// kubectl runs kubectl for s and returns all that it prints.
func kubectl(s *site, args ...string) (string, error) {
	cmd := exec.Command(filepath.Join(shared.bin, "kubectl"), args...)
	cmd.Env = s.env
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func writeFile(tb testing.TB, path, text string) {
	tb.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		tb.Fatal(err)
	}
}
