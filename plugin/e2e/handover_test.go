package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// write puts files into the repository and commits them; an empty text removes a file.
func (s *site) write(message string, files map[string]string) error {
	for name, text := range files {
		path := filepath.Join(s.repo, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return err
		}
		err := os.WriteFile(path, []byte(strings.ReplaceAll(text, "$NS", s.ns)), 0o600)
		if text == "" {
			err = os.Remove(path)
		}
		if err != nil {
			return err
		}
	}
	if _, err := git(s.env, "-C", s.repo, "add", "--all"); err != nil {
		return err
	}
	_, err := git(s.env, "-C", s.repo, "commit", "--quiet", "--message", message)
	return err
}

const (
	twoApps = `apiVersion: kubectl-gitops.dev/v1alpha1
kind: GitOps
apps:
- {name: a, path: a, namespace: $NS}
- {name: b, path: b, namespace: $NS}
`
	renamedApp = `apiVersion: kubectl-gitops.dev/v1alpha1
kind: GitOps
apps:
- {name: c, path: a, namespace: $NS}
- {name: b, path: b, namespace: $NS}
`
)

// neverRun is a hook of an app that moves, and is not removed.
const neverRun = `apiVersion: v1
kind: ConfigMap
metadata: {name: never, annotations: {kubectl-gitops.dev/hook: "PreDelete,PostDelete"}}
`

func movedMap(name, value string) string {
	return fmt.Sprintf("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s}\ndata: {a: %q}\n", name, value)
}

// uids maps the names of the site's ConfigMaps to their uids.
func (s *site) uids() (map[string]string, error) {
	list, err := s.kind("ConfigMap").List(context.Background(), metav1.ListOptions{LabelSelector: labelPartOf})
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for _, u := range list.Items {
		out[u.GetName()] = string(u.GetUID())
	}
	return out, nil
}

// TestKilledWhileHandingOver kills runs that move objects between apps, and rename an app, at each of their requests.
// No object is ever deleted and created again, and no hook of a removal runs, whatever Git says next: the same, or that all goes back.
func TestKilledWhileHandingOver(t *testing.T) {
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
			killAtEach(t, 1, func(n int) (bool, error) { return killHandover(t, n, variant.answered, variant.back) })
		})
	}
}

func killHandover(t *testing.T, n int, answered, back bool) (bool, error) {
	s, err := newSite(t, "handover")
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
	before := map[string]string{"gitops.yaml": twoApps, "a/hooks.yaml": neverRun, "a/moves.yaml": movedMap("moves", "1"), "a/stays.yaml": movedMap("stays", "1"),
		"b/b.yaml": movedMap("b", "1"), "b/moves.yaml": ""}
	first := map[string]string{"gitops.yaml": twoApps, "a/hooks.yaml": neverRun, "a/moves.yaml": before["a/moves.yaml"], "a/stays.yaml": before["a/stays.yaml"], "b/b.yaml": before["b/b.yaml"]}
	if err := errors.Join(s.write("first", first), s.succeed("the first run")); err != nil {
		return false, err
	}
	was, err := s.uids()
	if err != nil {
		return false, err
	}
	if err := s.write("second", map[string]string{"gitops.yaml": renamedApp, "a/moves.yaml": "", "b/moves.yaml": movedMap("moves", "2")}); err != nil {
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
	if killed && back {
		if err := s.write("third", before); err != nil {
			return true, err
		}
	}
	err = errors.Join(s.succeed("the next run"), s.idle())
	now, listErr := s.uids()
	if err = errors.Join(err, listErr); err == nil && fmt.Sprint(now) != fmt.Sprint(was) {
		err = fmt.Errorf("the objects were %v, and are %v", was, now)
	}
	if seen.count("never") > 0 {
		err = errors.Join(err, errors.New("the hook of a removal has run"))
	}
	if err != nil {
		return killed, fmt.Errorf("%w\nthe killed run's requests:\n%s", err, trace.String())
	}
	return killed, nil
}
