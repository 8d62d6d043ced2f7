package plan

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/app"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/desired"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/generated"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
)

// Hooks are the hooks of an app in one run, and whether they run.
type Hooks struct {
	List    []*desired.Object // hooks of the app
	Release string            // keyed hash of all manifests of the app: hooks run once for each
	Due     record.HookCause  // what they are to run for, "" when they are not
	New     bool              // no run before this one has recorded that they are due
	Keep    []byte            // for the removal of the app, as the record keeps them; nil when the app was not rendered
}

// AreDue reports whether hooks run.
func (h *Hooks) AreDue() bool { return h.Due != "" }

// RemovalGoesOn reports whether an earlier run has begun to remove the app, with its hooks. The deletion budget was checked
// then.
func (h *Hooks) RemovalGoesOn() bool { return h.Due == record.HooksDelete && !h.New }

// AreKept reports whether the record already keeps the hooks for the removal.
func (h *Hooks) AreKept(rec *record.Record) bool {
	return h.Keep == nil || bytes.Equal(h.Keep, rec.Kept)
}

// ForCommit decides whether the hooks of a commit run: they do unless all of them have run for the same manifests of the
// app, hooks included. What an older version of this tool applied counts as run, and is noted in rec.
func (h *Hooks) ForCommit(rec *record.Record, objects []*desired.Object, commit string) {
	if len(h.List) == 0 && rec.Hooks.Release == "" && len(rec.Runs) == 0 && rec.Due == "" {
		return
	}
	h.Release = releaseHash(rec, objects, h.List)
	applied := rec.Revision.Commit
	if rec.Rebuilt && rec.Report != nil {
		applied = rec.Report.Revision.Commit
	}
	switch {
	case rec.Hooks.Release == h.Release && rec.Due == "", rec.Hooks.Release == "" && applied == commit && rec.Due == "":
		rec.NoteRelease(h.Release)
	case rec.Due == "" && applied == "" && !rec.Rebuilt:
		h.New, h.Due = true, record.HooksInstall
	case rec.Due == "":
		h.New, h.Due = true, record.HooksUpgrade
	case rec.Due == record.HooksDelete && rec.Len() == 0: // it was about to be removed, and is back
		h.New, h.Due = true, record.HooksInstall
	case rec.Due == record.HooksDelete:
		h.New, h.Due = true, record.HooksUpgrade
	default:
		h.Due = rec.Due
	}
}

// ForRemoval takes the hooks that the record keeps for the removal. It fails for a hook that the app may not contain.
func (h *Hooks) ForRemoval(rec *record.Record, allow app.Allow) error {
	hooks, err := KeptHooks(rec)
	if err != nil {
		return hint.With(err, "put the app back into gitops.yaml: the next run records its hooks anew")
	}
	if len(hooks) == 0 {
		return nil
	}
	for _, o := range hooks {
		if why, advice := allow.Refuses(o.Ref); why != "" {
			return hint.Errorf(fmt.Sprintf("hook %s: %s", NameGiven(o), why), "%s", advice)
		}
	}
	h.List, h.Release = hooks, rec.Hash(rec.Kept)
	h.New, h.Due = rec.Due != record.HooksDelete, record.HooksDelete
	return nil
}

// releaseHash is a keyed hash of all manifests of the app.
func releaseHash(rec *record.Record, lists ...[]*desired.Object) string {
	var lines []string
	for _, list := range lists {
		for _, o := range list {
			lines = append(lines, o.ID()+" "+o.Manifest.GetGenerateName()+" "+rec.Hash(o.Stable()))
		}
	}
	slices.Sort(lines)
	return rec.Hash([]byte(strings.Join(lines, "\n")))
}

// KeptHooks returns the hooks that a record keeps for the removal of its app. The error says that they cannot be decoded.
func KeptHooks(rec *record.Record) ([]*desired.Object, error) {
	if rec == nil || rec.Inventory == nil {
		return nil, nil
	}
	kept, err := rec.KeptHooks()
	if err != nil {
		return nil, err
	}
	var hooks []*desired.Object
	for _, k := range kept {
		o := &desired.Object{Ref: k.Object, Manifest: &unstructured.Unstructured{}, Body: k.Manifest}
		err := o.Manifest.UnmarshalJSON(k.Manifest)
		if err == nil {
			o.Hook, err = desired.ParseHook(o.Manifest.GetAnnotations())
		}
		if err == nil && o.Hook == nil {
			err = errors.New("it is none")
		}
		if err == nil {
			err = checkKept(o)
		}
		if err != nil {
			return nil, fmt.Errorf("hook %s: %w", k.Object, err)
		}
		hooks = append(hooks, o)
	}
	return hooks, nil
}

// KeptBody returns the manifest of a hook as a record is to keep it: with the generated values that it keeps already, so that it stays
// as it is.
func KeptBody(rec *record.Record, o *desired.Object) ([]byte, error) {
	if len(o.Generated) == 0 {
		return o.Body, nil
	}
	before, err := KeptHooks(rec)
	i := slices.IndexFunc(before, func(b *desired.Object) bool { return b.Ref == o.Ref })
	if err != nil || i < 0 {
		return o.Body, nil // the hooks in the record are replaced
	}
	m := o.Manifest.DeepCopy()
	generated.Fill(m.Object, before[i].Manifest.Object, o.Generated)
	return json.Marshal(m.Object)
}

// checkKept returns an error when what a record says of a hook is not what its manifest says: one is looked at to see whether
// the app may contain it, and the other is sent.
func checkKept(o *desired.Object) error {
	ref, gvk := o.Ref, o.Manifest.GroupVersionKind()
	if ref.Name == "" {
		ref.Name = o.Manifest.GetGenerateName() + "x"
	}
	if gvk != o.GVK() || o.Manifest.GetName() != o.Name || o.Manifest.GetNamespace() != o.Namespace {
		return errors.New("its manifest is about another object")
	}
	return ref.Check()
}

// NameGiven returns the name of a hook in Git: with generateName, only the beginning of the name of its object.
func NameGiven(o *desired.Object) object.Ref {
	ref := o.Ref
	ref.Name = desired.HookName(o)
	return ref
}
