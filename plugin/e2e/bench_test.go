package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/rest"
)

// inFlight is how many requests the bare loop has under way, as the plugin does.
const inFlight = 16

// rounds is how often each measurement is repeated; medians and minima are reported.
const rounds = 5

// BenchmarkInstall measures the first run of an app in an empty cluster, the process as a user starts it, against the
// least that server-side apply can cost: the same objects patched in a loop, Namespaces first, 16 requests in flight,
// answers read and thrown away. Both take turns. The plugin also fetches, renders, lists, records and waits for health.
func BenchmarkInstall(b *testing.B) {
	forSizes(b, func(b *testing.B, namespaces int) {
		for range b.N {
			var runs []measured
			var bare, ratios []float64
			for i := range rounds {
				s := benchSite(b, namespaces)
				measure := []func(){
					func() { runs = append(runs, s.measure(b)) },
					func() { bare = append(bare, bareApply(b, s.desired)) },
				}
				if i%2 == 1 {
					slices.Reverse(measure) // who goes first, takes turns too
				}
				for _, m := range measure {
					m()
					s.clear(b)
				}
				ratios = append(ratios, runs[i].wall/bare[i])
			}
			report(b, runs)
			b.ReportMetric(median(bare), "bare-ms")
			b.ReportMetric(slices.Min(bare), "bare-min-ms")
			b.ReportMetric(median(ratios), "x-bare")
		}
	})
}

// BenchmarkNothingToDo measures a run that finds Git, record and cluster in agreement.
func BenchmarkNothingToDo(b *testing.B) {
	forSizes(b, func(b *testing.B, namespaces int) {
		s := benchSite(b, namespaces)
		defer s.clear(b)
		s.measure(b)
		b.ResetTimer()
		for range b.N {
			var runs []measured
			for range 3 * rounds {
				runs = append(runs, s.measure(b))
			}
			report(b, runs)
		}
	})
}

// BenchmarkOneChange measures a run after a commit that changes one ConfigMap.
func BenchmarkOneChange(b *testing.B) {
	forSizes(b, func(b *testing.B, namespaces int) {
		s := benchSite(b, namespaces)
		defer s.clear(b)
		s.measure(b)
		b.ResetTimer()
		for range b.N {
			var runs []measured
			for i := range rounds {
				changed := fmt.Sprintf("key: changed-%d", time.Now().UnixNano()+int64(i))
				s.commitSet(b, namespaces, func(text string) string { return strings.Replace(text, "key: value", changed, 1) })
				runs = append(runs, s.measure(b))
			}
			report(b, runs)
		}
	})
}

// BenchmarkStart measures what commands take that need no cluster: the start of the program. It is to be below 60 ms.
func BenchmarkStart(b *testing.B) {
	for _, arg := range []string{"--help", "version"} {
		b.Run(arg, func(b *testing.B) {
			for b.Loop() {
				cmd := exec.Command(filepath.Join(shared.bin, "kubectl-gitops"), arg)
				cmd.Env = []string{"PATH=" + os.Getenv("PATH")}
				if out, err := cmd.CombinedOutput(); err != nil {
					b.Fatalf("%v\n%s", err, out)
				}
			}
		})
	}
}

func forSizes(b *testing.B, run func(b *testing.B, namespaces int)) {
	for _, namespaces := range []int{1, 10} {
		b.Run(fmt.Sprintf("objects=%d", namespaces*101), func(b *testing.B) { run(b, namespaces) })
	}
}

// benchSite has the set of objects committed, and nothing in the cluster. It goes past the proxy.
func benchSite(b *testing.B, namespaces int) *site {
	b.Helper()
	s, err := newSite(b, "bench")
	if err != nil {
		b.Fatal(err)
	}
	s.env = append(s.env, "KUBECONFIG="+shared.cluster.Kubeconfig)
	s.commitSet(b, namespaces, func(text string) string { return text })
	return s
}

