package record

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/types"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

var (
	widgets    = object.Kind{Group: "example.com", Version: "v1", Kind: "Widget", Resource: "widgets"}
	configMaps = object.Kind{Version: "v1", Kind: "ConfigMap", Resource: "configmaps", Namespaced: true}
)

// inventoryOf has n rows of two kinds. generation tells one version of the rows from another.
func inventoryOf(n int, generation int64) *Inventory {
	inv := NewInventory("shop")
	for i := range n {
		ref := object.Ref{Kind: configMaps, Namespace: fmt.Sprintf("ns-%d", i%7), Name: fmt.Sprintf("object-%d", i)}
		if i%3 == 0 {
			ref = object.Ref{Kind: widgets, Name: fmt.Sprintf("object-%d", i)}
		}
		inv.rows[object.KeyOf(ref)] = Row{Ref: ref, UID: types.UID(fmt.Sprint(i)), ResourceVersion: "12", Generation: generation,
			Manifest: "m", Owned: "o", Metadata: "d", Adopted: i%5 == 0, CreateOnly: i%7 == 0, Expires: i%11 == 0}
	}
	return inv
}

func stored(t testing.TB, inv *Inventory) map[int]Shard {
	t.Helper()
	list, err := inv.Encode()
	if err != nil {
		t.Fatal(err)
	}
	shards := map[int]Shard{}
	for i, s := range list {
		shards[i] = s
	}
	return shards
}

func TestInventoryIsReadAsItWasWritten(t *testing.T) {
	for _, n := range []int{0, 1, 10, rowsPerShard, rowsPerShard + 1, 3 * rowsPerShard} {
		inv := inventoryOf(n, 3)
		inv.Revision = report.Revision{Commit: "abc", Subject: "a \"subject\"\nwith lines"}
		got, err := Decode(stored(t, inv))
		if err != nil {
			t.Fatalf("%d Rows: %v", n, err)
		}
		if !reflect.DeepEqual(got, inv) {
			t.Errorf("%d Rows: not what was written", n)
		}
		if want := max(1, (n+rowsPerShard-1)/rowsPerShard); got.Shards < want || got.Shards >= 2*want {
			t.Errorf("%d rows are in %d shards", n, got.Shards)
		}
	}
}

func TestShardCountNeverShrinks(t *testing.T) {
	inv := inventoryOf(rowsPerShard+1, 1)
	stored(t, inv)
	for k := range inv.rows {
		delete(inv.rows, k)
	}
	if got, err := Decode(stored(t, inv)); err != nil || got.Shards != 2 || len(got.rows) != 0 {
		t.Errorf("%v, %v", got, err)
	}
}

// TestSaveCutOffLosesNoRow replays every prefix of the writes of one save, last Shard first. Rows that were there
// before and still are can be read at every moment, and a later save leaves exactly the new rows.
func TestSaveCutOffLosesNoRow(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for _, sizes := range [][2]int{{10, 20}, {10, rowsPerShard + 100}, {rowsPerShard + 100, 2*rowsPerShard + 100}, {rowsPerShard + 100, 10}} {
		from, to := sizes[0], sizes[1]
		old := inventoryOf(from, 1)
		before := stored(t, old)
		next := &Inventory{Header: old.Header, rows: inventoryOf(to, 2).rows}
		for range 50 { // some leave, too
			k := object.KeyOf(object.Ref{Kind: widgets, Name: fmt.Sprintf("object-%d", 3*r.IntN(from/3+1))})
			delete(next.rows, k)
		}
		after := stored(t, next)
		shards := maps.Clone(before)
		for i := len(after) - 1; i >= 0; i-- {
			shards[i] = after[i]
			got, err := Decode(shards)
			if err != nil {
				t.Fatalf("%d to %d rows, after Shard %d: %v", from, to, i, err)
			}
			for k := range old.rows {
				if _, stays := next.rows[k]; stays && got.rows[k].UID == "" {
					t.Fatalf("%d to %d rows, after Shard %d: %v is lost", from, to, i, k)
				}
			}
			again := &Inventory{Header: got.Header, rows: next.rows} // the next save, by a process that read this
			settled := maps.Clone(shards)
			maps.Copy(settled, stored(t, again))
			final, err := Decode(settled)
			if err != nil || !reflect.DeepEqual(final.rows, next.rows) {
				t.Fatalf("%d to %d rows, cut off after Shard %d and saved again: %d rows, want %d (%v)",
					from, to, i, len(final.rows), len(next.rows), err)
			}
		}
	}
}

