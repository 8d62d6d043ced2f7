package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/e2e/proxy"
)

// The three commits of the tests that cut a run off: from the first to the second, objects are created (one of them a
// CRD with its custom resource), changed and pruned; the third takes back what the second has created.
const (
	manifestsKept = `
apiVersion: v1
kind: ConfigMap
metadata: {name: kept}
data: {a: "1"}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  selector: {app: web}
  ports: [{name: http, port: 80, targetPort: 8080, protocol: TCP}]`
	manifestsBefore = `
apiVersion: v1
kind: ConfigMap
metadata: {name: changed}
data: {a: "1", gone: "later"}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "example.com/web:1"}]}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: old}
data: {a: "1"}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: old}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: older, annotations: {kubectl-gitops.dev/wave: "-1"}}
data: {a: "1"}`
	manifestsAfter = `
apiVersion: v1
kind: ConfigMap
metadata: {name: changed}
data: {a: "2"}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "example.com/web:2"}]}`
	manifestsNew = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.$GROUP}
spec:
  group: $GROUP
  names: {kind: Widget, plural: widgets, singular: widget, listKind: WidgetList}
  scope: Namespaced
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        properties: {spec: {type: object, properties: {size: {type: integer}}}}
---
apiVersion: $GROUP/v1
kind: Widget
metadata: {name: new}
spec: {size: 3}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: new}
data: {a: "1"}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: new}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: new}
spec: {minAvailable: 1, selector: {matchLabels: {app: web}}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: newer, annotations: {kubectl-gitops.dev/wave: "1"}}
data: {a: "1"}`
)

const stranger = "ConfigMap/stranger"

// siteBetweenCommits has the first commit applied and the second one committed. A stranger has copied our label.
func siteBetweenCommits(tb testing.TB, name string) (*site, error) {
	s, err := newSite(tb, name)
	if err != nil {
		return nil, err
	}
	if err := s.commit("first", manifestsKept, manifestsBefore); err != nil {
		return s, err
	}
	if err := s.succeed("the first run"); err != nil {
		return s, err
	}
	ctx := context.Background()
	id, err := s.id(ctx)
	if err != nil {
		return s, err
	}
	copied := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "ConfigMap",
		"metadata": map[string]any{"name": "stranger", "labels": map[string]any{labelPartOf: id}}}}
	if _, err := s.kind("ConfigMap").Create(ctx, copied, metav1.CreateOptions{}); err != nil {
		return s, err
	}
	return s, s.commit("second", manifestsKept, manifestsAfter, manifestsNew)
}

// converged runs the plugin once more and checks that nothing is left of the accident before.
func (s *site) converged() error {
	if err := s.succeed("the next run"); err != nil {
		return err
	}
	return errors.Join(s.equalsGit(stranger), s.onlyData(), s.idle(), s.historyIsReadable())
}

func (s *site) historyIsReadable() error {
	r := s.plugin("history", "app", "-o", "json")
	var history struct {
		Items []struct {
			Result   string
			Revision struct{ Commit string }
		}
	}
	if r.code != 0 || json.Unmarshal([]byte(r.stdout), &history) != nil || len(history.Items) == 0 {
		return fmt.Errorf("history: %s", r)
	}
	head, err := git(s.env, "-C", s.repo, "rev-parse", "HEAD")
	if err != nil {
		return err
	}
	if last := history.Items[0]; last.Result != "Succeeded" || last.Revision.Commit != head {
		return fmt.Errorf("the history does not begin with the success of %s:\n%s", head, r.stdout)
	}
	return nil
}

// killAt runs the plugin and kills it at the n-th of its requests: before the API server sees that request or, with
// answered, when the server has done it and the answer has not arrived. It returns false when the run ended before.
func (s *site) killAt(n int, answered bool) (killed bool, r result) {
	cmd, ended := s.command(s.reconcileArgs()...)
	started, exited := make(chan struct{}), make(chan struct{})
	kill := func() {
		<-started
		_ = cmd.Process.Kill() // it may have ended by itself
		<-exited
	}
	action := proxy.Action{Before: kill, Drop: true}
	if answered {
		action = proxy.Action{After: kill, DropAnswer: true}
	}
	s.proxy.Reset()
	s.proxy.SetHook(func(i int, _ proxy.Request) proxy.Action {
		if i == n {
			return action
		}
		return proxy.Action{}
	})
	defer s.proxy.SetHook(nil)
	err := cmd.Start()
	close(started)
	if err == nil {
		err = cmd.Wait()
	}
	close(exited)
	return len(s.proxy.Requests()) >= n, ended(err)
}

// killAtEach calls kill with 1, 2 and so on, until a run has come to its end before it was killed. A run of fewer requests
// than least is too short to be a test.
func killAtEach(t *testing.T, least int, kill func(n int) (killed bool, err error)) {
	t.Helper()
	for n := 1; ; n++ {
		killed, err := kill(n)
		if err != nil {
			t.Fatalf("killed at request %d: %v", n, err)
		}
		if killed {
			continue
		}
		t.Logf("a run makes %d requests", n-1)
		if n < least {
			t.Fatal("the run is too short to be a test")
		}
		return
	}
}

// TestKilledAtEveryRequest kills a run that creates, changes and prunes with SIGKILL at its first request, another one
// at its second, and so on until a run comes to its end. Whatever the moment, the next run makes the cluster equal to
// Git: no object is orphaned or lost, and the run after it has nothing to do.
func TestKilledAtEveryRequest(t *testing.T) {
	for _, variant := range []struct {
		name     string
		answered bool
		moved    bool // Git moves on before the next run, and takes back what the killed one has created
	}{
		{name: "before the request arrives"},
		{name: "before the answer arrives", answered: true},
		{name: "and Git moves on", answered: true, moved: true},
	} {
		t.Run(variant.name, func(t *testing.T) {
			t.Parallel()
			killAtEach(t, 20, func(n int) (bool, error) { return killOnce(t, n, variant.answered, variant.moved) })
		})
	}
}

func killOnce(t *testing.T, n int, answered, moved bool) (killed bool, err error) {
	s, err := siteBetweenCommits(t, "kill")
	if err != nil {
		return false, err
	}
	defer s.stop()
	killed, r := s.killAt(n, answered)
	if !killed {
		if r.code != 0 {
			return false, errors.New(r.String())
		}
		return false, s.equalsGit(stranger)
	}
	var trace strings.Builder
	for _, q := range s.proxy.Requests() {
		fmt.Fprintln(&trace, q)
	}
	if moved {
		if err := s.commit("third\n\nGitops-Allow-Deletions: 20", manifestsKept, manifestsAfter); err != nil {
			return true, err
		}
	}
	if err := s.converged(); err != nil {
		return true, fmt.Errorf("%w\nthe killed run's requests:\n%s", err, trace.String())
	}
	return true, nil
}
