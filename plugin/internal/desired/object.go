package desired

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/manifest"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
)

// Object is one desired object, ready to be sent.
type Object struct {
	object.Ref
	Origin   manifest.Origin
	Manifest *unstructured.Unstructured
	Policy   Policy
	Hook     *HookSettings // it is run instead of applied
	Needs    []record.Key  // what it depends on
	after    Stage         // not before this one: of what it depends on
	First    []byte        // what creates it, where that is more than what is applied later
	Body     []byte        // the manifest as JSON
	Released []string      // JSON pointers to fields that are left to somebody else
	Managers []string      // whose fields are left to them
	Notes    []string      // what Git says in vain
}

// Key is the key of the object in a record.
func (o *Object) Key() record.Key { return record.KeyOf(o.Ref) }

// HookSettings is what the annotations of an object say about running it instead of applying it.
type HookSettings struct {
	Phases        map[string][]record.HookCause // when it runs, and for what
	Skip          bool                          // neither applied nor run
	Weight        int
	Replace       bool // the object of an earlier run is deleted before the next
	DropSucceeded bool // deleted after success
	DropFailed    bool // deleted after failure
}
