package wait

import (
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/desired"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/health"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
)

// Tracker knows the last state of the objects of one app, and how they are doing.
type Tracker struct {
	Refs  map[record.Key]cluster.Ref                // everything desired
	After map[record.Key]*unstructured.Unstructured // its last known state
	Rules *health.Rules

	AssumedHealthy map[record.Key]bool                       // recorded as healthy, and not touched: as healthy as before
	knownHealthy   map[record.Key]*unstructured.Unstructured // the state in which it was found Healthy
}

func NewTracker() *Tracker {
	return &Tracker{Refs: map[record.Key]cluster.Ref{}, After: map[record.Key]*unstructured.Unstructured{},
		AssumedHealthy: map[record.Key]bool{}, knownHealthy: map[record.Key]*unstructured.Unstructured{}}
}

// Unhealthy lists the objects that are neither Healthy nor Suspended, Degraded ones first.
func (t *Tracker) Unhealthy(keys []record.Key) []Unhealthy {
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

// HealthOf judges the last known state of an object. A state that is Healthy stays that; others may change with time.
func (t *Tracker) HealthOf(k record.Key) (health.State, string) {
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

// Slim keeps of the last known state of an object what later questions need: of a Healthy one little more than its name.
func (t *Tracker) Slim(k record.Key) {
	u := t.After[k]
	u.SetManagedFields(nil)
	if h, _ := t.HealthOf(k); h == health.Healthy && !desired.IsCRD(t.Refs[k].Kind) {
		u.Object = map[string]any{"apiVersion": u.GetAPIVersion(), "kind": u.GetKind(), "metadata": u.Object["metadata"]}
	}
}

// Expired takes a Job with a time to live that is gone after it was seen for one that has done its work.
func (t *Tracker) Expired(k record.Key) {
	delete(t.After, k)
	t.AssumedHealthy[k] = true
}

// Expires tells whether an object is removed some time after it has done its work: a Job with a time to live.
func Expires(u *unstructured.Unstructured) bool {
	if u == nil || u.GetKind() != "Job" || u.GroupVersionKind().Group != "batch" {
		return false
	}
	_, found, _ := unstructured.NestedFieldNoCopy(u.Object, "spec", "ttlSecondsAfterFinished")
	return found
}

type Unhealthy struct {
	key     record.Key
	health  health.State
	message string
}

func keysOf(open []Unhealthy) []record.Key {
	keys := make([]record.Key, len(open))
	for i, a := range open {
		keys[i] = a.key
	}
	return keys
}
