package node

import (
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

// TestHTTPS goes from install to uninstall with a repository behind https, a token and a certificate authority of its
// own. Everything happens in a pod of the CronJob.
func TestHTTPS(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	first := s.commit("first", shop("2", "blue"))
	s.secret(s.httpsSecret())
	s.install(s.repo(), "--rbac=cluster-admin", "--for=10m")
	s.start()
	s.scenario(first)
}

// TestSSH is the same with a repository behind OpenSSH, a key and a known host.
func TestSSH(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	first := s.commit("first", shop("2", "blue"))
	repo, secret := s.sshd()
	s.secret(secret)
	s.install(repo, "--rbac=cluster-admin", "--for=10m")
	s.start()
	s.scenario(first)
}

// scenario follows the first commit into the cluster, undoes drift, follows a second commit and uninstalls. A job runs.
func (s *site) scenario(first string) {
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
}
