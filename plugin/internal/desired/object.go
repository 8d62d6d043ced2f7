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
	Hook     *HookSettings // not nil when the object is run as a hook instead of being applied
	Needs    []object.Key  // objects that must be healthy before this one is applied
	after    Stage         // not before this one: of what it depends on
	First    []byte        // manifest as JSON that creates the object, when later applies send less
	Body     []byte        // manifest as JSON that is applied
	stable   []byte        // what of Body another render would give too; nil for all of it

	// Generated are the places of values that another render would make up anew, as JSON pointers; see package generated.
	Generated []string
	Released  []string // JSON pointers to fields that are left to others
	Managers  []string // field managers whose fields are left to them
	Notes     []string // warnings about annotations that mean nothing here
}

// Key returns the key of the object in a record.
func (o *Object) Key() object.Key { return object.KeyOf(o.Ref) }

// Stable returns what Git says of the object: Body without values that another render would make up anew, and where they are.
func (o *Object) Stable() []byte {
	if o.stable != nil {
		return o.stable
	}
	return o.Body
}

// MayBeShared reports whether several apps may define the object: a definition of kinds that each of them creates only where it is
// missing.
func (o *Object) MayBeShared() bool {
	return o.Policy.CreateOnly && object.IsDefinition(o.Group, o.Ref.Kind.Kind)
}

// HookSettings is what the annotations of an object say about running it instead of applying it.
type HookSettings struct {
	Phases        map[string][]record.HookCause // when it runs, and for what
	Skip          bool                          // neither applied nor run
	Weight        int
	Replace       bool // the object of an earlier run is deleted before the next
	DropSucceeded bool // deleted after success
	DropFailed    bool // deleted after failure
}
