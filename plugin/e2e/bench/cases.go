package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// benchCase is something that happens to a set, and the run that deals with it.
type benchCase struct {
	name, title string
	suits       func(*tool) bool
	run         func(ctx context.Context, b *bench, t *tool, round int) (run, error)
	undo        func(ctx context.Context, b *bench, t *tool) error // between two rounds, when all tools have run; may be nil
}

func cases() []benchCase {
	all := func(*tool) bool { return true }
	loops := []string{"bare", "waiting"}
	reconcilers := func(t *tool) bool { return !slices.Contains(loops, t.name) }
	notWaiting := func(t *tool) bool { return t.name != "waiting" }
	return []benchCase{
		{"install", "First install", all, install, uninstall},
		{"noop", "Nothing to do", notWaiting, noop, nil},
		{"change", "One change: a commit edits one ConfigMap", reconcilers, change, nil},
		{"drift", "Drift of one object: `kubectl scale` of one Deployment", reconcilers, drift, nil},
		{"prune", "Prune: a tenth of the objects left the manifests", reconcilers, prune, nil},
	}
}

// caseNames are the names of all cases; healing is measured differently.
func caseNames() []string {
	var names []string
	for _, c := range cases() {
		names = append(names, c.name)
	}
	return append(names, "heal")
}

// install starts with nothing; after the last round the set stays.
func install(ctx context.Context, b *bench, t *tool, _ int) (run, error) { return b.run(ctx, t, false) }

func uninstall(ctx context.Context, b *bench, t *tool) error {
	return errors.Join(b.admin.clean(ctx, t), b.admin.prepare(ctx, t))
}

func noop(ctx context.Context, b *bench, t *tool, _ int) (run, error) { return b.run(ctx, t, false) }

func change(ctx context.Context, b *bench, t *tool, _ int) (run, error) {
	s := t.set
	s.value = "changed-" + strconv.FormatInt(time.Now().UnixMilli(), 36)
	if err := t.prepare(s); err != nil {
		return run{}, err
	}
	r, err := b.run(ctx, t, false)
	if err != nil {
		return r, err
	}
	return r, b.expect(ctx, s.path(kinds()[0], 0, "config-"+strconv.Itoa(changedIndex)), s.value, "data", "key")
}

func drift(ctx context.Context, b *bench, t *tool, round int) (run, error) {
	deployments := kinds()[len(kinds())-1]
	path := t.set.path(deployments, round%namespaces, "web-0")
	if _, err := b.admin.merge(ctx, path+"/scale", "kubectl", `{"spec":{"replicas":1}}`); err != nil {
		return run{}, err
	}
	r, err := b.run(ctx, t, false)
	if err != nil {
		return r, err
	}
	return r, b.expect(ctx, path, "0", "spec", "replicas")
}

func prune(ctx context.Context, b *bench, t *tool, _ int) (run, error) {
	whole, shorter := t.set, t.set
	shorter.shorter = true
	if t.name == "kubectl" { // its first run with an ApplySet labels everything
		if _, err := b.run(ctx, t, true); err != nil {
			return run{}, err
		}
	}
	if err := t.prepare(shorter); err != nil {
		return run{}, err
	}
	r, err := b.run(ctx, t, true)
	if err != nil {
		return r, err
	}
	last := fmt.Sprintf("config-%d", 3*whole.perShare()-1)
	gone := whole.path(kinds()[0], namespaces-1, last)
	if status, err := b.admin.send(ctx, http.MethodGet, gone, "", nil, nil); status != http.StatusNotFound {
		return r, fmt.Errorf("%s was not pruned (%v)", gone, err)
	}
	if err := t.prepare(whole); err != nil {
		return r, err
	}
	_, err = b.run(ctx, t, true)
	return r, err
}

// expect checks that a run did what it was for.
func (b *bench) expect(ctx context.Context, path, want string, field ...string) error {
	o, err := b.admin.get(ctx, path)
	if err != nil {
		return err
	}
	if got := fmt.Sprint(valueAt(o, field)); got != want {
		return fmt.Errorf("%s: %v is %s, not %s", path, field, got, want)
	}
	return nil
}

// valueAt walks down maps; nil where there is nothing.
func valueAt(o map[string]any, field []string) any {
	var value any = o
	for _, key := range field {
		m, ok := value.(map[string]any)
		if !ok {
			return nil
		}
		value = m[key]
	}
	return value
}
