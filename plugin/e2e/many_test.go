package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/e2e/proxy"
)

const (
	manyApps       = 500
	manyNamespaces = 10
	// manyMiB is what a run with nothing to do may take at most.
	manyMiB = 256
)

// ofManyApps are the kinds that each of many apps has, and how many objects of each: twenty in all.
var ofManyApps = []struct {
	n        int
	resource schema.GroupVersionResource
	manifest string
}{
	{8, schema.GroupVersionResource{Version: "v1", Resource: "configmaps"},
		"{apiVersion: v1, kind: ConfigMap, metadata: {name: $NAME}, data: {key: value}}"},
	{4, schema.GroupVersionResource{Version: "v1", Resource: "serviceaccounts"},
		"{apiVersion: v1, kind: ServiceAccount, metadata: {name: $NAME}}"},
	{4, schema.GroupVersionResource{Group: "rbac.authorization.k8s.io", Version: "v1", Resource: "roles"},
		"{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: $NAME}, rules: [{apiGroups: [''], resources: [pods], verbs: [get]}]}"},
	{4, schema.GroupVersionResource{Group: "networking.k8s.io", Version: "v1", Resource: "networkpolicies"},
		"{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: $NAME}, spec: {podSelector: {matchLabels: {app: $NAME}}, policyTypes: [Ingress]}}"},
}

// TestManyApps has 500 apps of twenty objects each, in ten namespaces: a run with nothing to do makes one request per
// kind and two more, whatever the number of apps, in bounded memory; and a commit that adds or changes one app costs
// that app. It runs with SOAK only. The script apps_many does the same with sixty apps.
func TestManyApps(t *testing.T) {
	if os.Getenv("SOAK") == "" {
		t.Skip("10,000 objects: set SOAK, as make soak does")
	}
	s, err := newSite(t, "many")
	if err != nil {
		t.Fatal(err)
	}
	m := &many{site: s, kinds: len(ofManyApps)}
	t.Cleanup(m.clear)
	m.writeList(t)
	for n := range manyApps {
		m.write(t, n, "value")
	}
	m.commitAll(t)
	behind := s.env
	s.env = append(s.env, "KUBECONFIG="+shared.cluster.Kubeconfig) // past the proxy
	took, _ := m.run(t, "the first run")
	t.Logf("%d apps, %d objects: applied in %s", manyApps, manyApps*20, took.Round(time.Second))
	s.env = behind

	m.idles(t)

	m.write(t, manyApps, "value")
	m.commitAll(t)
	m.costsOne(t, "adding one app", manyApps, 20+5)
	m.idles(t)

	m.write(t, 7, "changed")
	m.commitAll(t)
	m.costsOne(t, "changing one app", 7, 8+3)
	m.idles(t)
}

// many is a site with many apps.
type many struct {
	*site
	kinds  int
	stderr string // of the last run
}

func (m *many) name(n int) string { return fmt.Sprintf("g%d-%d", n%manyNamespaces, n) }

func (m *many) namespace(n int) string { return fmt.Sprintf("%s-%d", m.ns, n%manyNamespaces) }

func (m *many) writeList(t *testing.T) {
	text := "apiVersion: kubectl-gitops.dev/v1alpha1\nkind: GitOps\napps:\n"
	for n := range manyNamespaces {
		text += fmt.Sprintf("- {path: apps/g%d-*, namespace: %s}\n", n, m.namespace(n))
	}
	writeFile(t, filepath.Join(m.repo, "gitops.yaml"), text)
}

// write writes the manifests of one app.
func (m *many) write(t *testing.T, n int, value string) {
	var manifests []string
	for _, set := range ofManyApps {
		for i := range set.n {
			text := strings.ReplaceAll(set.manifest, "$NAME", fmt.Sprintf("%s-%d", m.name(n), i))
			manifests = append(manifests, strings.Replace(text, "key: value", "key: "+value, 1))
		}
	}
	dir := filepath.Join(m.repo, "apps", m.name(n))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(dir, "all.yaml"), strings.Join(manifests, "\n---\n")+"\n")
}

