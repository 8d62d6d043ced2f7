package node

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestKilledPods kills the process of the pod at random moments, while commits add, change and remove objects and hands
// change and delete them. After the last kill one healthy job is enough: the cluster is equal to Git, nothing is lost and
// nothing is left over, and the pass after it writes nothing. SOAK=1 kills 50 times, SEED=n repeats a sequence.
func TestKilledPods(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	cut, rounds, seed := 0, 5, uint64(time.Now().UnixNano())
	if os.Getenv("SOAK") != "" {
		rounds = 50
	}
	if n, err := strconv.ParseUint(os.Getenv("SEED"), 10, 64); err == nil {
		seed = n
	}
	t.Logf("SEED=%d", seed)
	random := rand.New(rand.NewPCG(seed, 0))

	desired := map[string]string{"config-00": "kept"}
	s.commit("start", configMaps(desired))
	s.install(s.repo(), "--rbac=cluster-admin", "--for=1s")
	if condition, log := s.ended(s.start()); condition != "Complete" { // from here on there is a record to be damaged
		t.Fatalf("%s\n%s", condition, log)
	}
	s.install(s.repo(), "--rbac=cluster-admin", "--for=10m")
	for round := range rounds {
		for range 12 {
			name := fmt.Sprintf("config-%02d", 1+random.IntN(30))
			if _, there := desired[name]; there && random.IntN(2) == 0 {
				delete(desired, name)
			} else {
				desired[name] = strconv.Itoa(random.IntN(1000))
			}
		}
		s.commit(fmt.Sprintf("round %d\n\nGitops-Allow-Deletions: 50", round), configMaps(desired))
		hand := fmt.Sprintf("config-%02d", 1+random.IntN(30))
		if random.IntN(2) == 0 {
			_, _ = s.run("kubectl", "delete", "configmap", hand, "--ignore-not-found")
		} else {
			_, _ = s.run("kubectl", "patch", "configmap", hand, "-p", `{"data":{"value":"by hand"}}`)
		}
		pid := s.process(s.start())
		time.Sleep(time.Duration(random.IntN(600)) * time.Millisecond) // any moment: this is the fault, not a wait
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Errorf("round %d: the process ended by itself: %v", round, err)
		}
		if live := s.liveConfigMaps(); !maps.Equal(live, desired) {
			cut++
		}
	}
	t.Logf("%d of %d passes were cut off", cut, rounds)

	s.install(s.repo(), "--rbac=cluster-admin", "--for=1s")
	if condition, log := s.ended(s.start()); condition != "Complete" {
		t.Fatalf("%s\n%s", condition, log)
	}
	s.synced(s.must("git", "-C", s.config, "rev-parse", "HEAD"))
	if live := s.liveConfigMaps(); !maps.Equal(live, desired) {
		t.Errorf("the cluster holds %v\nGit says          %v", live, desired)
	}
	s.idle()
}

// configMaps is an app of ConfigMaps with these names and values.
func configMaps(values map[string]string) string {
	var text strings.Builder
	for _, name := range slices.Sorted(maps.Keys(values)) {
		fmt.Fprintf(&text, "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s}\ndata: {value: %q}\n", name, values[name])
	}
	return text.String()
}

// liveConfigMaps is what the application's namespace holds, whoever put it there.
func (s *site) liveConfigMaps() map[string]string {
	s.Helper()
	var list struct {
		Items []struct {
			Metadata struct{ Name string }
			Data     map[string]string
		}
	}
	if err := json.Unmarshal([]byte(s.kubectl("get", "configmaps", "-o", "json")), &list); err != nil {
		s.Fatal(err)
	}
	live := map[string]string{}
	for _, c := range list.Items {
		if c.Metadata.Name != "kube-root-ca.crt" {
			live[c.Metadata.Name] = c.Data["value"]
		}
	}
	return live
}

// process returns the id of the first process of the job's container, as soon as there is one. The processes of pods
// are descendants of ours.
func (s *site) process(job string) (pid int) {
	s.Helper()
	pod := s.pod(job)
	for deadline := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		names, _ := filepath.Glob("/proc/[0-9]*/cmdline")
		for _, name := range names {
			line, _ := os.ReadFile(name)
			if !strings.HasPrefix(string(line), "/usr/local/bin/kubectl-gitops\x00reconcile\x00") {
				continue
			}
			group, _ := os.ReadFile(filepath.Join(filepath.Dir(name), "cgroup"))
			if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(name))); err == nil && strings.Contains(string(group), pod) {
				return pid
			}
		}
		if time.Now().After(deadline) {
			s.Fatalf("no process of %s after %s", job, patience)
		}
	}
}

// idle runs one more job and checks that it writes nothing, by the API server's own log.
func (s *site) idle() {
	s.Helper()
	since := time.Now()
	if condition, log := s.ended(s.start()); condition != "Complete" {
		s.Fatalf("%s\n%s", condition, log)
	}
	requests, err := shared.cluster.Requests(s.Context(), since)
	if err != nil {
		s.Fatal(err)
	}
	for _, r := range requests {
		if r.User == "system:serviceaccount:"+s.instance+":gitops" && !slices.Contains([]string{"get", "list", "watch"}, r.Verb) {
			s.Errorf("a job with nothing to do: %s", r)
		}
	}
}
