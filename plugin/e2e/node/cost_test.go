package node

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/e2e/kube"
)

// cost is what one job took.
type cost struct {
	what     string
	objects  int
	requests []kube.Request // of its service account
	kubelet  int            // requests about its namespace
	usage
}

// TestCost measures what jobs cost the API server and the node, and writes the table into the file that COST_DOC names
// (make bench-node). Without that it is skipped: it asserts only that no limit was hit.
func TestCost(t *testing.T) {
	file := os.Getenv("COST_DOC")
	if file == "" {
		t.Skip("make bench-node runs it")
	}
	var costs []cost
	for _, objects := range []int{10, 100, 1000} {
		s := newSite(t)
		s.commit("objects", manyObjects(objects))
		s.install(s.repo(), "--rbac=cluster-admin", "--interval=0")
		costs = append(costs, s.measure("first run: everything is created", objects))
		s.measure("settles", objects)
		costs = append(costs, s.measure("one run that finds nothing", objects))
		s.gitops("install", "--repo="+s.repo(), "--path=shop", "--target-namespace="+s.ns, "--secret=git",
			"--schedule="+never, "--image="+imageName, "--rbac=cluster-admin")
		costs = append(costs, s.measure("the default loop of 55 s that finds nothing", objects))
	}
	if err := os.WriteFile(file, []byte(costDocument(costs)), 0o644); err != nil {
		t.Fatal(err)
	}
}

// manyObjects is an app of four kinds; no pod runs.
func manyObjects(n int) string {
	var text strings.Builder
	for i := range n {
		name := fmt.Sprintf("object-%04d", i)
		fmt.Fprintf(&text, "---\n")
		switch i % 10 {
		case 0:
			text.WriteString(strings.Replace(strings.SplitN(shop("0", ""), "---", 2)[0], "name: web}\nspec", "name: "+name+"}\nspec", 1))
		case 1:
			fmt.Fprintf(&text, "apiVersion: v1\nkind: Service\nmetadata: {name: %s}\nspec: {selector: {app: web}, ports: [{port: 80}]}\n", name)
		case 2:
			fmt.Fprintf(&text, "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: %s}\n", name)
		default:
			fmt.Fprintf(&text, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s}\ndata: {text: %q}\n", name, noise(512))
		}
	}
	return text.String()
}

// measure runs one job to its end.
func (s *site) measure(what string, objects int) cost {
	s.Helper()
	since := time.Now()
	job := s.start()
	ctx, stop := context.WithCancel(s.Context())
	defer stop()
	used := make(chan usage)
	pod := s.pod(job)
	go func() { used <- watchUsage(ctx, shared.node.Cgroup, pod) }()
	condition, log := s.ended(job)
	stop()
	c := cost{what: what, objects: objects, usage: <-used}
	if condition != "Complete" {
		s.Fatalf("%s: %s\n%s", what, condition, log)
	}
	requests, err := shared.cluster.Requests(s.Context(), since)
	if err != nil {
		s.Fatal(err)
	}
	for _, r := range requests {
		switch {
		case r.User == "system:serviceaccount:"+s.instance+":gitops":
			c.requests = append(c.requests, r)
		case strings.HasPrefix(r.User, "system:node:") && r.Namespace == s.instance:
			c.kubelet++
		}
	}
	if c.outOfMemory > 0 || c.throttled > 0 {
		s.Errorf("%s of %d objects: killed for want of memory %d times, throttled %s", what, objects, c.outOfMemory, c.throttled)
	}
	return c
}

// usage is what a pod used of its node, by its control group.
type usage struct {
	cpu, throttled  time.Duration
	anonymous, peak int64 // bytes: the largest that was seen, and the kernel's own maximum with files it has cached
	outOfMemory     int
}

// watchUsage reads the pod's control group until ctx ends; the last reading counts. The group outlives the container.
func watchUsage(ctx context.Context, root, pod string) (u usage) {
	for {
		u.read(root, pod)
		select {
		case <-ctx.Done():
			return u
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// read knows both versions of control groups.
func (u *usage) read(root, pod string) {
	values := map[string]int64{}
	for _, pattern := range []string{
		"cpuacct%s/kubepods/*/pod%s/cpuacct.usage", "cpu%s/kubepods/*/pod%s/cpu.stat", "memory%s/kubepods/*/pod%s/memory.max_usage_in_bytes",
		"memory%s/kubepods/*/pod%s/memory.stat", "memory%s/kubepods/*/pod%s/memory.oom_control", // version 1
		"%[1]s/kubepods/*/pod%[2]s/cpu.stat", "%[1]s/kubepods/*/pod%[2]s/memory.peak", "%[1]s/kubepods/*/pod%[2]s/memory.stat", "%[1]s/kubepods/*/pod%[2]s/memory.events",
	} {
		files, _ := filepath.Glob(filepath.Join(cgroups, fmt.Sprintf(pattern, root, pod)))
		for _, file := range files {
			data, _ := os.ReadFile(file)
			for line := range strings.Lines(string(data)) {
				key, value, found := strings.Cut(strings.TrimSpace(line), " ")
				if !found {
					key, value = filepath.Base(file), key
				}
				if n, err := strconv.ParseInt(value, 10, 64); err == nil {
					values[key] = n
				}
			}
		}
	}
	u.cpu = max(u.cpu, time.Duration(values["cpuacct.usage"]), time.Duration(values["usage_usec"])*time.Microsecond)
	u.throttled = max(u.throttled, time.Duration(values["throttled_time"]), time.Duration(values["throttled_usec"])*time.Microsecond)
	u.anonymous = max(u.anonymous, values["total_rss"], values["anon"])
	u.peak = max(u.peak, values["memory.max_usage_in_bytes"], values["memory.peak"])
	u.outOfMemory = max(u.outOfMemory, int(values["oom_kill"]))
}
