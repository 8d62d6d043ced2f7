package plan

import (
	"encoding/json"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/desired"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/live"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
)

// Fields returns the content of the manifest, nil when there is none.
func (s *Step) Fields() map[string]any {
	if s.Object == nil || s.Manifest == nil {
		return nil
	}
	return s.Manifest.Object
}

// WasTold reports whether a list item of the live object existed before this run and was reported as not in Git.
func (s *Step) WasTold(at string) bool {
	return strings.Contains(s.Told, strings.TrimPrefix(at, "spec."))
}

// With returns the step with another manifest, as JSON.
func (s *Step) With(body []byte) (*Step, error) {
	u := &unstructured.Unstructured{}
	if err := json.Unmarshal(body, &u.Object); err != nil {
		return s, err
	}
	o, t := *s.Object, *s
	o.Manifest, o.Body = u, body
	t.Object = &o
	return &t, nil
}

// Step is one object to apply.
type Step struct {
	*desired.Object
	Recreate string // why the object is deleted and recreated, "" when it is not
	Share    string // of a dry run: the earlier name of our field manager on the live object
	Stage    desired.Stage
	Row      *record.Row                // nil for an object that is not recorded yet
	Hash     string                     // keyed hash of the manifest as sent
	Changed  bool                       // Git changed it: it is new, or its manifest is not the recorded one
	State    live.State                 // of the row
	Live     *unstructured.Unstructured // nil when the app has none, or when it was not read
	From     *Handover                  // the app that hands the object over, nil when none does
	Told     string                     // fields that were reported as not in Git
	Version  string                     // resourceVersion that the live object must still have when it is written; "" for any
}

// Prune is one recorded object that Git no longer names.
type Prune struct {
	Row            record.Row    // of the record
	Live           metav1.Object // nil when it was not among the listed objects of the app
	Stage          desired.Stage // in which it was applied
	NotPruned      string        // why it is not deleted although it leaves the app
	OwnedByAnother bool          // another app or ApplySet owns it now
}

// Handover is an object that one app of an instance gives to another, because Git moved it. The apply of the other app
// switches the label, so the object belongs to one of the two at any moment. The row of the giver proves that the object
// belongs to the instance, and stays until the taker has recorded it.
type Handover struct {
	App string // the giver
	Set string // its ApplySet
	Row record.Row
}

// Handovers are the objects that this app takes over or hands over in this run.
type Handovers struct {
	TakesOver map[object.Key]*Handover // what other apps hand over to the app
	HandsOver map[object.Key]bool      // what the app hands over to others
}

// AnnotationsOf returns the annotations of an object, nil when u is nil.
func AnnotationsOf(u metav1.Object) map[string]string {
	if u == nil {
		return nil
	}
	return u.GetAnnotations()
}
