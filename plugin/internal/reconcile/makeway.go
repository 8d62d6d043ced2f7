package reconcile

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/fields"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
)

// maxTrials bounds how many dry runs look for the fewest fields that have to go.
const maxTrials = 30

// written is what came of one write.
type written struct {
	after   *unstructured.Unstructured
	created bool
	before  *unstructured.Unstructured // where the object had to be read
	dropped []fields.Leftover          // what went besides what Git says
	refused bool                       // it went because the server refuses Git's fields beside it
}

// write sends one object the way it asks for. before is the live object, nil where it was not read.
//
// Server-side apply leaves what others set beside Git's fields. That is right for additions. It is not for what took the
// place of a field of Git's: an item whose key a person changed, or the other of two alternatives, which makes the server
// refuse the apply. Such parts go, if they are people's, a former tool's or a default. What controllers set stays.
func (p *pass) write(ctx context.Context, s *step, before *unstructured.Unstructured) (written, error) {
	if s.policy.replace && s.policy.recreate && s.live != nil && !p.opts.DryRun {
		after, created, err := p.recreate(ctx, s)
		return written{after: after, created: created}, err
	}
	if s.live != nil {
		before = s.live
	}
	must, live, err := p.replacing(ctx, s, before)
	if err != nil {
		return written{}, err
	}
	if len(must) > 0 {
		w, err := p.makeWay(ctx, s, live, must, nil)
		if err == nil || s.policy.replace || !apierrors.IsInvalid(err) && !apierrors.IsNotFound(err) {
			return w, err
		} // what is needed elsewhere stays
	}
	after, created, err := p.send(ctx, s, uidOf(s.live))
	w := written{after: after, created: created, before: live}
	switch {
	case err != nil:
		return p.makeWay(ctx, s, live, nil, err)
	case !created && live == nil && firstTime(s) && !p.opts.DryRun:
		return p.inPlace(ctx, s, w)
	}
	return w, nil
}

// inPlace takes list items of its former owner off an object that was taken over without having been read, where they
// stand in the place of Git's.
func (p *pass) inPlace(ctx context.Context, s *step, w written) (written, error) {
	who := p.parties(s)
	who.Applied = true
	must, err := fields.Leftovers(w.after, s.manifest, who)
	must = slices.DeleteFunc(must, func(l fields.Leftover) bool { return !l.Instead })
	if err != nil || len(must) == 0 {
		return w, err
	}
	less, err := p.makeWay(ctx, s, w.after, must, nil)
	if apierrors.IsInvalid(err) || apierrors.IsNotFound(err) {
		return w, nil
	}
	less.before = nil // it has Git's fields already
	return less, err
}

// replacing lists what a write takes away whatever the server says of it: what took the place of list items of ours, or
// all that people and former tools added, if the object asks to be replaced.
func (p *pass) replacing(ctx context.Context, s *step, live *unstructured.Unstructured) ([]fields.Leftover, *unstructured.Unstructured, error) {
	if s.policy.replace && live == nil {
		u, err := p.Cluster.Get(ctx, s.Ref)
		if err != nil {
			return nil, nil, ignoreNotFound(err)
		}
		live = u
	}
	if live == nil || !s.policy.replace && !p.isDrift(s) {
		return nil, live, nil
	}
	all, err := fields.Leftovers(live, s.manifest, p.parties(s))
	if err != nil {
		return nil, live, err
	}
	return slices.DeleteFunc(all, func(l fields.Leftover) bool {
		return !l.Instead && !(s.policy.replace && (l.By != nil || l.OpenMap()))
	}), live, nil
}

