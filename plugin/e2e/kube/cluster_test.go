package kube

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// TestCluster starts a cluster of its own: it is about starting and stopping.
func TestCluster(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a control plane")
	}
	ctx := t.Context()
	c, err := Start(ctx, Options{Log: t.Output()})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Stop()

	t.Run("a request is in the audit log with its user, verb and resource", func(t *testing.T) {
		started := time.Now()
		client := kubernetes.NewForConfigOrDie(c.restConfig("ada", "system:masters"))
		if _, err := client.CoreV1().ConfigMaps("default").List(ctx, metav1.ListOptions{}); err != nil {
			t.Fatal(err)
		}
		requests, err := c.Requests(ctx, started)
		if err != nil {
			t.Fatal(err)
		}
		var found []Request
		for _, r := range requests {
			if r.User == "ada" {
				found = append(found, r)
			}
		}
		if len(found) != 1 || found[0].Verb != "list" || found[0].Resource != "configmaps" || found[0].Namespace != "default" || found[0].Code != 200 {
			t.Errorf("requests of ada: %v, want one list of configmaps in default", found)
		}
	})

	t.Run("RBAC stops a user without rights", func(t *testing.T) {
		path, err := c.KubeconfigFor("eve", "developers")
		if err != nil {
			t.Fatal(err)
		}
		out, err := exec.CommandContext(ctx, filepath.Join(c.Bin, "kubectl"), "--kubeconfig="+path, "auth", "can-i", "list", "pods").Output()
		if err == nil {
			t.Errorf("eve can list pods: %s", out)
		}
	})

	t.Run("Stop ends every server and removes the directory", func(t *testing.T) {
		pids := []int{}
		for _, p := range c.processes {
			pids = append(pids, p.pid)
		}
		if len(pids) != 3 {
			t.Fatalf("%d servers, want 3", len(pids))
		}
		c.Stop()
		for _, pid := range pids {
			if err := syscall.Kill(pid, 0); err != syscall.ESRCH {
				t.Errorf("process %d: %v, want %v", pid, err, syscall.ESRCH)
			}
		}
		if _, err := os.Stat(c.Dir); !os.IsNotExist(err) {
			t.Errorf("%s is still there", c.Dir)
		}
	})
}

func TestStandInReports(t *testing.T) {
	pod := func(image string, policy corev1.RestartPolicy) *corev1.Pod {
		return &corev1.Pod{Spec: corev1.PodSpec{RestartPolicy: policy, Containers: []corev1.Container{{Name: "app", Image: image}}}}
	}
	for _, tc := range []struct {
		name  string
		pod   *corev1.Pod
		phase corev1.PodPhase
		ready bool
	}{
		{"a pod of a Deployment runs", pod("example.com/web:1.0", corev1.RestartPolicyAlways), corev1.PodRunning, true},
		{"a registry's port is not a tag", pod("broken.example.com:5000/web", corev1.RestartPolicyAlways), corev1.PodRunning, true},
		{"a broken tag is never pulled", pod("example.com/web:2.0-broken", corev1.RestartPolicyAlways), corev1.PodPending, false},
		{"a pod of a Job completes", pod("example.com/migrate:1.0", corev1.RestartPolicyNever), corev1.PodSucceeded, false},
		{"a Job's broken image is never pulled", pod("example.com/migrate:broken", corev1.RestartPolicyNever), corev1.PodPending, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			status := podStatus(tc.pod, metav1.Now())
			ready := false
			for _, c := range status.Conditions {
				ready = ready || c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
			}
			if status.Phase != tc.phase || ready != tc.ready {
				t.Errorf("phase %s, ready %t, want %s, %t", status.Phase, ready, tc.phase, tc.ready)
			}
			waits := pullFailed(&corev1.Pod{Status: status})
			if want := tc.phase == corev1.PodPending; waits != want {
				t.Errorf("waits for its image: %t, want %t", waits, want)
			}
		})
	}
}

// TestServersDieWithTheirParent kills a process that runs a cluster and looks for what it leaves behind.
func TestServersDieWithTheirParent(t *testing.T) {
	if os.Getenv("E2E_PARENT_DIR") != "" {
		if _, err := Start(context.Background(), Options{Dir: os.Getenv("E2E_PARENT_DIR")}); err != nil {
			t.Fatal(err)
		}
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	}
	if testing.Short() {
		t.Skip("starts a control plane")
	}
	if !diesWithParent {
		t.Skip("only Linux ties a process to its parent")
	}
	dir, err := os.MkdirTemp("", "e2e-parent-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	child := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
	child.Env = append(os.Environ(), "E2E_PARENT_DIR="+dir)
	out, _ := child.CombinedOutput() // it kills itself
	if child.ProcessState.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Fatalf("the cluster did not start: %s\n%s", child.ProcessState, out)
	}
	deadline := time.After(20 * time.Second)
	for {
		left := servingFrom(t, dir)
		if len(left) == 0 {
			return
		}
		select {
		case <-time.After(pollEvery):
		case <-deadline:
			t.Fatalf("processes %v are still there", left)
		}
	}
}

// servingFrom returns the ids of processes whose working directory is dir.
func servingFrom(t *testing.T, dir string) []string {
	t.Helper()
	links, err := filepath.Glob("/proc/[0-9]*/cwd")
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, link := range links {
		if cwd, err := os.Readlink(link); err == nil && cwd == dir {
			ids = append(ids, filepath.Base(filepath.Dir(link)))
		}
	}
	return ids
}