func (m *many) commitAll(t *testing.T) {
	if _, err := git(m.env, "-C", m.repo, "add", "--all"); err != nil {
		t.Fatal(err)
	}
	if _, err := git(m.env, "-C", m.repo, "commit", "--quiet", "--message", "many"); err != nil {
		t.Fatal(err)
	}
}

// run reconciles, and returns how long that took and the peak of its memory in MiB.
func (m *many) run(t *testing.T, what string) (time.Duration, float64) {
	cmd, ended := m.command("reconcile", "--repo", m.repo, "-o", "json")
	started := time.Now()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	rss := watchRSS(cmd.Process.Pid)
	r := ended(cmd.Wait())
	took, peak := time.Since(started), rss()
	m.stderr = r.stderr
	var report struct {
		Apps []struct{ Name, Result string }
	}
	if err := json.Unmarshal([]byte(r.stdout), &report); r.code != 0 || err != nil || len(report.Apps) < manyApps {
		t.Fatalf("%s: exit code %d, %v\n%.3000s", what, r.code, err, r.stderr)
	}
	return took, peak
}

// idles runs with nothing to do.
func (m *many) idles(t *testing.T) {
	m.proxy.Reset()
	took, peak := m.run(t, "nothing to do")
	requests := m.proxy.Requests()
	t.Logf("nothing to do: %d requests, %.0f MiB at most, %s", len(requests), peak, took.Round(10*time.Millisecond))
	if len(requests) > m.kinds+2 {
		t.Errorf("nothing to do, but %d requests for %d kinds:\n%s", len(requests), m.kinds, lines(requests))
	}
	for _, r := range requests {
		if r.Write() {
			t.Errorf("nothing to do, but it wrote: %s", r)
		}
	}
	if peak > manyMiB {
		t.Errorf("nothing to do took %.0f MiB", peak)
	}
}

// costsOne runs after a commit that concerns one app: writes are that app's, its record's, and one to the list of apps.
func (m *many) costsOne(t *testing.T, what string, n, most int) {
	m.proxy.Reset()
	took, _ := m.run(t, what)
	var writes, others []proxy.Request
	requests := m.proxy.Requests()
	for _, r := range requests {
		if !r.Write() {
			continue
		}
		writes = append(writes, r)
		if !strings.Contains(r.Name+"-", m.name(n)+"-") && r.Verb != "create" {
			others = append(others, r)
		}
	}
	if !strings.Contains(m.stderr, "rendered  1 of ") {
		t.Errorf("%s: it was not the only one to be rendered:\n%s", what, m.stderr)
	}
	t.Logf("%s: %d requests, %d of them write, %s", what, len(requests), len(writes), took.Round(10*time.Millisecond))
	if len(writes) > most || len(others) > 1 {
		t.Errorf("%s: %d writes, %d of them to other things:\n%s", what, len(writes), len(others), lines(writes))
	}
	if reads := len(requests) - len(writes); reads > 2*(m.kinds+2)+2 {
		t.Errorf("%s: %d reads:\n%s", what, reads, lines(requests))
	}
}

func lines(requests []proxy.Request) string {
	var text strings.Builder
	for i, r := range requests {
		if i == 60 {
			fmt.Fprintf(&text, "and %d more\n", len(requests)-i)
			break
		}
		fmt.Fprintln(&text, r)
	}
	return text.String()
}

// clear deletes the objects: other tests list their kinds.
func (m *many) clear() {
	for n := range manyNamespaces {
		for _, set := range ofManyApps {
			_ = m.client.Resource(set.resource).Namespace(m.namespace(n)).DeleteCollection(context.Background(),
				metav1.DeleteOptions{}, metav1.ListOptions{LabelSelector: labelPartOf})
		}
	}
}
