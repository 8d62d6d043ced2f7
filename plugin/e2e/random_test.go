package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

const (
	passesPerSeed = 12
	lanes         = 2
	// randomFor is how long the test lasts, unless SOAK says something else.
	randomFor = 60 * time.Second
)

// TestRandomDriftConverges lets people, other tools and Git change things at random between two passes. After each pass
// the cluster equals Git in all that Git sets, what left Git is gone, and the next pass has nothing to do. SOAK=10m
// makes it longer, SEED=n repeats one sequence; a failure prints both the seed and what was done.
func TestRandomDriftConverges(t *testing.T) {
	length := randomFor
	if text := os.Getenv("SOAK"); text != "" {
		var err error
		if length, err = time.ParseDuration(text); err != nil {
			t.Fatalf("SOAK: %v", err)
		}
	}
	if text := os.Getenv("SEED"); text != "" {
		seed, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatalf("SEED: %v", err)
		}
		runSeed(t, seed)
		return
	}
	end := time.Now().Add(length)
	for lane := range uint64(lanes) {
		t.Run(fmt.Sprintf("lane %d", lane+1), func(t *testing.T) {
			t.Parallel()
			seed := lane + 1
			for ; time.Now().Before(end); seed += lanes {
				runSeed(t, seed)
			}
			t.Logf("%d sequences of %d passes", (seed-lane)/lanes, passesPerSeed)
		})
	}
}

func runSeed(t *testing.T, seed uint64) {
	s, err := newSite(t, "random")
	if err != nil {
		t.Fatal(err)
	}
	defer s.stop()
	w := &world{site: s, rand: rand.New(rand.NewPCG(seed, 0)), manifests: map[string]*manifest{}, gone: map[string]bool{}}
	for pass := range passesPerSeed {
		w.say("pass %d", pass)
		if err := w.pass(pass); err != nil {
			t.Fatalf("SEED=%d: %v\nwhat was done:\n  %s", seed, err, strings.Join(w.done, "\n  "))
		}
	}
}

// world is a site with what Git holds, and all that was done to it so far.
type world struct {
	*site
	rand      *rand.Rand
	manifests map[string]*manifest // by Kind/name
	gone      map[string]bool      // left Git, and must be out of the cluster after the next pass
	touched   map[string]bool      // by hand, since the last pass
	done      []string
	next      int
}

// manifest is one object in Git: a ConfigMap with data, or a Deployment that scales.
type manifest struct {
	kind, name string
	data       map[string]string
	replicas   int
	label      string
}

func (m *manifest) key() string { return m.kind + "/" + m.name }

func (m *manifest) yaml() string {
	if m.kind == "ConfigMap" {
		data, _ := json.Marshal(m.data)
		return fmt.Sprintf("{apiVersion: v1, kind: ConfigMap, metadata: {name: %s, labels: {team: %s}}, data: %s}", m.name, m.label, data)
	}
	return fmt.Sprintf(`
apiVersion: apps/v1
kind: Deployment
metadata: {name: %[1]s, labels: {team: %[2]s}}
spec:
  replicas: %[3]d
  selector: {matchLabels: {app: %[1]s}}
  template:
    metadata: {labels: {app: %[1]s}}
    spec: {containers: [{name: web, image: "example.com/web:%[4]s", env: [{name: A, value: "%[5]s"}]}]}`,
		m.name, m.label, m.replicas, m.data["image"], m.data["env"])
}

func (w *world) say(format string, args ...any) {
	w.done = append(w.done, fmt.Sprintf(format, args...))
}

func (w *world) word() string { return []string{"red", "green", "blue", "black"}[w.rand.IntN(4)] }

// pass changes things, runs the plugin and compares.
func (w *world) pass(n int) error {
	w.touched = map[string]bool{}
	if n > 0 {
		for range 1 + w.rand.IntN(4) {
			if err := w.byHand(); err != nil {
				return err
			}
		}
	}
	if n == 0 || w.rand.IntN(3) > 0 {
		if err := w.inGit(n); err != nil {
			return err
		}
	}
	if err := w.succeed("the pass"); err != nil {
		return err
	}
	return errors.Join(w.equalsGit(), w.nothingLeft(), w.idle())
}

