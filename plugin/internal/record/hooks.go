package record

import (
	"slices"

	"k8s.io/apimachinery/pkg/types"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// Hooks is what the record knows of hooks. Their objects have no rows: they are not compared with Git and not applied,
// they run once for each change of the app's manifests.
type Hooks struct {
	Runs    []HookRun `json:"hooks,omitempty"`    // the last run of each hook
	Release string    `json:"release,omitempty"`  // keyed hash of the manifests whose hooks have all run
	Due     HookCause `json:"hooksDue,omitempty"` // hooks of newer manifests, or those of a removal, have not all run yet
	Kept    []byte    `json:"kept,omitempty"`     // hooks that run when the app is removed, see PackHooks
}

// HookCause says for what hooks run.
type HookCause string

// The causes: the first time an app is applied, every later one, and its removal.
const (
	HooksInstall HookCause = "install"
	HooksUpgrade HookCause = "upgrade"
	HooksDelete  HookCause = "delete"
)

// SetDue notes what hooks are due for. When a removal is given up, what has run so far counts no longer: the next
// removal runs it again, and so does the app that is back.
func (h *Hooks) SetDue(cause HookCause) {
	if h.Due == HooksDelete && cause != HooksDelete {
		for i := range h.Runs {
			h.Runs[i].Release = ""
		}
	}
	h.Due = cause
}

// ForeseeDue notes in a dry run what hooks would be due for. What has run so far counts as before.
func (h *Hooks) ForeseeDue(cause HookCause) { h.Due = cause }

// Keep notes the hooks of the removal of the app, as PackHooks packs them.
func (h *Hooks) Keep(packed []byte) { h.Kept = packed }

// Finished notes that the hooks of the manifests with the keyed hash release have all run.
func (h *Hooks) Finished(release string) { h.Due, h.Release = "", release }

// NoteRelease notes the manifests whose hooks count as run, "" for none. Hooks that are due stay due.
func (h *Hooks) NoteRelease(release string) { h.Release = release }

// EndRemoval notes that the hooks of the removal have run, or must never run: the record keeps none any more.
func (h *Hooks) EndRemoval() { h.Kept, h.Due = nil, "" }

// HookRun is the last run of one hook in one phase. Name is that of the manifest, or its generateName; the object's own
// name is Ref's. Result is empty while it runs.
type HookRun struct {
	Phase    string        `json:"phase"`
	Name     string        `json:"name"`
	Ref      object.Ref    `json:"object"`
	UID      types.UID     `json:"uid,omitempty"`
	Manifest string        `json:"manifest"` // keyed hash of the manifest
	Release  string        `json:"release"`  // keyed hash of all manifests of the app
	Commit   string        `json:"commit"`
	Mark     string        `json:"mark"` // on the object: tells this run from others of the same name
	Attempt  int           `json:"attempt,omitempty"`
	Result   report.Result `json:"result,omitempty"`
	Message  string        `json:"message,omitempty"`
	Gone     bool          `json:"gone,omitempty"` // its object was deleted, as its policy asks
}

// Run returns the last run of a hook, nil when there is none.
func (h *Hooks) Run(phase string, ref object.Ref, name string) *HookRun {
	for i := range h.Runs {
		if r := &h.Runs[i]; r.Phase == phase && r.Name == name && r.Ref.Group == ref.Group && r.Ref.Kind.Kind == ref.Kind.Kind &&
			r.Ref.Namespace == ref.Namespace {
			return r
		}
	}
	return nil
}

// Begin records a new run in place of the last one of the same hook.
func (h *Hooks) Begin(run HookRun) *HookRun {
	if old := h.Run(run.Phase, run.Ref, run.Name); old != nil {
		*old = run
		return old
	}
	h.Runs = append(h.Runs, run)
	return &h.Runs[len(h.Runs)-1]
}

// Forget drops the runs that gone selects.
func (h *Hooks) Forget(gone func(HookRun) bool) {
	h.Runs = slices.DeleteFunc(h.Runs, gone)
}

// Created notes the uid of the object of a run.
func (r *HookRun) Created(uid types.UID) { r.UID = uid }

// Ended notes how a run ended. The message says why it failed.
func (r *HookRun) Ended(result report.Result, message string) { r.Result, r.Message = result, message }

// Dropped notes that the object of a run was deleted, as its policy asks.
func (r *HookRun) Dropped() { r.Gone = true }
