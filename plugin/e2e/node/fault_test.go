package node

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
)

// TestGitServerDown takes the Git server away from a running job: drift is still undone, status goes on naming the
// commit that is applied, and what was committed meanwhile follows when the server is back.
func TestGitServerDown(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	address := strings.TrimPrefix(s.git.URL(), "https://")
	gate, err := OpenGate(net.JoinHostPort(HostAddress, "0"), address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { gate.Close() }()
	first := s.commit("first", shop("1", "blue"))
	s.install("https://"+gate.Address()+"/repo.git", "--rbac=cluster-admin", "--for=10m")
	s.start()
	s.synced(first)

	at := gate.Address()
	gate.Close()
	s.failing(first, "connection refused")
	s.kubectl("scale", "deployment/web", "--replicas=4")
	s.eventuallyIs("deployment/web", ".spec.replicas", "1")
	s.failing(first, "connection refused")
	second := s.commit("second", shop("1", "green"))
	if gate, err = OpenGate(at, address); err != nil {
		t.Fatal(err)
	}
	s.eventuallyIs("configmap/settings", ".data.color", "green")
	s.synced(second)
}

// TestExpiredToken lets the token of a running job expire. Nothing is touched, the log and status say why, without the
// token, and a new one in the Secret is enough.
func TestExpiredToken(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	first := s.commit("first", shop("1", "blue"))
	s.install(s.repo(), "--rbac=cluster-admin", "--for=10m")
	job := s.start()
	s.synced(first)

	const renewed = "another-canary-of-the-git-token"
	s.git.SetToken(renewed)
	second := s.commit("second", shop("1", "green"))
	s.failing(first, "does not accept the token (401)")
	if color := s.get("configmap/settings", ".data.color"); color != "blue" {
		t.Errorf("color %s with an expired token", color)
	}
	secret := s.httpsSecret()
	secret["bearerToken"] = renewed
	s.secret(secret)
	s.eventuallyIs("configmap/settings", ".data.color", "green")
	s.synced(second)
	log := s.kubectl("logs", "job/"+job, "-n", s.instance)
	if strings.Contains(log, token) || strings.Contains(log, renewed) {
		t.Error("the log holds a token")
	}
}

// TestFullDisk gives a job no room for the checkout: it fails and says so, and what is applied stays. With room the
// next one applies.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	first := s.commit("first", shop("1", "blue"))
	s.install(s.repo(), "--rbac=cluster-admin", "--for=1s")
	if condition, log := s.ended(s.start()); condition != "Complete" {
		t.Fatalf("%s: %s", condition, log)
	}
	s.synced(first)

	second := s.commit("second", shop("1", "green")+"---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: big}\ndata: {text: "+noise(400<<10)+"}\n")
	const volume = `{"spec":{"jobTemplate":{"spec":{"template":{"spec":{"volumes":[{"name":"tmp","emptyDir":{"medium":"Memory","sizeLimit":"%s"}}]}}}}}}`
	s.kubectl("patch", "cronjob/gitops", "-n", s.instance, "--type=strategic", "-p", fmt.Sprintf(volume, "64Ki"))
	condition, log := s.ended(s.start())
	if condition != "Failed" || !strings.Contains(log, "no space left on device") {
		t.Errorf("%s: %s", condition, log)
	}
	s.failing(first, "no space left on device")
	ending := s.kubectl("get", "pods", "-n", s.instance, "-o", "jsonpath={.items[*].status.containerStatuses[0].state.terminated.message}")
	if !strings.Contains(ending, "shop failed") || !strings.Contains(ending, "no space left on device") {
		t.Errorf("termination message %q", ending)
	}
	if color := s.get("configmap/settings", ".data.color"); color != "blue" {
		t.Errorf("color %s", color)
	}
	s.kubectl("patch", "cronjob/gitops", "-n", s.instance, "--type=strategic", "-p", fmt.Sprintf(volume, "64Mi"))
	if condition, log := s.ended(s.start()); condition != "Complete" {
		t.Fatalf("%s: %s", condition, log)
	}
	s.synced(second)
}

// TestAPIServerRestarts kills the API server while a job applies commits. It runs alone: the others need the server.
func TestAPIServerRestarts(t *testing.T) {
	s := newSite(t)
	first := s.commit("first", shop("1", "blue"))
	s.install(s.repo(), "--rbac=cluster-admin", "--for=10m")
	job := s.start()
	s.synced(first)
	for i := range 3 {
		color := fmt.Sprintf("color-%d", i)
		commit := s.commit(color, shop("1", color))
		s.eventually("a request for the commit", func() error {
			if out := s.git.Requests(); len(out) == 0 || !strings.HasSuffix(out[len(out)-1].Path, "/git-upload-pack") {
				return errors.New("none")
			}
			return nil
		})
		if err := shared.cluster.RestartAPIServer(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.eventually("a job", func() error { // one that gave up is followed by the next, as the CronJob does
			if out, _ := s.run("kubectl", "get", "job", job, "-n", s.instance, "-o", "jsonpath={.status.active}"); out != "1" {
				t.Logf("job %d ended", i)
				job = s.start()
			}
			return nil
		})
		s.eventuallyIs("configmap/settings", ".data.color", color)
		s.synced(commit)
	}
}
