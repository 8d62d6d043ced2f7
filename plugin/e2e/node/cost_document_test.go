package node

import (
	"fmt"
	"maps"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/e2e/kube"
)

const costIntroduction = `# What the CronJob costs

` + "`make bench-node`" + ` writes this page. It runs on a real node with containerd and the kubelet, with the image of ` + "`make image`" + `, the CronJob of
` + "`kubectl gitops install`" + `, and a repository behind https. The app is one YAML file: 70 %% ConfigMaps, the rest
Deployments, Services and ServiceAccounts. Each row is one job.

Machine: %s.

- *requests* are those of the job's service account, counted in the API server's audit log.
- *kubelet* counts the kubelet's requests about the job's namespace. Kubernetes needs them to start any pod.
- *CPU*, *anonymous* and *with files* are those of the pod's control group. *anonymous* is the memory that the processes allocated. *with files* is the kernel's
  maximum, which includes the cached pages of the binary.

| objects | job | requests | kubelet | CPU | anonymous | with files |
|---|---|---|---|---|---|---|
`

const costEnd = `
No job was throttled or ran out of memory. ` + "`install`" + ` sets requests of 10m CPU and 64Mi, and a memory limit of 512Mi (` + "`--memory`" + `). It sets no
CPU limit, because a limit would only make a revert slower. The renderer is a separate process, and shares the limit with the reconciler.
`

func costDocument(costs []cost) string {
	var text strings.Builder
	fmt.Fprintf(&text, costIntroduction, machine())
	for _, c := range costs {
		fmt.Fprintf(&text, "| %d | %s | %s | %d | %.2f s | %d MiB | %d MiB |\n", c.objects, c.what, byVerb(c.requests), c.kubelet,
			c.cpu.Round(10*time.Millisecond).Seconds(), c.anonymous>>20, c.peak>>20)
	}
	text.WriteString(costEnd)
	return text.String()
}

func byVerb(requests []kube.Request) string {
	counts := map[string]int{}
	for _, r := range requests {
		counts[r.Verb]++
	}
	words := []string{fmt.Sprint(len(requests))}
	for _, verb := range slices.Sorted(maps.Keys(counts)) {
		words = append(words, fmt.Sprintf("%d %s", counts[verb], verb))
	}
	return strings.Replace(strings.Join(words, ", "), ", ", ": ", 1)
}

// machine describes where this runs.
func machine() string {
	model := "unknown CPU"
	info, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(info)) {
		if key, value, _ := strings.Cut(line, ":"); strings.TrimSpace(key) == "model name" {
			model = strings.TrimSpace(value)
		}
	}
	kernel, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	return fmt.Sprintf("%d cores of %s, Linux %s, Kubernetes %s", runtime.NumCPU(), model, strings.TrimSpace(string(kernel)), kube.Version)
}
