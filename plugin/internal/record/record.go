package record

import (
	"encoding/json"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// Record is what one app's last apply left behind, as loaded.
type Record struct {
	*Inventory
	Report  *report.Summary // nil before the parent was loaded, or when there is none
	History []report.Run

	// GroupKinds (Kind.group) and Namespaces are where the parent says that objects of the app are. Parents fills them.
	GroupKinds, Namespaces []string

	// Rebuilt says that the inventory was lost and that its rows were put together from labels: nothing may be
	// pruned until everything was applied once more.
	Rebuilt bool

	// Suspended, when it is not nil, may say that the app is to be left alone.
	Suspended *report.Suspension

	Stored Stored
}

// Stored is what the store knows of the objects that hold a record. Nobody else needs to look at it.
type Stored struct {
	Versions map[int]string // resourceVersion of each shard as loaded or saved
	Renamed  map[int]any    // managedFields of the shards that hold an earlier name of our manager, with today's
	Written  map[int]Shard  // as loaded or saved: equal shards are not written again
	Parent   bool           // the parent was loaded, or found missing
	Shares   any            // managedFields of the parent, where they hold an earlier name of our manager, with today's
	Version  string         // resourceVersion of the parent as loaded or saved, empty when there was none
	Lists    AppLists       // the lists of apps that were loaded with the record
}

// New returns the record of an app that has none yet.
func New(app string) *Record {
	return &Record{Inventory: NewInventory(app), Stored: NewStored()}
}

// NewStored returns what a store knows of a record that it has not seen.
func NewStored() Stored {
	return Stored{Versions: map[int]string{}, Written: map[int]Shard{}, Renamed: map[int]any{}}
}

// HasParent tells whether report and history were loaded, or found missing.
func (r *Record) HasParent() bool { return r.Stored.Parent }

// Refs lists the objects that the record names, in the order of its rows; none of a record that is nil or empty.
func (r *Record) Refs() []object.Ref {
	if r == nil || r.Inventory == nil {
		return nil
	}
	var refs []object.Ref
	for _, row := range r.Sorted() {
		refs = append(refs, row.Ref)
	}
	return refs
}

// Unsaved tells whether the record differs from what was loaded or saved.
func (r *Record) Unsaved() bool {
	shards, err := r.Encode()
	if err != nil || len(shards) != len(r.Stored.Written) {
		return true
	}
	for n, sh := range shards {
		if old := r.Stored.Written[n]; string(old.Header) != string(sh.Header) || string(old.Rows) != string(sh.Rows) {
			return true
		}
	}
	return false
}

// Empty is the only shard of an inventory without rows.
func (r *Record) Empty() Shard {
	header, err := json.Marshal(r.Header)
	if err != nil {
		header = nil
	}
	rows := encodeRows(nil)
	return Shard{Header: header, Rows: rows, Seal: r.Hash(rows)}
}

// ParentName is the name of an app's ApplySet parent, a ConfigMap.
func ParentName(app string) string { return NamePrefix + app }

const AnnotationWriter = "kubectl-gitops.dev/writer" // on a Secret of the record: a random name of the process that wrote it last

// Labels and names of the objects that hold the record.
const (
	Manager    = "gitops"                             // field manager of everything we write; Flux takes those that begin with kubectl off what it applies
	Tool       = "kubectl-gitops"                     // names us in labels and Events
	LabelApp   = "kubectl-gitops.dev/app"             // on the ConfigMap and the Secrets of a record: the name of the app
	LabelShard = "kubectl-gitops.dev/inventory-shard" // on a Secret of the record: which part of the inventory it holds
	NamePrefix = "gitops-"
)

// Settings foreignFields of an app that take away what others add to its objects, or say nothing of it.
const (
	ForeignRevert = "revert"
	ForeignKeep   = "keep"
)
