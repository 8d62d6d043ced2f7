package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
)

// oracleFor is how long TestVerdictsEqualTheOracle lasts, unless SOAK says something else.
const oracleFor = 35 * time.Second

// TestVerdictsEqualTheOracle lets people and other tools change things at random. After each step, what a pass makes
// of the metadata, and what status makes of the values, equals what a slow oracle finds, which asks the server by a dry
// run what applying each object of Git would change. SEED=n repeats one sequence.
func TestVerdictsEqualTheOracle(t *testing.T) {
	t.Parallel()
	length := oracleFor
	if text := os.Getenv("SOAK"); text != "" {
		var err error
		if length, err = time.ParseDuration(text); err != nil {
			t.Fatalf("SOAK: %v", err)
		}
	}
	seed, once := uint64(1), false
	if text := os.Getenv("SEED"); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatalf("SEED: %v", err)
		}
		once = true
	}
	steps, drifted := 0, 0
	for end := time.Now().Add(length); time.Now().Before(end); seed++ {
		s, d := oracleSeed(t, seed, end)
		if steps, drifted = steps+s, drifted+d; once {
			break
		}
	}
	t.Logf("%d steps, %d verdicts of drift", steps, drifted)
	if steps > 20 && drifted == 0 {
		t.Error("nothing ever drifted")
	}
}

func oracleSeed(t *testing.T, seed uint64, end time.Time) (steps, drifted int) {
	s, err := newSite(t, "oracle")
	if err != nil {
		t.Fatal(err)
	}
	defer s.stop()
	w := &world{site: s, rand: rand.New(rand.NewPCG(seed, 1)), manifests: map[string]*manifest{}, gone: map[string]bool{}}
	for round := 0; round < passesPerSeed && (round == 0 || time.Now().Before(end)); round++ {
		w.say("round %d", round)
		w.touched = map[string]bool{}
		err := w.inGit(round)
		if err == nil {
			err = w.succeed("the pass")
		}
		for range 5 {
			if err == nil {
				err = w.byHand()
			}
			var n int
			if err == nil {
				n, err = w.compare()
			}
			steps, drifted = steps+1, drifted+n
		}
		if err != nil {
			t.Fatalf("SEED=%d: %v\nwhat was done:\n  %s", seed, err, strings.Join(w.done, "\n  "))
		}
	}
	return steps, drifted
}

// finding is what one object was found to be: its content is another than Git's, or only our ownership of it is.
type finding struct{ content, ownership bool }

func (f finding) drift() bool { return f.content || f.ownership }

// compare lets the oracle, a pass and status judge each object, and returns how many have drifted.
func (w *world) compare() (drifted int, err error) {
	truth, err := w.oracle()
	if err != nil {
		return 0, err
	}
	applied, told, err := w.dryRun()
	if err != nil {
		return 0, err
	}
	status, err := w.drifted()
	if err != nil {
		return 0, err
	}
	var wrong []error
	for name, f := range truth {
		if f.drift() {
			drifted++
		}
		if applied[name] != f.drift() {
			wrong = append(wrong, fmt.Errorf("%s: the fast path says drifted=%t, the oracle %+v", name, applied[name], f))
		}
		if told[name] != f.content {
			wrong = append(wrong, fmt.Errorf("%s: the dry run tells a change=%t, the oracle %+v", name, told[name], f))
		}
		if status[name] != f.drift() {
			wrong = append(wrong, fmt.Errorf("%s: status says drifted=%t, the oracle %+v", name, status[name], f))
		}
	}
	return drifted, errors.Join(wrong...)
}

// oracle asks the server what applying each object of Git would change.
func (w *world) oracle() (map[string]finding, error) {
	ctx := context.Background()
	id, err := w.id(ctx)
	if err != nil {
		return nil, err
	}
	yes, out := true, map[string]finding{}
	for _, d := range w.desired {
		name := d.GetKind() + "/" + d.GetName()
		before, err := w.kind(d.GetKind()).Get(ctx, d.GetName(), metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			out[name] = finding{content: true, ownership: true}
			continue
		}
		if err != nil {
			return nil, err
		}
		sent := d.DeepCopy()
		labels := sent.GetLabels()
		if labels == nil {
			labels = map[string]string{}
		}
		labels[labelPartOf] = id
		sent.SetLabels(labels)
		after, err := w.kind(d.GetKind()).Patch(ctx, d.GetName(), types.ApplyPatchType, []byte(jsonOf(sent.Object)),
			metav1.PatchOptions{FieldManager: "gitops", Force: &yes, DryRun: []string{metav1.DryRunAll}})
		if err != nil {
			return nil, err
		}
		out[name] = finding{content: content(before) != content(after), ownership: ourEntry(before) != ourEntry(after)}
	}
	return out, nil
}

// content is an object without status and what the server keeps about it.
func content(u *unstructured.Unstructured) string {
	c := u.DeepCopy()
	delete(c.Object, "status")
	for _, f := range []string{"managedFields", "resourceVersion", "generation"} {
		unstructured.RemoveNestedField(c.Object, "metadata", f)
	}
	return jsonOf(c.Object)
}

// ourEntry is the set of fields that we have applied.
func ourEntry(u *unstructured.Unstructured) string {
	for _, e := range u.GetManagedFields() {
		if e.Manager == "gitops" && e.Operation == metav1.ManagedFieldsOperationApply && e.Subresource == "" {
			var fields any
			_ = json.Unmarshal(e.FieldsV1.GetRawBytes(), &fields) // the server's own JSON
			return jsonOf(fields)
		}
	}
	return ""
}

// dryRun tells which objects a pass would apply, since it takes them for drifted, and which it says would change.
func (w *world) dryRun() (applied, told map[string]bool, err error) {
	w.proxy.Reset()
	r := w.plugin(append(w.reconcileArgs(), "--dry-run=server", "-o", "json")...)
	var report struct {
		Apps []struct {
			Changes []struct{ Object, Action string }
		}
	}
	if err := json.Unmarshal([]byte(r.stdout), &report); r.code != 0 || err != nil || len(report.Apps) != 1 {
		return nil, nil, fmt.Errorf("dry run: %s (%v)", r, err)
	}
	applied, told = map[string]bool{}, map[string]bool{}
	kinds := map[string]string{}
	for kind, r := range w.resources() {
		kinds[r.Resource] = kind
	}
	for _, r := range w.proxy.Requests() {
		if r.Write() && !r.DryRun() {
			return nil, nil, fmt.Errorf("a dry run wrote: %s", r)
		}
		if r.Apply {
			applied[kinds[r.Resource]+"/"+r.Name] = true
		}
	}
	for _, c := range report.Apps[0].Changes {
		told[kindAndName(c.Object)] = true
	}
	return applied, told, nil
}

// drifted tells which objects status calls drifted.
func (w *world) drifted() (map[string]bool, error) {
	r := w.plugin("status", "app", "-o", "json")
	var list struct {
		Items []struct {
			Resources []struct{ Object, Sync string }
		}
	}
	if err := json.Unmarshal([]byte(r.stdout), &list); r.code != 0 || err != nil || len(list.Items) != 1 {
		return nil, fmt.Errorf("status: %s (%v)", r, err)
	}
	out := map[string]bool{}
	for _, o := range list.Items[0].Resources {
		out[kindAndName(o.Object)] = o.Sync == "Drifted"
	}
	return out, nil
}

// kindAndName shortens apps/Deployment/shop/web to Deployment/web.
func kindAndName(object string) string {
	parts := strings.Split(object, "/")
	return parts[len(parts)-3] + "/" + parts[len(parts)-1]
}
