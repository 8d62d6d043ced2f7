package reconcile

import (
	"context"
	"maps"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/fields"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
)

// verdict says how a recorded object compares with the live one.
type verdict int

const (
	clean       verdict = iota
	drifted             // a field we own has another value, or is no longer ours
	missing             // not in the list: deleted, or its label was removed
	replaced            // another object of the same name
	terminating         // being deleted
	unsettled           // written ahead, or failed: must be applied again
	kindAbsent          // the server does not serve the kind (any more)
	undecided           // metadata does not settle it: the values must be read
)

// judge compares a row with the live object. It looks at values, never at managedFields alone: those can stay
// unchanged while values change (a second apply under our name, a mutating webhook). Where only metadata was read,
// the values are known to be the recorded ones if the object was not written since, or if its kind counts the changes
// of its spec and there were none, and the metadata we own is as it was.
//
// Where an app takes away what others add, that is drift too.
func judge(inv *record.Inventory, row record.Row, s *snapshot, id string) verdict {
	v := judgeOwned(inv, row, s, id)
	if v == clean && inv.ForeignFields == string(ForeignRevert) && !row.CreateOnly {
		if live := s.member(record.KeyOf(row.Ref), id); live != nil && fields.Added(live, record.Manager) {
			return drifted
		}
	}
	return v
}

func judgeOwned(inv *record.Inventory, row record.Row, s *snapshot, id string) verdict {
	live := s.member(record.KeyOf(row.Ref), id)
	switch {
	case s.absent[row.Ref.Kind]:
		return kindAbsent
	case live == nil:
		if row.Manifest == "" {
			return unsettled
		}
		if row.Expires {
			return clean
		}
		return missing
	case live.GetDeletionTimestamp() != nil:
		return terminating
	case row.Manifest == "" || row.UID == "":
		return unsettled
	case live.GetUID() != row.UID:
		return replaced
	case live.GetResourceVersion() == row.ResourceVersion && !s.rewound, row.CreateOnly:
		return clean
	}
	u, whole := live.(*unstructured.Unstructured)
	if !whole {
		if !s.rewound && countsChanges(row) && live.GetGeneration() == row.Generation && row.Metadata != "" &&
			metadataDigest(inv, live) == row.Metadata {
			return clean
		}
		return undecided
	}
	set, ok, err := fields.Applied(u, record.Manager)
	if err != nil || !ok || fields.Digest(inv.Secret, u, set) != row.Owned {
		return drifted
	}
	return clean
}

// metadataDigest is the digest of what metadata tells about the fields we own in u, "" when there are none.
func metadataDigest(inv *record.Inventory, u metav1.Object) string {
	set, ok, err := fields.Applied(u, record.Manager)
	if err != nil || !ok {
		return ""
	}
	return fields.MetadataDigest(inv.Secret, u, set)
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

// judgeAll judges every row and reads what is needed until no verdict is open or doubtful.
func (r *Reconciler) judgeAll(ctx context.Context, inv *record.Inventory, s *snapshot, id string) (map[record.Key]verdict, error) {
	verdicts := make(map[record.Key]verdict, len(inv.Rows))
	doubtful, unread := map[cluster.Kind]bool{}, map[cluster.Ref]bool{}
	for k, row := range inv.Rows {
		switch v := judge(inv, row, s, id); v {
		case missing, replaced, unsettled:
			doubtful[row.Ref.Kind] = true
		case undecided:
			unread[row.Ref] = true
		default:
			verdicts[k] = v
		}
	}
	if len(doubtful) > 0 {
		l := lookFor(inv.Rows)
		l.kinds = nil
		for k := range doubtful {
			l.kinds = append(l.kinds, k)
		}
		if err := r.again(ctx, s, l); err != nil {
			return nil, err
		}
		for _, row := range inv.Rows {
			if doubtful[row.Ref.Kind] && judge(inv, row, s, id) == undecided {
				unread[row.Ref] = true
			}
		}
	}
	if err := r.readValues(ctx, s, slices.Collect(maps.Keys(unread)), id); err != nil {
		return nil, err
	}
	for k, row := range inv.Rows {
		if _, done := verdicts[k]; !done || doubtful[row.Ref.Kind] {
			verdicts[k] = judge(inv, row, s, id)
		}
	}
	if s.rewound {
		startOver(inv, s, id, verdicts)
	}
	return verdicts, nil
}

// startOver takes over the versions of a server that was restored from a backup, for objects whose values are right.
func startOver(inv *record.Inventory, s *snapshot, id string, verdicts map[record.Key]verdict) {
	for k, row := range inv.Rows {
		if u := s.values(k, id); u != nil && verdicts[k] == clean {
			row.ResourceVersion, row.Generation = u.GetResourceVersion(), u.GetGeneration()
			row.Metadata = metadataDigest(inv, u)
			inv.Rows[k] = row
		}
	}
}
