package live

import (
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/fields"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
)

// State is how a recorded object compares with the live one.
type State int

// The states of a recorded object.
const (
	InSync      State = iota // as it was applied
	Drifted                  // a field we own has another value, or is no longer ours
	Missing                  // not in the list: deleted, or its label was removed
	Replaced                 // another object of the same name
	Terminating              // being deleted
	NotApplied               // written ahead, or failed: must be applied again
	KindGone                 // the server does not serve the kind (any more)
	NeedsRead                // metadata does not tell: the values must be read
)

// Compare compares a row with the live object, a member of set. It looks at values, never at managedFields alone: those can
// stay unchanged while values change (a second apply under our name, a mutating webhook). Where only metadata was read, the
// values are known to be the recorded ones if the object was not written since, or if its kind counts the changes of its
// spec and there were none, and the metadata we own is as it was.
//
// Where an app takes away what others add, that is drift too.
func Compare(inv *record.Inventory, row record.Row, s *Snapshot, set string) State {
	state := compareOwned(inv, row, s, set)
	if state == InSync && inv.ForeignFields == record.ForeignRevert && !row.CreateOnly {
		if live := s.Member(object.KeyOf(row.Ref), set); live != nil && fields.Added(live, record.Manager) {
			return Drifted
		}
	}
	return state
}

func compareOwned(inv *record.Inventory, row record.Row, s *Snapshot, set string) State {
	live := s.Member(object.KeyOf(row.Ref), set)
	switch {
	case s.absent[row.Ref.Kind]:
		return KindGone
	case live == nil:
		if row.Manifest == "" {
			return NotApplied
		}
		if row.Expires {
			return InSync
		}
		return Missing
	case live.GetDeletionTimestamp() != nil:
		return Terminating
	case row.Manifest == "" || row.UID == "":
		return NotApplied
	case live.GetUID() != row.UID:
		return Replaced
	case live.GetResourceVersion() == row.ResourceVersion && !s.rewound, row.CreateOnly:
		return InSync
	}
	u, whole := live.(*unstructured.Unstructured)
	if !whole {
		if !s.rewound && countsChanges(row) && live.GetGeneration() == row.Generation && row.Metadata != "" &&
			MetadataDigest(inv, row.ID(), live) == row.Metadata {
			return InSync
		}
		return NeedsRead
	}
	if owned := OwnedDigest(inv, row.ID(), u); owned == "" || owned != row.Owned {
		return Drifted
	}
	return InSync
}

// countsChanges tells whether the server raises metadata.generation with every change of the object outside metadata
// and status. Kubernetes' own kinds that do show a generation of at least 1; those that do not stay at 0. The API
// server does it for every custom resource. Other groups are served by aggregated servers, which need not.
func countsChanges(row record.Row) bool {
	if row.Generation == 0 {
		return false
	}
	switch row.Group {
	case "apps", "batch", "autoscaling", "policy":
		return true
	}
	return strings.Contains(row.Group, ".")
}

// StartOver replaces the recorded versions of objects whose values are right, after the server was restored from a backup.
func StartOver(inv *record.Inventory, s *Snapshot, set string, states map[object.Key]State) {
	for k, row := range inv.All() {
		if u := s.Values(k, set); u != nil && states[k] == InSync {
			inv.Rewritten(k, u.GetResourceVersion(), u.GetGeneration(), MetadataDigest(inv, row.ID(), u))
		}
	}
}
