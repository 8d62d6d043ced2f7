package wait

import (
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/desired"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/health"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
)

// Tracker keeps the last known state of the objects of one app and judges their health. One goroutine at a time may use it.
type Tracker struct {
	Refs  map[object.Key]cluster.Ref                // all desired objects
	After map[object.Key]*unstructured.Unstructured // their last known state; nil for an object that is gone
	Rules *health.Rules                             // health rules of the app

	AssumedHealthy map[object.Key]bool                       // the last run recorded the object as healthy, and it did not change since
	knownHealthy   map[object.Key]*unstructured.Unstructured // the state in which the object was found healthy
}

// NewTracker returns a Tracker that knows no object. The caller sets Rules.
func NewTracker() *Tracker {
	return &Tracker{Refs: map[object.Key]cluster.Ref{}, After: map[object.Key]*unstructured.Unstructured{},
		AssumedHealthy: map[object.Key]bool{}, knownHealthy: map[object.Key]*unstructured.Unstructured{}}
}

// Unhealthy lists the objects at keys that are neither Healthy, Suspended nor assumed healthy, Degraded ones first.
func (t *Tracker) Unhealthy(keys []object.Key) []Unhealthy {
	var out []Unhealthy
	for _, k := range keys {
		if t.AssumedHealthy[k] {
			continue
		}
		h, message := t.HealthOf(k)
		if h == health.Healthy || h == health.Suspended {
			continue
		}
		a := Unhealthy{k, h, message}
		if h == health.Degraded {
			out = slices.Insert(out, 0, a)
		} else {
			out = append(out, a)
		}
	}
	return out
}

// HealthOf returns the health of the last known state of an object, and what its status says. An object that was found
// Healthy stays Healthy until its state changes. Other states are judged anew at each call, since they may depend on the
// time.
func (t *Tracker) HealthOf(k object.Key) (health.State, string) {
	u := t.After[k]
	if u != nil && t.knownHealthy[k] == u {
		return health.Healthy, ""
	}
	h, message := t.Rules.Of(u)
	if h == health.Healthy {
		t.knownHealthy[k] = u
	}
	return h, message
}

// Slim drops the parts of a last known state that nobody needs any more: always managedFields, and of a healthy object
// everything but its metadata. CRDs stay whole. It saves memory.
func (t *Tracker) Slim(k object.Key) {
	u := t.After[k]
	u.SetManagedFields(nil)
	if h, _ := t.HealthOf(k); h == health.Healthy && !desired.IsCRD(t.Refs[k].Kind) {
		u.Object = map[string]any{"apiVersion": u.GetAPIVersion(), "kind": u.GetKind(), "metadata": u.Object["metadata"]}
	}
}

// Expired notes that a Job with a time to live is gone. Such a Job has ended, so it is assumed healthy.
func (t *Tracker) Expired(k object.Key) {
	delete(t.After, k)
	t.AssumedHealthy[k] = true
}

// Expires reports whether the cluster deletes an object some time after it has finished: a Job with ttlSecondsAfterFinished.
func Expires(u *unstructured.Unstructured) bool {
	if u == nil || u.GetKind() != "Job" || u.GroupVersionKind().Group != "batch" {
		return false
	}
	_, found, _ := unstructured.NestedFieldNoCopy(u.Object, "spec", "ttlSecondsAfterFinished")
	return found
}

// Unhealthy is an object that is not healthy yet, with its health and the message of its status.
type Unhealthy struct {
	key     object.Key
	health  health.State
	message string
}

func keysOf(open []Unhealthy) []object.Key {
	keys := make([]object.Key, len(open))
	for i, a := range open {
		keys[i] = a.key
	}
	return keys
}
