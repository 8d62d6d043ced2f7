package apply

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/fields"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/plan"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
)

// maxTrials bounds how many dry runs look for the fewest fields that have to go.
const maxTrials = 30

// trial asks by dry runs what happens to one live object without some of its fields.
type trial struct {
	*Applier
	step *plan.Step
	live *unstructured.Unstructured

	applied bool // live is what our first apply returned
	asks    int
}

func (t *trial) leftovers() ([]fields.Leftover, error) {
	who := t.parties(t.step)
	who.Applied = t.applied
	return fields.Leftovers(t.live, t.step.Manifest, who)
}

// must returns the fields that are removed whatever the server says: those that replaced list items of ours and, if the
// object asks to be replaced, all that people and former tools added. An item of ours counts as replaced only if all that
// Git says was applied before, or if our apply is the first.
func (t *trial) must() ([]fields.Leftover, error) {
	s := t.step
	missing := !s.Changed && s.Live != nil || firstTime(s)
	if t.live == nil || !s.Policy.Replace && !missing {
		return nil, nil
	}
	all, err := t.leftovers()
	return slices.DeleteFunc(all, func(l fields.Leftover) bool {
		return !(l.Instead && missing) && !(s.Policy.Replace && (l.By != nil || l.OpenMap()))
	}), err
}

// suspects returns the fields that may explain a refusal, besides those in must.
func (t *trial) suspects(must []fields.Leftover, refused error) ([]fields.Leftover, error) {
	all, err := t.leftovers()
	if err != nil {
		return nil, err
	}
	why, _ := refusalOf(refused)
	return slices.DeleteFunc(why.suspects(all), func(l fields.Leftover) bool {
		return slices.ContainsFunc(must, func(m fields.Leftover) bool { return m.Path == l.Path })
	}), nil
}

// fewest looks for a smaller part of the suspects that is enough.
func (t *trial) fewest(ctx context.Context, w written, must, suspects []fields.Leftover) written {
	if len(suspects) == 0 || len(must)+len(suspects) == 1 {
		return w
	}
	enough := func(part []fields.Leftover) bool {
		after, err := t.without(ctx, slices.Concat(must, part))
		return err == nil && after != nil
	}
	drop := must
	if len(must) == 0 || !enough(nil) {
		drop = slices.Concat(must, fewest(suspects, enough))
	}
	if after, err := t.without(ctx, drop); err == nil && after != nil {
		w.after, w.dropped = after, drop
	}
	return w
}

// without asks by a dry run for the object as Git says and without the given fields. It returns nil once maxTrials is
// reached.
func (t *trial) without(ctx context.Context, drop []fields.Leftover) (*unstructured.Unstructured, error) {
	if t.asks++; t.asks > maxTrials {
		return nil, nil
	}
	entries, err := fields.Claim(t.live, record.Manager, t.step.Manifest.GetAPIVersion(), t.Now(), drop)
	if err != nil {
		return nil, err
	}
	want, err := fields.AsGit(t.live, t.step.Manifest, t.parties(t.step), drop)
	if err != nil {
		return nil, err
	}
	want.SetManagedFields(entries)
	raw, err := json.Marshal(patchTo(t.live, want))
	if err != nil {
		return nil, err
	}
	after, err := t.Client.TryPatchJSON(ctx, t.step.Ref, raw, record.Manager)
	if err != nil {
		return nil, err
	}
	return fields.AsApplied(after, t.step.Manifest, record.Manager)
}

// take makes us the owner of the given fields, which changes no value and fails if anybody wrote the object meanwhile, and
// then applies. The server removes what its owner stops sending, in the same write that sets Git's fields.
func (t *trial) take(ctx context.Context, drop []fields.Leftover) (*unstructured.Unstructured, error) {
	entries, err := fields.Claim(t.live, record.Manager, t.step.Manifest.GetAPIVersion(), t.Now(), drop)
	if err != nil {
		return nil, err
	}
	claimed, err := t.setManagedFields(ctx, t.live.GetResourceVersion(), entries)
	if err != nil {
		return nil, err
	}
	step := *t.step
	if step.Version != "" {
		step.Version = claimed.GetResourceVersion()
	}
	after, _, err := t.send(ctx, &step, t.live.GetUID())
	if err != nil { // give the fields back, unless somebody wrote the object meanwhile
		_, _ = t.setManagedFields(ctx, claimed.GetResourceVersion(), t.live.GetManagedFields())
	}
	return after, err
}

func (t *trial) setManagedFields(ctx context.Context, version string, entries any) (*unstructured.Unstructured, error) {
	raw, err := json.Marshal([]map[string]any{
		{"op": "replace", "path": "/metadata/resourceVersion", "value": version},
		{"op": "replace", "path": "/metadata/managedFields", "value": entries}})
	if err != nil {
		return nil, err
	}
	return t.Client.PatchJSON(ctx, t.step.Ref, raw, record.Manager)
}

// blame adds a hint to a refusal: who set fields in the same place that we must not remove.
func (t *trial) blame(refused error) error {
	why, ok := refusalOf(refused)
	if !ok {
		return refused
	}
	kept, err := fields.Kept(t.live, t.step.Manifest, t.parties(t.step))
	if err != nil {
		return refused
	}
	for _, l := range kept {
		if why.near(l) {
			return hint.With(refused, "correct the manifest at %s, or take away what %s set beside it: %s", t.step.Origin, l.By.Manager, l.Path)
		}
	}
	return refused
}

// patchTo returns the JSON patch from live to want. It fails when anybody wrote the object since live was read.
func patchTo(live, want *unstructured.Unstructured) []map[string]any {
	patch := []map[string]any{{"op": "replace", "path": "/metadata/resourceVersion", "value": live.GetResourceVersion()}}
	compare := func(at string, have, want map[string]any, leave ...string) {
		for _, name := range slices.Sorted(maps.Keys(want)) {
			if !slices.Contains(leave, name) && jsonOf(have[name]) != jsonOf(want[name]) {
				patch = append(patch, map[string]any{"op": "add", "path": at + name, "value": want[name]})
			}
		}
		for _, name := range slices.Sorted(maps.Keys(have)) {
			if _, stays := want[name]; !stays && !slices.Contains(leave, name) {
				patch = append(patch, map[string]any{"op": "remove", "path": at + name})
			}
		}
	}
	have, _ := live.Object["metadata"].(map[string]any)
	meta, _ := want.Object["metadata"].(map[string]any)
	compare("/metadata/", have, meta, "resourceVersion", "uid", "generation")
	compare("/", live.Object, want.Object, "apiVersion", "kind", "metadata", "status")
	return patch
}

// shortened drops the beginning of a path that nearly all fields share.
func shortened(path string) string {
	return strings.TrimPrefix(strings.TrimPrefix(path, "spec."), "template.spec.")
}

// madeWay returns the note on the fields that were removed because the server refuses Git's fields beside them, and who had
// set them.
func madeWay(dropped []fields.Leftover) string {
	const most = 3
	var texts []string
	for _, l := range dropped[:min(len(dropped), most)] {
		whose := "a default"
		if l.By != nil {
			whose = "set by " + l.By.Manager
		}
		texts = append(texts, fmt.Sprintf("%s (%s)", shortened(l.Path), whose))
	}
	if more := len(dropped) - most; more > 0 {
		texts = append(texts, fmt.Sprintf("and %d more", more))
	}
	return "removed what the API server does not accept beside Git's fields: " + strings.Join(texts, ", ")
}