// perNamespace is how many objects of each kind a namespace of the set holds: a hundred in all.
var perNamespace = []struct {
	n        int
	manifest string
}{
	{30, "{apiVersion: v1, kind: ConfigMap, metadata: {$META}, data: {key: value, file: \"" + strings.Repeat("0123456789", 100) + "\"}}"},
	{10, "{apiVersion: v1, kind: ServiceAccount, metadata: {$META}}"},
	{10, "{apiVersion: v1, kind: Service, metadata: {$META}, spec: {selector: {app: $NAME}, ports: [{name: http, port: 80, targetPort: 8080}]}}"},
	{10, "{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {$META}, rules: [{apiGroups: [''], resources: [pods], verbs: [get, list]}]}"},
	{10, "{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {$META}, roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: $NAME}, subjects: [{kind: ServiceAccount, name: $NAME}]}"},
	{10, "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {$META}, spec: {podSelector: {matchLabels: {app: $NAME}}, policyTypes: [Ingress]}}"},
	{10, "{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {$META}, spec: {rules: [{host: $NAME.example.com, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: $NAME, port: {number: 80}}}}]}}]}}"},
	{10, `
apiVersion: apps/v1
kind: Deployment
metadata: {$META}
spec:
  replicas: 0
  selector: {matchLabels: {app: $NAME}}
  template:
    metadata: {labels: {app: $NAME}}
    spec:
      containers:
      - name: web
        image: example.com/web:1.0
        ports: [{name: http, containerPort: 8080}]
        env: [{name: A, value: a}, {name: B, value: b}]
        resources: {requests: {cpu: 100m, memory: 64Mi}, limits: {memory: 128Mi}}
        readinessProbe: {httpGet: {path: /ready, port: http}}`},
}

func (s *site) commitSet(b *testing.B, namespaces int, edit func(string) string) {
	b.Helper()
	var manifests []string
	for n := range namespaces {
		ns := fmt.Sprintf("%s-%d", s.ns, n)
		manifests = append(manifests, "{apiVersion: v1, kind: Namespace, metadata: {name: "+ns+"}}")
		for _, set := range perNamespace {
			for i := range set.n {
				name := fmt.Sprintf("app-%d", i)
				meta := "name: " + name + ", namespace: " + ns + ", labels: {app: " + name + "}"
				manifests = append(manifests, strings.NewReplacer("$META", meta, "$NAME", name).Replace(set.manifest))
			}
		}
	}
	if err := s.commit("the set", edit(strings.Join(manifests, "\n---\n"))); err != nil {
		b.Fatal(err)
	}
}

// measured is what one process took.
type measured struct {
	wall, rss, cpu float64 // milliseconds, MiB, milliseconds of user and system time
	requests       map[string]int
}

func (s *site) measure(b *testing.B) measured {
	b.Helper()
	cmd, ended := s.command("reconcile", "--repo", s.repo, "--name", "app", "-o", "json")
	started := time.Now()
	err := cmd.Start()
	if err != nil {
		b.Fatal(err)
	}
	rss := watchRSS(cmd.Process.Pid)
	r := ended(cmd.Wait())
	wall := time.Since(started)
	var report struct{ Requests map[string]int }
	if r.code != 0 || json.Unmarshal([]byte(r.stdout), &report) != nil {
		b.Fatal(r)
	}
	checkRequests(b, started, report.Requests["total"])
	return measured{milliseconds(wall), rss(), milliseconds(cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()), report.Requests}
}

// checkRequests compares the number of requests that the plugin reports with the audit log of the server.
func checkRequests(b *testing.B, since time.Time, reported int) {
	b.Helper()
	logged, err := shared.cluster.Requests(context.Background(), since)
	if err != nil {
		b.Fatal(err)
	}
	n := 0
	for _, r := range logged {
		if strings.HasPrefix(r.UserAgent, "kubectl-gitops/") {
			n++
		}
	}
	if n != reported {
		b.Fatalf("the plugin reports %d requests, the server has seen %d", reported, n)
	}
}