// inGit makes a commit that adds, changes, removes and renames.
func (w *world) inGit(n int) error {
	for range 2 + w.rand.IntN(3) {
		what := w.rand.IntN(6)
		if n == 0 {
			what = 0
		}
		switch what {
		case 0, 1:
			w.add()
		case 2:
			w.removeFromGit(w.pick())
		case 3:
			if m := w.pick(); m != nil && m.kind == "ConfigMap" { // renamed: another object, of the same content
				w.removeFromGit(m)
				moved := *m
				w.next++
				moved.name = fmt.Sprintf("%s-%d", "moved", w.next)
				w.manifests[moved.key()] = &moved
				w.say("Git renames %s to %s", m.key(), moved.name)
			}
		default:
			if m := w.pick(); m != nil {
				w.changeInGit(m)
			}
		}
	}
	for len(w.manifests) < 4 {
		w.add()
	}
	var texts []string
	for _, k := range slices.Sorted(maps.Keys(w.manifests)) {
		texts = append(texts, w.manifests[k].yaml())
	}
	w.rand.Shuffle(len(texts), func(i, j int) { texts[i], texts[j] = texts[j], texts[i] })
	return w.commit("random\n\nGitops-Allow-Deletions: 100", texts...)
}

func (w *world) add() {
	w.next++
	m := &manifest{kind: "ConfigMap", name: fmt.Sprintf("object-%d", w.next), label: w.word(),
		data: map[string]string{"a": w.word(), "b": w.word()}}
	if w.next%4 == 0 {
		m.kind, m.replicas = "Deployment", w.rand.IntN(3)
		m.data = map[string]string{"image": w.word(), "env": w.word()}
	}
	w.manifests[m.key()] = m
	w.say("Git adds %s", m.key())
}

func (w *world) changeInGit(m *manifest) {
	switch {
	case m.kind == "Deployment":
		m.replicas, m.data["env"] = w.rand.IntN(3), w.word()
	case w.rand.IntN(3) == 0 && len(m.data) > 1:
		delete(m.data, slices.Sorted(maps.Keys(m.data))[0])
	default:
		m.data[string(rune('a'+w.rand.IntN(4)))], m.label = w.word(), w.word()
	}
	w.say("Git changes %s: %s", m.key(), m.yaml())
}

// removeFromGit takes an object out of Git unless it was deleted and recreated by hand: then it is somebody else's.
func (w *world) removeFromGit(m *manifest) {
	if m == nil || w.touched[m.key()] {
		return
	}
	delete(w.manifests, m.key())
	w.gone[m.key()] = true
	w.say("Git removes %s", m.key())
}

func (w *world) pick() *manifest {
	if len(w.manifests) == 0 {
		return nil
	}
	keys := slices.Sorted(maps.Keys(w.manifests))
	return w.manifests[keys[w.rand.IntN(len(keys))]]
}

// nothingLeft checks that what left Git has left the cluster, unless somebody else has made it anew.
func (w *world) nothingLeft() error {
	var wrong []error
	for key := range w.gone {
		if _, back := w.manifests[key]; back {
			continue
		}
		kind, name, _ := strings.Cut(key, "/")
		live, err := w.kind(kind).Get(context.Background(), name, metav1.GetOptions{})
		if !apierrors.IsNotFound(err) && (err != nil || live.GetDeletionTimestamp() == nil) {
			wrong = append(wrong, fmt.Errorf("%s left Git, but is still there (%v)", key, err))
		}
	}
	return errors.Join(wrong...)
}

// byHand does to one live object what people and other tools do.
func (w *world) byHand() error {
	m := w.pick()
	if m == nil {
		return nil
	}
	manager := []string{"kubectl-edit", "helm", "gitops"}[w.rand.IntN(3)] // our name too: an Update is not our entry
	edits := handEdits(m.kind)
	edit := edits[w.rand.IntN(len(edits))]
	w.say("by hand, as %s: %s of %s", manager, edit.name, m.key())
	err := edit.do(w, m, manager)
	if apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
		w.say("  (%v)", err)
		return nil // deleted a moment ago
	}
	return err
}

type handEdit struct {
	name string
	do   func(w *world, m *manifest, manager string) error
}

