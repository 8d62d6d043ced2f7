package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/e2e/proxy"
)

// objectsInLoop are enough that none is edited so often that it looks like a fight.
const objectsInLoop = 40

// TestLoopRevertsEverything runs a loop beside a writer that edits, deletes and relabels at random, while watches run,
// are cut, are told that their history is gone, and while the API server is slow. Whenever the writer rests, the
// cluster soon equals Git again.
func TestLoopRevertsEverything(t *testing.T) {
	t.Parallel()
	s, err := newSite(t, "loop")
	if err != nil {
		t.Fatal(err)
	}
	w := &world{site: s, rand: rand.New(rand.NewPCG(1, 2)), manifests: map[string]*manifest{}, gone: map[string]bool{}}
	for len(w.manifests) < objectsInLoop {
		w.add()
	}
	var texts []string
	for _, k := range slices.Sorted(maps.Keys(w.manifests)) {
		texts = append(texts, w.manifests[k].yaml())
	}
	if err := w.commit("forty objects", texts...); err != nil {
		t.Fatal(err)
	}
	if err := w.succeed("the first run"); err != nil {
		t.Fatal(err)
	}
	stop := w.loop(t)
	slow := func(n int, r proxy.Request) proxy.Action {
		return proxy.Action{Delay: time.Duration(n%5) * 50 * time.Millisecond}
	}
	isWatch := func(r proxy.Request) bool { return r.Verb == "watch" }
	compacted := proxy.Action{Rewrite: func(r *http.Request) {
		q := r.URL.Query()
		q.Set("resourceVersion", "1")
		r.URL.RawQuery = q.Encode()
	}}
	phases := []struct {
		name string
		hook proxy.Hook
		cut  bool
	}{
		{name: "all is well"},
		{name: "watches are cut", cut: true},
		{name: "one watch is told that its history is gone", cut: true, hook: proxy.Nth(1, isWatch, compacted)},
		{name: "one watch is refused with 410", cut: true, hook: proxy.Nth(1, isWatch, proxy.Action{Status: http.StatusGone})},
		{name: "the server is slow", hook: slow},
	}
	w.proxy.Reset()
	for _, phase := range phases {
		w.proxy.SetHook(phase.hook)
		w.say("%s", phase.name)
		if err := w.disturb(phase.cut); err != nil {
			t.Fatalf("%s: %v\nwhat was done:\n  %s\n%s", phase.name, err, strings.Join(w.done, "\n  "), stop())
		}
	}
	w.proxy.SetHook(nil)
	if r := stop(); r.code != 0 || strings.Contains(r.stderr, "error:") || strings.Contains(r.stderr, "once in each interval") {
		t.Errorf("the loop: %s", r)
	}
}

// disturb edits every second object at random, and waits until all is as Git says.
func (w *world) disturb(cut bool) error {
	keys := slices.Sorted(maps.Keys(w.manifests))
	w.rand.Shuffle(len(keys), func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
	for i, key := range keys[:len(keys)/2] {
		if cut && i%8 == 4 {
			w.proxy.Cut()
		}
		m := w.manifests[key]
		edits := slices.DeleteFunc(handEdits(m.kind), func(e handEdit) bool { return strings.HasPrefix(e.name, "deletion") })
		edits = append(edits, handEdit{"deletion", func(w *world, m *manifest, _ string) error {
			return w.kind(m.kind).Delete(context.Background(), m.name, metav1.DeleteOptions{})
		}})
		edit := edits[w.rand.IntN(len(edits))]
		w.say("by hand: %s of %s", edit.name, key)
		if err := edit.do(w, m, "ada"); err != nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) {
			return err
		}
	}
	if err := eventually(func() error { return w.equalsGit() }); err != nil {
		return err
	}
	for _, alone := range []string{"", `{"metadata":{"labels":null}}`, `{"data":null}`} { // nothing else wakes the loop
		var m *manifest
		for m == nil || m.kind != "ConfigMap" {
			m, keys = w.manifests[keys[len(keys)-1]], keys[:len(keys)-1]
		}
		w.say("by hand: only %s, %q", m.key(), alone)
		var err error
		if alone == "" {
			err = w.kind(m.kind).Delete(context.Background(), m.name, metav1.DeleteOptions{})
		} else {
			err = w.patch(m, "ada", alone)
		}
		if err := errors.Join(err, eventually(func() error { return w.equalsGit() })); err != nil {
			return err
		}
	}
	return nil
}

// loop starts the plugin with --interval. The returned function ends it, and tells what it printed.
func (s *site) loop(t *testing.T) (stop func() result) {
	t.Helper()
	cmd, ended := s.command(append(s.reconcileArgs(), "--interval", "5s", "--for", "5m")...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	over := false
	var r result
	stop = func() result {
		if !over {
			over = true
			_ = cmd.Process.Signal(syscall.SIGTERM)
			r = ended(cmd.Wait())
		}
		return r
	}
	t.Cleanup(func() { stop() })
	return stop
}

// TestLoopGivesUpAFight: another manager sets the same field again and again. After five reverts the loop leaves it to
// them, says so and whom to stop, and goes on with everything else; a new commit is applied all the same.
func TestLoopGivesUpAFight(t *testing.T) {
	t.Parallel()
	s := holeSite(t, "fight", "a", "b")
	stop := s.loop(t)
	reverts := 0
	err := eventually(func() error {
		message, err := kubectl(s, "gitops", "status", "-n", s.instance, "-o", "jsonpath={.items[0].message}")
		switch {
		case err != nil:
			return errors.New(message)
		case strings.Contains(message, "data.a was reverted 5 times in 10m0s, and ada sets it again each time"):
			return nil
		}
		if s.valueOf(t, "a") == "in-git" {
			reverts++
			s.patchMap(t, "a", fmt.Sprintf(`{"data":{"a":"mine %d"}}`, reverts))
		}
		return fmt.Errorf("no fight is told after %d edits: %s", reverts, message)
	})
	if err != nil {
		t.Fatalf("%v\n%s", err, stop())
	}
	if got := s.valueOf(t, "a"); got != "mine 6" {
		t.Errorf("a is %q, want it left to the sixth edit", got)
	}
	s.patchMap(t, "b", `{"data":{"a":"by hand"}}`)
	b := func() error {
		if got := s.valueOf(t, "b"); got != "in-git" {
			return fmt.Errorf("b is %q: nothing else is reverted any more", got)
		}
		return nil
	}
	if err := eventually(b); err != nil {
		t.Error(err)
	}
	text, err := os.ReadFile(s.repo + "/app.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.commit("another value", strings.Split(string(bytes.ReplaceAll(text, []byte("in-git"), []byte("newer"))), "\n---\n")...); err != nil {
		t.Fatal(err)
	}
	if err := eventually(func() error { return s.equalsGit() }); err != nil {
		t.Errorf("the new commit: %v", err)
	}
	if r := stop(); strings.Count(r.stdout+r.stderr, "configmap/a reverted") != 5 || !strings.Contains(r.stderr, "hint: stop the other writer") {
		t.Errorf("want five reverts and a hint: %s", r)
	}
}
