package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os/exec"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"time"
)

const (
	healTimeout = 30 * time.Second
	settle      = 3 * time.Second // of the loop's first pass and of its watches
)

// healing is what the edits of one loop took until they were reverted.
type healing struct {
	Size, Edits            int
	P50, P90, P99, Slowest time.Duration
	Peak                   int64
	CPU, Lasted            time.Duration
	Requests               map[string]int
}

// edit is something that somebody does to an object of a kind. The field is what is looked at.
type edit struct {
	kind  string // the name of its objects
	patch string
	field []string
}

func edits() []edit {
	return []edit{
		{"config", `{"data":{"key":"edited"}}`, []string{"data", "key"}},
		{"web", `{"spec":{"revisionHistoryLimit":7}}`, []string{"spec", "revisionHistoryLimit"}},
		{"service", `{"spec":{"selector":{"app":"edited"}}}`, []string{"spec", "selector", "app"}},
		{"config", `{"metadata":{"labels":{"app":"edited"}}}`, []string{"metadata", "labels", "app"}},
		{"role", `{"rules":[{"apiGroups":[""],"resources":["pods"],"verbs":["*"]}]}`, []string{"rules"}},
		{"policy", `{"spec":{"policyTypes":["Egress"]}}`, []string{"spec", "policyTypes"}},
		{"ingress", `{"metadata":{"labels":{"app":"edited"}}}`, []string{"metadata", "labels", "app"}},
		{"binding", `{"subjects":null}`, []string{"subjects"}},
		{"account", `{"metadata":{"labels":{"app":null}}}`, []string{"metadata", "labels", "app"}},
		{"web", `{"spec":{"replicas":1}}`, []string{"spec", "replicas"}},
	}
}

// heal runs the loop and edits one object after the other, waiting for each to be as it was.
func (b *bench) heal(ctx context.Context, t *tool) error {
	line := append(ours(t, false), "--interval", "5s")
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	cmd, usage := b.launcher.command(ctx, t.env, line[0], line[1:]...)
	if _, err := b.audit.take(ctx, t.user()); err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	took, err := b.editAll(ctx, t)
	used, endErr := end(cmd, usage)
	if err := errors.Join(err, endErr); err != nil {
		cancel() // a loop that did not end
		return err
	}
	requests, err := b.audit.take(ctx, t.user())
	if err != nil {
		return err
	}
	slices.Sort(took)
	at := func(percent int) time.Duration { return took[min(len(took)-1, len(took)*percent/100)] }
	h := healing{Size: t.set.size, Edits: len(took), P50: at(50), P90: at(90), P99: at(99), Slowest: took[len(took)-1],
		Peak: used.Peak, CPU: used.CPU, Lasted: used.Wall, Requests: requests}
	fmt.Fprintf(b.log, "%s %6d heal     ours     %+v\n", time.Now().Format(time.TimeOnly), t.set.size, h)
	b.session.Heals = append(b.session.Heals, h)
	return nil
}

// end asks the loop to end and returns its usage.
func end(cmd *exec.Cmd, usage string) (run, error) {
	if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGINT); err != nil {
		return run{}, err
	}
	if err := cmd.Wait(); err != nil {
		return run{}, err
	}
	used, _, err := readUsage(usage)
	return used, err
}

func (b *bench) editAll(ctx context.Context, t *tool) ([]time.Duration, error) {
	byName := map[string]kind{}
	for _, k := range kinds() {
		byName[k.name] = k
	}
	pause := settle
	var took []time.Duration
	for i := range b.heals {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(pause):
		}
		e := edits()[i%len(edits())]
		nth := i / len(edits()) // over the namespaces first, then over the objects in one
		k := byName[e.kind]
		object := nth / namespaces % (k.share * t.set.perShare())
		path := t.set.path(k, nth%namespaces, fmt.Sprintf("%s-%d", k.name, object))
		d, err := b.healed(ctx, path, e)
		if err != nil {
			return nil, fmt.Errorf("edit %d, %s: %w", i, path, err)
		}
		took = append(took, d)
		pause = 100*time.Millisecond + time.Duration(i*37%200)*time.Millisecond
	}
	return took, nil
}

// healed makes one edit and returns the time from before its request until the API server tells that it is undone.
func (b *bench) healed(ctx context.Context, path string, e edit) (time.Duration, error) {
	before, err := b.admin.get(ctx, path)
	if err != nil {
		return 0, err
	}
	want := valueAt(before, e.field)
	started := time.Now()
	edited, err := b.admin.merge(ctx, path, "somebody", e.patch)
	if err != nil {
		return 0, err
	}
	if reflect.DeepEqual(valueAt(edited, e.field), want) {
		return 0, errors.New("the edit changed nothing")
	}
	version, _ := valueAt(edited, []string{"metadata", "resourceVersion"}).(string)
	if err := b.until(ctx, path, version, func(o map[string]any) bool { return reflect.DeepEqual(valueAt(o, e.field), want) }); err != nil {
		return 0, err
	}
	return time.Since(started), nil
}

// until watches one object after a version of it until it is as wanted.
func (b *bench) until(ctx context.Context, path, after string, wanted func(map[string]any) bool) error {
	ctx, cancel := context.WithTimeout(ctx, healTimeout)
	defer cancel()
	slash := strings.LastIndex(path, "/")
	url := b.admin.host + path[:slash] + "?watch=1&fieldSelector=metadata.name%3D" + path[slash+1:] + "&resourceVersion=" + after
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := b.admin.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	for events := json.NewDecoder(resp.Body); ; {
		var event struct {
			Type   string
			Object map[string]any
		}
		if err := events.Decode(&event); err != nil {
			return fmt.Errorf("not reverted: %w", err)
		}
		if event.Type == "MODIFIED" && wanted(event.Object) {
			return nil
		}
	}
}