func handEdits(kind string) []handEdit {
	edits := []handEdit{
		{"a label removed that makes it ours", func(w *world, m *manifest, by string) error {
			return w.patch(m, by, `{"metadata":{"labels":{"`+labelPartOf+`":null}}}`)
		}},
		{"a label of Git's changed and one added", func(w *world, m *manifest, by string) error {
			return w.patch(m, by, `{"metadata":{"labels":{"team":"`+w.word()+`","added":"`+w.word()+`"}}}`)
		}},
		{"all labels removed", func(w *world, m *manifest, by string) error {
			return w.patch(m, by, `{"metadata":{"labels":null}}`)
		}},
		{"managedFields wiped", func(w *world, m *manifest, by string) error {
			return w.patch(m, by, `{"metadata":{"managedFields":[{}]}}`)
		}},
		{"deletion", func(w *world, m *manifest, _ string) error { return w.deleteByHand(m) }},
		{"deletion and recreation with other content", func(w *world, m *manifest, by string) error {
			return w.recreateByHand(m, by)
		}},
	}
	if kind == "Deployment" {
		return append(edits, handEdit{"scale", func(w *world, m *manifest, by string) error {
			return w.patch(m, by, fmt.Sprintf(`{"spec":{"replicas":%d}}`, w.rand.IntN(4)), "scale")
		}}, handEdit{"another image", func(w *world, m *manifest, by string) error {
			return w.patch(m, by, `[{"op":"replace","path":"/spec/template/spec/containers/0/image","value":"example.com/hand:`+w.word()+`"}]`)
		}}, handEdit{"restart", func(w *world, m *manifest, by string) error {
			return w.patch(m, by, fmt.Sprintf(`{"spec":{"template":{"metadata":{"annotations":{"kubectl.kubernetes.io/restartedAt":"%d"}}}}}`, w.rand.IntN(1000)))
		}})
	}
	return append(edits, handEdit{"a value changed and a key added", func(w *world, m *manifest, by string) error {
		return w.patch(m, by, `{"data":{"a":"hand `+w.word()+`","hand":"`+w.word()+`"}}`)
	}}, handEdit{"a key removed", func(w *world, m *manifest, by string) error {
		return w.patch(m, by, `{"data":{"b":null}}`)
	}}, handEdit{"all data removed", func(w *world, m *manifest, by string) error {
		return w.patch(m, by, `{"data":null}`)
	}}, handEdit{"a value taken by force", func(w *world, m *manifest, by string) error {
		body := fmt.Sprintf(`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":%q},"data":{"a":"forced"}}`, m.name)
		yes := true
		_, err := w.kind(m.kind).Patch(context.Background(), m.name, types.ApplyPatchType, []byte(body),
			metav1.PatchOptions{FieldManager: by, Force: &yes})
		return err
	}})
}

func (w *world) patch(m *manifest, manager, body string, subresources ...string) error {
	kind := types.MergePatchType
	if body[0] == '[' {
		kind = types.JSONPatchType
	}
	_, err := w.kind(m.kind).Patch(context.Background(), m.name, kind, []byte(body), metav1.PatchOptions{FieldManager: manager}, subresources...)
	return err
}

func (w *world) deleteByHand(m *manifest) error {
	w.touched[m.key()] = true
	foreground := metav1.DeletePropagationBackground
	if err := w.kind(m.kind).Delete(context.Background(), m.name, metav1.DeleteOptions{PropagationPolicy: &foreground}); err != nil {
		return err
	}
	return eventually(func() error {
		_, err := w.kind(m.kind).Get(context.Background(), m.name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return nil
		}
		return fmt.Errorf("%s is still there (%v)", m.key(), err)
	})
}

func (w *world) recreateByHand(m *manifest, manager string) error {
	other := *m
	other.label, other.data = w.word(), maps.Clone(m.data)
	for k := range other.data {
		other.data[k] = w.word()
	}
	objects, err := parseObjects(other.yaml())
	if err != nil {
		return err
	}
	if err := w.deleteByHand(m); err != nil && !apierrors.IsNotFound(err) {
		return err
	}
	if w.rand.IntN(2) == 0 {
		id, err := w.id(context.Background())
		if err != nil {
			return err
		}
		labels := objects[0].GetLabels()
		labels[labelPartOf] = id
		objects[0].SetLabels(labels)
		w.say("  with our label")
	}
	_, err = w.kind(m.kind).Create(context.Background(), objects[0], metav1.CreateOptions{FieldManager: manager})
	return err
}