func ignoreNotFound(err error) error {
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

// isDrift tells whether all that Git says of an object was there once: what is missing was taken away. Of an object that
// is taken over the same is assumed.
func (p *pass) isDrift(s *step) bool { return !s.changed && s.live != nil || firstTime(s) }

// firstTime tells whether an object, if there is one, was never applied by us.
func firstTime(s *step) bool { return s.row == nil || s.row.UID == "" || s.verdict == replaced }

// parties says whose fields may go from an object.
func (p *pass) parties(s *step) fields.Parties {
	return fields.Parties{Ours: record.Manager, Former: formerManagers(), LeftTo: append(slices.Clone(s.managers), keeper),
		LeftAt: s.released, Yields: s.policy.yield, LikeOurs: p.app.ForeignFields == ForeignKeep || s.told != "",
		Known: s.wasTold, LikeEdits: firstTime(s)}
}

// makeWay writes an object without what is in the way of Git's fields: must, and what explains the refusal of an apply, as
// far as dry runs prove that it does. A refusal that nothing explains is returned as it is.
func (p *pass) makeWay(ctx context.Context, s *step, live *unstructured.Unstructured, must []fields.Leftover, refused error) (written, error) {
	if _, helps := refusalOf(refused); refused != nil && !helps {
		return written{}, refused
	}
	const tries = 5 // a controller that reports status is enough for a conflict
	var err error
	for range tries {
		if live == nil {
			if live, err = p.Cluster.Get(ctx, s.Ref); err != nil {
				return written{}, cmp.Or(refused, err)
			}
			if refused == nil {
				if must, live, err = p.replacing(ctx, s, live); err != nil {
					return written{}, err
				}
				if len(must) == 0 { // somebody else took them away
					after, created, err := p.send(ctx, s, uidOf(s.live))
					return written{after: after, created: created, before: live}, err
				}
			}
		}
		w, err := p.clear(ctx, &trial{pass: p, step: s, live: live}, must, refused)
		if !wroteMeanwhile(err) {
			return w, err
		}
		live = nil
	}
	return written{}, cmp.Or(refused, fmt.Errorf("%s is written by others all the time", s.Ref))
}

// clear makes way on one live object. A conflict means that somebody wrote it meanwhile.
func (p *pass) clear(ctx context.Context, t *trial, must []fields.Leftover, refused error) (written, error) {
	drop, err := must, error(nil)
	var suspects []fields.Leftover
	if refused != nil {
		if suspects, err = t.suspects(must, refused); err != nil {
			return written{}, err
		}
		if len(suspects) == 0 {
			return written{}, t.blame(refused)
		}
		drop = slices.Concat(must, suspects)
	}
	w := written{before: t.live, dropped: drop, refused: refused != nil}
	w.after, err = t.without(ctx, drop)
	switch {
	case wroteMeanwhile(err):
		return w, err
	case err != nil && refused == nil:
		if _, helps := refusalOf(err); helps && len(must) > 0 {
			return p.clear(ctx, t, must, err)
		}
		return w, err
	case err != nil:
		return w, t.blame(refused)
	}
	if len(suspects) > 1 {
		fewer := fewest(suspects, func(part []fields.Leftover) bool {
			after, err := t.without(ctx, slices.Concat(must, part))
			return err == nil && after != nil
		})
		if after, err := t.without(ctx, slices.Concat(must, fewer)); err == nil && after != nil {
			w.after, w.dropped = after, slices.Concat(must, fewer)
		}
	}
	if p.opts.DryRun {
		return w, nil
	}
	w.after, err = t.take(ctx, w.dropped)
	return w, err
}

// wroteMeanwhile tells that somebody else wrote the object since it was read.
func wroteMeanwhile(err error) bool { return apierrors.IsConflict(err) && !ownedByOthers(err) }

// trial is one live object and what happens to it without some of its parts.
type trial struct {
	*pass
	step *step
	live *unstructured.Unstructured
	asks int
}

// suspects lists what may explain a refusal, besides what goes anyway.
func (t *trial) suspects(must []fields.Leftover, refused error) ([]fields.Leftover, error) {
	all, err := fields.Leftovers(t.live, t.step.manifest, t.parties(t.step))
	if err != nil {
		return nil, err
	}
	why, _ := refusalOf(refused)
	return slices.DeleteFunc(why.suspects(all), func(l fields.Leftover) bool {
		return slices.ContainsFunc(must, func(m fields.Leftover) bool { return m.Path == l.Path })
	}), nil
}

// without asks in a dry run for the object as Git says and without the parts. It returns nil when it has asked too often.
func (t *trial) without(ctx context.Context, drop []fields.Leftover) (*unstructured.Unstructured, error) {
	if t.asks++; t.asks > maxTrials {
		return nil, nil
	}
	entries, err := fields.Claim(t.live, record.Manager, t.step.manifest.GetAPIVersion(), t.Now(), drop)
	if err != nil {
		return nil, err
	}
	want, err := fields.AsGit(t.live, t.step.manifest, t.parties(t.step), drop)
	if err != nil {
		return nil, err
	}
	want.SetManagedFields(entries)
	raw, err := json.Marshal(patchTo(t.live, want))
	if err != nil {
		return nil, err
	}
	after, err := t.Cluster.TryPatchJSON(ctx, t.step.Ref, raw, record.Manager)
	if err != nil {
		return nil, err
	}
	return fields.AsApplied(after, t.step.manifest, record.Manager)
}

// take makes the parts ours, which changes no value and fails if anybody wrote the object meanwhile, and applies: the server
// takes away what its owner does not send any more in the same write that sets Git's fields.
func (t *trial) take(ctx context.Context, drop []fields.Leftover) (*unstructured.Unstructured, error) {
	entries, err := fields.Claim(t.live, record.Manager, t.step.manifest.GetAPIVersion(), t.Now(), drop)
	if err != nil {
		return nil, err
	}
	claimed, err := t.setManagedFields(ctx, t.live.GetResourceVersion(), entries)
	if err != nil {
		return nil, err
	}
	after, _, err := t.send(ctx, t.step, t.live.GetUID())
	if err != nil { // the parts are theirs again, unless somebody was faster
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
	return t.Cluster.PatchJSON(ctx, t.step.Ref, raw, record.Manager)
}

// blame adds to a refusal who set fields in the same place that have to stay.
func (t *trial) blame(refused error) error {
	why, _ := refusalOf(refused)
	kept, err := fields.Kept(t.live, t.step.manifest, t.parties(t.step))
	if err != nil {
		return refused
	}
	for _, l := range kept {
		if why.near(l) {
			return hint.With(refused, "correct the manifest at %s, or take away what %s set beside it: %s", t.step.origin, l.By.Manager, l.Path)
		}
	}
	return refused
}

// patchTo is the JSON patch that makes want of live, and fails if anybody wrote it meanwhile.
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

// madeWay says what went because the server refuses Git's fields beside it, and whose it was.
func madeWay(dropped []fields.Leftover) string {
	const most = 3
	var texts []string
	for _, l := range dropped[:min(len(dropped), most)] {
		whose := "a default"
		if l.By != nil {
			whose = "set by " + l.By.Manager
		}
		texts = append(texts, fmt.Sprintf("%s (%s)", strings.TrimPrefix(l.Path, "spec."), whose))
	}
	if more := len(dropped) - most; more > 0 {
		texts = append(texts, fmt.Sprintf("and %d more", more))
	}
	return "removed what the API server does not accept beside Git's fields: " + strings.Join(texts, ", ")
}