// watchRSS samples the high-water mark of a process' memory until the returned function is called, which returns it in
// MiB. The resource usage of an ended child cannot be used: on Linux it counts the memory of this process until exec.
func watchRSS(pid int) func() float64 {
	stop, done := make(chan struct{}), make(chan float64)
	go func() {
		peak := 0.0
		for {
			if status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid)); err == nil {
				_, after, _ := strings.Cut(string(status), "VmHWM:")
				var kib float64
				if _, err := fmt.Sscan(after, &kib); err == nil && strings.Contains(string(status), "Name:\tkubectl-gitops\n") {
					peak = max(peak, kib/1024)
				}
			}
			select {
			case <-stop:
				done <- peak
				return
			case <-time.After(2 * time.Millisecond):
			}
		}
	}()
	return func() float64 { close(stop); return <-done }
}

// bareApply patches objects with inFlight requests under way, Namespaces first, and returns the milliseconds it took.
func bareApply(b *testing.B, objects []*unstructured.Unstructured) float64 {
	b.Helper()
	config := rest.CopyConfig(shared.cluster.RESTConfig())
	config.UserAgent = "bare-loop"
	client, err := rest.UnversionedRESTClientFor(withCodec(config))
	if err != nil {
		b.Fatal(err)
	}
	bodies := make([][]byte, len(objects))
	for i, o := range objects {
		u := o.DeepCopy()
		u.SetLabels(map[string]string{"app": u.GetName(), "example.com/bare": "loop"})
		if bodies[i], err = json.Marshal(u.Object); err != nil {
			b.Fatal(err)
		}
	}
	started := time.Now()
	for _, first := range []bool{true, false} {
		var wg sync.WaitGroup
		slots := make(chan struct{}, inFlight)
		for i, o := range objects {
			if (o.GetKind() == "Namespace") != first {
				continue
			}
			slots <- struct{}{}
			wg.Go(func() {
				defer func() { <-slots }()
				if err := client.Patch("application/apply-patch+yaml").AbsPath(pathOf(o)).Param("fieldManager", "bare").
					Param("force", "true").Body(bodies[i]).Do(context.Background()).Error(); err != nil {
					b.Error(err)
				}
			})
		}
		wg.Wait()
	}
	return milliseconds(time.Since(started))
}

func pathOf(u *unstructured.Unstructured) string {
	plural := map[string]string{"NetworkPolicy": "networkpolicies", "Ingress": "ingresses"}[u.GetKind()]
	if plural == "" {
		plural = strings.ToLower(u.GetKind()) + "s"
	}
	gv := u.GroupVersionKind().GroupVersion()
	path := "/apis/" + gv.String()
	if gv.Group == "" {
		path = "/api/" + gv.Version
	}
	if u.GetNamespace() != "" {
		path += "/namespaces/" + u.GetNamespace()
	}
	return path + "/" + plural + "/" + u.GetName()
}

// clear deletes the namespaces of the set and of the instance, and waits until they are gone.
func (s *site) clear(b *testing.B) {
	b.Helper()
	ctx := context.Background()
	names := []string{s.instance}
	for _, o := range s.desired {
		if o.GetKind() == "Namespace" {
			names = append(names, o.GetName())
		}
	}
	namespaces := s.client.Resource(namespaceResource)
	for _, name := range names {
		if err := namespaces.Delete(ctx, name, metav1.DeleteOptions{}); err != nil && !apierrors.IsNotFound(err) {
			b.Fatal(err)
		}
	}
	for _, name := range names {
		if err := eventually(func() error {
			_, err := namespaces.Get(ctx, name, metav1.GetOptions{})
			if apierrors.IsNotFound(err) {
				return nil
			}
			return fmt.Errorf("namespace %s is still there (%v)", name, err)
		}); err != nil {
			b.Fatal(err)
		}
	}
}

func report(b *testing.B, runs []measured) {
	var wall, rss, cpu []float64
	for _, r := range runs {
		wall, rss, cpu = append(wall, r.wall), append(rss, r.rss), append(cpu, r.cpu)
	}
	b.ReportMetric(median(wall), "ms")
	b.ReportMetric(slices.Min(wall), "min-ms")
	b.ReportMetric(median(cpu), "cpu-ms")
	b.ReportMetric(slices.Max(rss), "MiB")
	for verb, n := range runs[len(runs)-1].requests {
		if n > 0 {
			b.ReportMetric(float64(n), verb)
		}
	}
	b.ReportMetric(0, "ns/op") // a round is more than the run
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
