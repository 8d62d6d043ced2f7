package plan

import (
	"encoding/json"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/desired"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/live"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
)

// Fields is what the manifest of a step says, nil when there is none.
func (s *Step) Fields() map[string]any {
	if s.Object == nil || s.Manifest == nil {
		return nil
	}
	return s.Manifest.Object
}

// WasTold tells whether a list item of the live object was there, and reported as not in Git, before this pass.
func (s *Step) WasTold(at string) bool {
	return strings.Contains(s.Told, strings.TrimPrefix(at, "spec."))
}

// With is the step with another manifest.
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
	Recreate string // why the object is deleted and created anew, "" when it is not
	Share    string // of a dry run: the earlier name under which the live object holds our share
	Stage    desired.Stage
	Row      *record.Row                // nil for an object that is not recorded yet
	Hash     string                     // of the manifest as sent
	Changed  bool                       // Git changed it: new, or another manifest than the recorded one
	State    live.State                 // of the row
	Live     *unstructured.Unstructured // nil when there is none of ours
	From     *Handover                  // the app that hands the object over, nil when none does
	Told     string                     // what was reported of it as not in Git
}

// Prune is one recorded object that Git no longer names.
type Prune struct {
	Row            record.Row
	Live           metav1.Object // nil when it is not among the listed members
	Stage          desired.Stage
	NotPruned      string // why it is not deleted although it leaves the app
	OwnedByAnother bool   // another app or ApplySet has it now
}

// Handover is an object that one app of an instance gives to another: Git moved it. The taker's apply switches the
// label, so the object is a member of one of the two at any moment. The giver's row proves that the object is the
// instance's to move, and stays until the taker has recorded it.
type Handover struct {
	App string // the giver
	Set string // its ApplySet
	Row record.Row
}

// Handovers are the objects that move between apps of the instance in this run.
type Handovers struct {
	TakesOver map[record.Key]*Handover // what other apps hand over to the app
	HandsOver map[record.Key]bool      // what the app hands over to others
}

// AnnotationsOf are those of an object that may be nil.
func AnnotationsOf(u metav1.Object) map[string]string {
	if u == nil {
		return nil
	}
	return u.GetAnnotations()
}
