package e2e

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
)

// The app a has hooks for its removal: a Job that its time to live removes at once, and a ConfigMap, which ends as soon
// as it is there.
const (
	oneApp = `apiVersion: kubectl-gitops.dev/v1alpha1
kind: GitOps
apps:
- {name: b, path: b, namespace: $NS}
`
	removalHooks = `apiVersion: batch/v1
kind: Job
metadata: {name: before, annotations: {kubectl-gitops.dev/hook: PreDelete}}
spec:
  ttlSecondsAfterFinished: 0
  template: {spec: {restartPolicy: Never, containers: [{name: a, image: "example.com/a:1"}]}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: after, annotations: {kubectl-gitops.dev/hook: PostDelete}}
`
)

var jobs = schema.GroupVersionResource{Group: "batch", Version: "v1", Resource: "jobs"}

// created tells what came into being, and what was deleted, in the order of the server.
type created struct {
	mu     sync.Mutex
	events []string
}

func (s *site) watchHooks(ctx context.Context) (*created, error) {
	c := &created{}
	for _, r := range []schema.GroupVersionResource{jobs, {Version: "v1", Resource: "configmaps"}} {
		w, err := s.client.Resource(r).Namespace(s.ns).Watch(ctx, metav1.ListOptions{})
		if err != nil {
			return nil, err
		}
		go func() {
			for e := range w.ResultChan() {
				if u, ok := e.Object.(*unstructured.Unstructured); ok && e.Type != watch.Modified {
					c.mu.Lock()
					c.events = append(c.events, fmt.Sprintf("%s %s", u.GetName(), e.Type))
					c.mu.Unlock()
				}
			}
		}()
	}
	return c, nil
}

// count says how often name came into being.
func (c *created) count(name string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := 0
	for _, e := range c.events {
		if e == name+" ADDED" {
			n++
		}
	}
	return n
}

// TestKilledWhileRemoving kills a run that removes an app with a PreDelete and a PostDelete hook at each of its requests.
// The next run finishes: each hook has run once, and nothing of the app is left. If Git takes the removal back, the app
// is as it was, and a later removal runs its hooks.
func TestKilledWhileRemoving(t *testing.T) {
	for _, variant := range []struct {
		name           string
		answered, back bool
	}{
		{name: "before the request arrives"},
		{name: "before the answer arrives", answered: true},
		{name: "and Git takes it back", answered: true, back: true},
	} {
		t.Run(variant.name, func(t *testing.T) {
			t.Parallel()
			killAtEach(t, 20, func(n int) (bool, error) { return killRemoval(t, n, variant.answered, variant.back) })
		})
	}
}

func killRemoval(t *testing.T, n int, answered, back bool) (bool, error) {
	s, err := newSite(t, "removal")
	if err != nil {
		return false, err
	}
	defer s.stop()
	s.args = []string{"reconcile", "--repo", s.repo, "--timeout", "60s"}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	seen, err := s.watchHooks(ctx)
	if err != nil {
		return false, err
	}
	files := map[string]string{"gitops.yaml": twoApps, "a/a.yaml": movedMap("a", "1"), "a/second.yaml": movedMap("second", "1"), "a/hooks.yaml": removalHooks,
		"b/b.yaml": movedMap("b", "1")}
	const removal = "remove a\n\nGitops-Allow-Deletions: 2"
	if err := errors.Join(s.write("first", files), s.succeed("the first run"), s.write(removal, map[string]string{"gitops.yaml": oneApp})); err != nil {
		return false, err
	}
	killed, r := s.killAt(n, answered)
	if !killed && r.code != 0 {
		return false, errors.New(r.String())
	}
	var trace strings.Builder
	for _, q := range s.proxy.Requests() {
		fmt.Fprintln(&trace, q)
	}
	var before, after int // how often the hooks had run when the removal was taken back
	if killed && back {
		err = errors.Join(s.write("back", map[string]string{"gitops.yaml": twoApps}), s.succeed("the run after it is back"), s.holds("a", "b", "second"), s.idle(),
			s.write(removal, map[string]string{"gitops.yaml": oneApp}))
		before, after = seen.count("before"), seen.count("after")
	}
	if err = errors.Join(err, s.succeed("the next run"), s.holds("b"), s.idle(), s.nothingOf("a")); err == nil {
		err = eventually(func() error {
			if before > 1 || after > 1 || seen.count("before") != before+1 || seen.count("after") != after+1 {
				return fmt.Errorf("of %d and %d hooks before, the events are %v", before, after, seen.events)
			}
			return nil
		})
	}
	if err != nil {
		return killed, fmt.Errorf("%w\nthe killed run's requests:\n%s", err, trace.String())
	}
	return killed, nil
}

// holds checks that the ConfigMaps of the apps are these.
func (s *site) holds(names ...string) error {
	uids, err := s.uids()
	for _, name := range names {
		if uids[name] == "" {
			err = errors.Join(err, fmt.Errorf("%s is missing", name))
		}
	}
	if len(uids) != len(names) {
		err = errors.Join(err, fmt.Errorf("there are %v", slices.Sorted(maps.Keys(uids))))
	}
	return err
}

// nothingOf checks that neither the record of an app nor an object of its hooks is left.
func (s *site) nothingOf(app string) error {
	return eventually(func() error {
		var left []string
		for _, at := range []struct {
			r        schema.GroupVersionResource
			ns, with string
		}{
			{jobs, s.ns, ""},
			{schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}, s.ns, "after"},
			{schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}, s.instance, "gitops-" + app},
			{schema.GroupVersionResource{Version: "v1", Resource: "secrets"}, s.instance, "gitops-" + app + "-"},
		} {
			list, err := s.client.Resource(at.r).Namespace(at.ns).List(context.Background(), metav1.ListOptions{})
			if err != nil {
				return err
			}
			for _, u := range list.Items {
				if strings.HasPrefix(u.GetName(), at.with) {
					left = append(left, u.GetKind()+"/"+u.GetName())
				}
			}
		}
		if len(left) > 0 {
			return fmt.Errorf("left of %s: %v", app, left)
		}
		return nil
	})
}
