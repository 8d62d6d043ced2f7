package node

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// shop is an app: what runs in it, runs on the node.
func shop(replicas, color string) string {
	return strings.NewReplacer("$REPLICAS", replicas, "$COLOR", color).Replace(`
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: $REPLICAS
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 1
      containers: [{name: web, image: "gitops.test/pause:1", imagePullPolicy: Never}]
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {color: $COLOR}
`)
}

// quota is an object of a kind that the shop does not have.
const quota = `---
apiVersion: v1
kind: ResourceQuota
metadata: {name: quota}
spec: {hard: {pods: "50"}}
`

// TestHTTPS goes from install to uninstall with a repository behind https, a token and a certificate authority of its
// own, and all rights. Everything happens in pods of the CronJob, as install makes them.
func TestHTTPS(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	first := s.commit("first", shop("2", "blue"))
	s.install(s.repo(), "--rbac=cluster-admin", "--for=10m")
	s.told(s.scenario(first))
	s.uninstall()
}

// TestSSH is the same with a repository behind OpenSSH, a key and a known host, and with the rights that the repository
// needs. What needs more fails, and says what is missing.
func TestSSH(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	first := s.commit("first", shop("2", "blue"))
	repo, secret := s.sshd()
	s.keep(secret)
	local := "--credentials-dir=" + s.dir + "/credentials"
	s.install(repo, "--rbac=generated", "--for=10m", local)
	s.scenario(first)

	third := s.commit("third", shop("3", "green")+quota)
	s.eventually("the missing right", func() error {
		a, err := s.status()
		if err == nil && (a.Sync != "Failed" || !strings.Contains(a.Message, "resourcequotas")) {
			err = fmt.Errorf("status %+v", a)
		}
		return err
	})
	s.install(repo, "--rbac=generated", "--for=10m", local)
	s.synced(third)
	s.eventuallyIs("resourcequota/quota", ".spec.hard.pods", "50")
	s.uninstall()
}

// scenario follows the first commit into the cluster, undoes drift and follows a second commit, all in one job, whose
// name it returns.
func (s *site) scenario(first string) (job string) {
	s.Helper()
	job = s.start()
	s.eventuallyIs("deployment/web", ".status.availableReplicas", "2")
	s.synced(first)

	s.kubectl("scale", "deployment/web", "--replicas=5")
	s.eventuallyIs("deployment/web", ".spec.replicas", "2")
	s.kubectl("delete", "configmap", "settings")
	s.eventuallyIs("configmap/settings", ".data.color", "blue")

	second := s.commit("second", shop("3", "green"))
	s.eventuallyIs("configmap/settings", ".data.color", "green")
	s.eventuallyIs("deployment/web", ".status.availableReplicas", "3")
	s.synced(second)
	return job
}

// told checks what the job has left for people and machines: Events on the record and a log of JSON lines, without the
// token.
func (s *site) told(job string) {
	s.Helper()
	const format = "jsonpath={range .items[*]}{.reason} {.involvedObject.kind}/{.involvedObject.name}: {.message}\n{end}"
	events := s.kubectl("get", "events", "-n", s.instance, "-o", format)
	for _, want := range []string{"Applied ConfigMap/gitops-shop: ", "Reverted ConfigMap/gitops-shop: ", "spec.replicas"} {
		if !strings.Contains(events, want) {
			s.Errorf("no %q in the events:\n%s", want, events)
		}
	}
	log := s.kubectl("logs", "job/"+job, "-n", s.instance)
	if strings.Contains(log+events, token) {
		s.Error("log or events hold the token")
	}
	reverted := false
	for line := range strings.Lines(log) {
		var entry struct{ Level, Msg, App, Object, Action string }
		if err := json.Unmarshal([]byte(line), &entry); err != nil || entry.Level == "" || entry.Msg == "" {
			s.Errorf("a line of the log: %v: %s", err, line)
		}
		reverted = reverted || entry.Object == "apps/Deployment/"+s.ns+"/web" && entry.Action == "reverted"
	}
	if !reverted {
		s.Errorf("the log does not say that the deployment was reverted:\n%s", log)
	}
}

// uninstall removes the instance and its app, and checks that nothing of them is left anywhere.
func (s *site) uninstall() {
	s.Helper()
	s.kubectl("delete", "secret", "git", "-n", s.instance)
	s.gitops("uninstall", "--prune-apps")
	s.eventually("the namespace's end", func() error {
		if out, err := s.run("kubectl", "get", "namespace", s.instance); err == nil {
			return errors.New(out)
		}
		return nil
	})
	kinds := strings.ReplaceAll(strings.Join(strings.Fields(s.kubectl("api-resources", "--verbs=list", "-o", "name")), ","), "componentstatuses,", "")
	for _, selector := range []string{"kubectl-gitops.dev/instance=" + s.instance, "applyset.kubernetes.io/part-of"} {
		if out := s.kubectl("get", kinds, "-A", "-l", selector, "-o", `jsonpath={range .items[?(@.metadata.namespace=="`+s.ns+`")]}{.kind}/{.metadata.name} {end}`); out != "" {
			s.Errorf("uninstall left %s", out)
		}
	}
	if out := s.kubectl("get", "clusterroles,clusterrolebindings", "-l", "kubectl-gitops.dev/instance="+s.instance, "-o", "name"); out != "" {
		s.Errorf("uninstall left %s", out)
	}
}

// TestSchedule waits for the CronJob itself to start a job, and triggers one by hand.
func TestSchedule(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	first := s.commit("first", shop("1", "blue"))
	s.install(s.repo(), "--rbac=cluster-admin", "--schedule=* * * * *", "--interval=0")
	s.synced(first)

	s.install(s.repo(), "--rbac=cluster-admin", "--interval=0") // an upgrade in place: nobody else works now
	second := s.commit("second", shop("1", "green"))
	out := s.gitops("trigger")
	if !strings.Contains(out, `"action":"configured"`) || s.get("configmap/settings", ".data.color") != "green" {
		t.Errorf("trigger said %s", out)
	}
	s.synced(second)
	s.git.SetToken("expired")
	if out, err := s.run("kubectl-gitops", "trigger", "-n", s.instance); err == nil || !strings.Contains(out, "does not accept the token (401)") {
		t.Errorf("trigger of a job that fails: %v\n%s", err, out)
	}
}
