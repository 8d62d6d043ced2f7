package record

import (
	"slices"
	"testing"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
)

func TestHowARowComesAndGoes(t *testing.T) {
	ref := object.Ref{Kind: configMaps, Namespace: "shop", Name: "x"}
	k, giver, taker := object.KeyOf(ref), NewInventory("shop"), NewInventory("store")
	if _, known := giver.Row(k); known || giver.Len() != 0 {
		t.Fatal("a new record has no rows")
	}
	giver.WriteAhead(ref, true)
	if row, known := giver.Row(k); !known || row.UID != "" || !row.Adopted {
		t.Errorf("written ahead: %+v", row)
	}
	giver.Applied(Row{Ref: ref, UID: "u", ResourceVersion: "7"})
	if giver.WriteAhead(ref, true); giver.rows[k].UID != "u" || giver.rows[k].Adopted {
		t.Errorf("an object that is known was written ahead: %+v", giver.rows[k])
	}
	if giver.HandedOver(k, taker) {
		t.Error("the taker does not know the object")
	}
	if taker.WriteAhead(ref, true); giver.HandedOver(k, taker) || giver.Len() != 1 {
		t.Error("the taker has not applied the object yet")
	}
	if taker.Applied(Row{Ref: ref, UID: "u"}); !giver.HandedOver(k, taker) || giver.Len() != 0 {
		t.Error("the taker has recorded the object")
	}
	if giver.HandedOver(k, taker) {
		t.Error("the row had left before")
	}
	if taker.Pruned(k); taker.Len() != 0 {
		t.Error("the object is gone")
	}
}

func TestSmallChangesOfARow(t *testing.T) {
	ref := object.Ref{Kind: configMaps, Namespace: "shop", Name: "x"}
	inv, k := NewInventory("shop"), object.KeyOf(ref)
	changes := func() {
		inv.SeenAt(k, "8")
		inv.NoteCreateOnly(k)
		inv.NoteKeepsName(k)
	}
	if changes(); inv.Len() != 0 {
		t.Error("an object that the record does not know got a row")
	}
	inv.Applied(Row{Ref: ref, UID: "u", ResourceVersion: "7", Generation: 1, Metadata: "m", Owned: "o"})
	changes()
	if want := (Row{Ref: ref, UID: "u", ResourceVersion: "8", Generation: 1, Metadata: "m", Owned: "o", CreateOnly: true, KeepsName: true}); inv.rows[k] != want {
		t.Errorf("got %+v", inv.rows[k])
	}
	inv.Rewritten(k, "9", 2, "n")
	if r := inv.rows[k]; r.ResourceVersion != "9" || r.Generation != 2 || r.Metadata != "n" || r.Owned != "o" {
		t.Errorf("got %+v", r)
	}
	for key, row := range inv.All() { // a row may leave meanwhile
		if inv.LeftAlone(key); key != object.KeyOf(row.Ref) {
			t.Errorf("%v is the key of %v", key, row.Ref)
		}
	}
	if keys := slices.Collect(inv.Keys()); len(keys) != 0 {
		t.Errorf("left: %v", keys)
	}
}