func TestDamageIsAnErrorAndNeverAnEmptyInventory(t *testing.T) {
	whole := func() map[int]Shard { return stored(t, inventoryOf(rowsPerShard+1, 1)) }
	rows := string(whole()[0].Rows)
	tests := []struct {
		name   string
		damage func(map[int]Shard)
	}{
		{"no shards", func(s map[int]Shard) { clear(s) }},
		{"first Shard missing", func(s map[int]Shard) { delete(s, 0) }},
		{"second Shard missing", func(s map[int]Shard) { delete(s, 1) }},
		{"header missing", func(s map[int]Shard) { s[0] = Shard{Rows: s[0].Rows} }},
		{"header of something else", func(s map[int]Shard) { s[0] = Shard{Header: []byte(`{}`), Rows: s[0].Rows} }},
		{"header without key", func(s map[int]Shard) { s[0] = Shard{Header: []byte(`{"app":"shop","shards":1}`), Rows: s[0].Rows} }},
		{"odd number of shards", func(s map[int]Shard) {
			s[0] = Shard{Header: []byte(strings.Replace(string(s[0].Header), `"shards":2`, `"shards":3`, 1)), Rows: s[0].Rows}
		}},
		{"rows missing", func(s map[int]Shard) { s[0] = Shard{Header: s[0].Header} }},
		{"rows end early", func(s map[int]Shard) {
			s[0] = Shard{Header: s[0].Header, Rows: []byte(rows[:strings.LastIndex(rows[:len(rows)/2], "\n")+1])}
		}},
		{"a line missing", func(s map[int]Shard) {
			_, rest, _ := strings.Cut(rows[strings.Index(rows, "\n")+1:], "\n")
			s[0] = Shard{Header: s[0].Header, Rows: []byte(rows[:strings.Index(rows, "\n")+1] + rest)}
		}},
		{"rows twice", func(s map[int]Shard) { s[0] = Shard{Header: s[0].Header, Rows: []byte(rows + rows)} }},
		{"row without a kind", func(s map[int]Shard) { s[1] = Shard{Rows: []byte(`["","x","","",0,"","",""]` + "\n[1]\n")} }},
		{"a Shard nobody can have written", func(s map[int]Shard) { s[1<<30] = s[1] }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			shards := whole()
			test.damage(shards)
			if inv, err := Decode(sealed(shards)); err == nil || inv != nil || !errors.Is(err, errCorrupt) {
				t.Errorf("read as %v, %v", inv, err)
			}
		})
	}
}

// sealed makes damage look as if we had written it.
func sealed(shards map[int]Shard) map[int]Shard {
	var inv Inventory
	_ = json.Unmarshal(shards[0].Header, &inv.Header) // without a key it is refused anyway
	for i, s := range shards {
		s.Seal = inv.Hash(s.Rows)
		shards[i] = s
	}
	return shards
}

func TestRowsThatWereEditedAreNotBelieved(t *testing.T) {
	for i := range 2 {
		shards := stored(t, inventoryOf(rowsPerShard+1, 1))
		s := shards[i]
		edited := strings.Replace(string(s.Rows), "1", "2", 1) // as well-formed as it was
		s.Rows = []byte(edited)
		shards[i] = s
		if inv, err := Decode(shards); inv != nil || !errors.Is(err, errCorrupt) {
			t.Errorf("shard %d: read as %v, %v", i, inv, err)
		}
	}
}

func FuzzDecodeRows(f *testing.F) {
	f.Add(encodeRows(inventoryOf(4, 1).Sorted()))
	f.Add([]byte("[0]\n"))
	f.Add([]byte(`["","v1","ConfigMap","configmaps",true]` + "\n" + `["ns","n","u","1",1,"m","o","d"]` + "\n[1]\n"))
	f.Add([]byte(`[null,null,null,null,null]` + "\n" + `[null,"n",null,null,null,null,null,null]`))
	f.Fuzz(func(t *testing.T, data []byte) {
		rows := map[object.Key]Row{}
		if decodeRows(data, rows) != nil {
			return
		}
		again := map[object.Key]Row{}
		inv := &Inventory{rows: rows}
		if err := decodeRows(encodeRows(inv.Sorted()), again); err != nil || !reflect.DeepEqual(rows, again) {
			t.Errorf("%v is read, but not again: %v (%v)", rows, again, err)
		}
	})
}

func FuzzDecodeInventory(f *testing.F) {
	whole := stored(f, inventoryOf(4, 1))
	f.Add(whole[0].Header, whole[0].Rows, 0)
	f.Add([]byte(`{"app":"a","key":"MDEyMzQ1Njc4OTAxMjM0NQ==","shards":1}`), []byte("[0]"), 5)
	f.Add([]byte(`{"app":"a","key":"MDEyMzQ1Njc4OTAxMjM0NQ==","shards":65536}`), []byte("[0]"), -1)
	f.Fuzz(func(t *testing.T, header, rows []byte, extra int) {
		inv, err := Decode(sealed(map[int]Shard{0: {Header: header, Rows: rows}, extra: {Header: header, Rows: rows}}))
		if err == nil && (inv.App == "" || len(inv.Secret) < 16) {
			t.Errorf("%q with %q is no inventory", header, rows)
		}
	})
}

func TestHashIsKeyed(t *testing.T) {
	one, other := NewInventory("a"), NewInventory("a")
	first := one.Hash([]byte("x"))
	if again := one.Hash([]byte("x")); again != first || one.Hash([]byte("y")) == first {
		t.Error("equal data must have equal hashes, others must not")
	}
	if one.Hash([]byte("x")) == other.Hash([]byte("x")) {
		t.Error("two inventories hash alike: a Secret's value could be guessed")
	}
}

func TestNewestIsTheHighestNumber(t *testing.T) {
	inv := NewInventory("a")
	if got := inv.Newest(); got != "" {
		t.Errorf("of no Rows: %q", got)
	}
	for i, v := range []string{"9", "100", "", "odd"} {
		ref := object.Ref{Kind: configMaps, Name: fmt.Sprint(i)}
		inv.rows[object.KeyOf(ref)] = Row{Ref: ref, ResourceVersion: v}
	}
	if got := inv.Newest(); got != "100" {
		t.Errorf("got %q", got)
	}
}
