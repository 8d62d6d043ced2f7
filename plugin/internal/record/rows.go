package record

import (
	"iter"
	"maps"

	"k8s.io/apimachinery/pkg/types"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
)

// A row is written ahead of the request that creates its object, and leaves when the object is known to be gone or
// somebody else's. So an object is never ours without a row, whatever request is the last before a crash.

// Row returns the row of an object. ok is false when the record does not know it; the row is empty then.
func (inv *Inventory) Row(k object.Key) (row Row, ok bool) {
	row, ok = inv.rows[k]
	return row, ok
}

// Len returns how many rows there are.
func (inv *Inventory) Len() int { return len(inv.rows) }

// All iterates over the rows, in no order. A row may be changed, and may leave, meanwhile.
func (inv *Inventory) All() iter.Seq2[object.Key, Row] { return maps.All(inv.rows) }

// Keys iterates over the keys of the rows, in no order.
func (inv *Inventory) Keys() iter.Seq[object.Key] { return maps.Keys(inv.rows) }

// WriteAhead adds a row for an object that is about to be created. adopted says that the object may exist already. The
// record has to be saved before the object is created. A row that the record has already stays as it is.
func (inv *Inventory) WriteAhead(ref object.Ref, adopted bool) {
	if _, known := inv.rows[object.KeyOf(ref)]; !known {
		inv.rows[object.KeyOf(ref)] = Row{Ref: ref, Adopted: adopted}
	}
}

// Applied notes what the server answered when an object was applied, in place of what the record knew of it.
func (inv *Inventory) Applied(row Row) { inv.rows[object.KeyOf(row.Ref)] = row }

// Restore adds a row for a live object that carries our label and our field manager's entry, when the inventory was
// lost. The row counts as never applied.
func (inv *Inventory) Restore(ref object.Ref, uid types.UID) {
	inv.Applied(Row{Ref: ref, UID: uid, Adopted: true})
}

// The three ways in which a row leaves. A removal that was only asked for, or that failed, is none of them.

// Pruned drops the row of an object that was pruned: the server confirmed that it is gone, or it is proven not to be
// ours, or it was released and stays without our label.
func (inv *Inventory) Pruned(k object.Key) { delete(inv.rows, k) }

// HandedOver drops the row of an object that the app of taker has taken over. It tells whether a row left: none does
// before the record of the taker has a row with the uid of the object.
func (inv *Inventory) HandedOver(k object.Key, taker *Inventory) bool {
	if _, have := inv.rows[k]; !have || taker.rows[k].UID == "" {
		return false
	}
	delete(inv.rows, k)
	return true
}

// LeftAlone drops the row of an object that was to be created only: it was there already, without our label, and was
// not written.
func (inv *Inventory) LeftAlone(k object.Key) { delete(inv.rows, k) }

// SeenAt notes the version at which an object was read and found to be as it was applied.
func (inv *Inventory) SeenAt(k object.Key, resourceVersion string) {
	inv.change(k, func(r *Row) { r.ResourceVersion = resourceVersion })
}

// Rewritten notes the version, generation and digest of metadata of an object that is as it was applied although it was
// written since: our field manager was renamed, or the server was restored from a backup.
func (inv *Inventory) Rewritten(k object.Key, resourceVersion string, generation int64, metadata string) {
	inv.change(k, func(r *Row) { r.ResourceVersion, r.Generation, r.Metadata = resourceVersion, generation, metadata })
}

// NoteCreateOnly notes that what becomes of an object is nobody's drift any more.
func (inv *Inventory) NoteCreateOnly(k object.Key) {
	inv.change(k, func(r *Row) { r.CreateOnly = true })
}

// NoteKeepsName notes that an object refused to have our field manager renamed.
func (inv *Inventory) NoteKeepsName(k object.Key) { inv.change(k, func(r *Row) { r.KeepsName = true }) }

// change changes the row of an object that the record knows.
func (inv *Inventory) change(k object.Key, how func(*Row)) {
	if row, ok := inv.rows[k]; ok {
		how(&row)
		inv.rows[k] = row
	}
}
