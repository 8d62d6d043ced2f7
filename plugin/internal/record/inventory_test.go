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

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

var widgets = cluster.Kind{Group: "example.com", Version: "v1", Kind: "Widget", Resource: "widgets"}

// inventoryOf has n rows of two kinds. generation tells one version of the rows from another.
func inventoryOf(n int, generation int64) *Inventory {
	inv := NewInventory("shop")
	for i := range n {
		ref := cluster.Ref{Kind: configMaps, Namespace: fmt.Sprintf("ns-%d", i%7), Name: fmt.Sprintf("object-%d", i)}
		if i%3 == 0 {
			ref = cluster.Ref{Kind: widgets, Name: fmt.Sprintf("object-%d", i)}
		}
		inv.Rows[KeyOf(ref)] = Row{Ref: ref, UID: types.UID(fmt.Sprint(i)), ResourceVersion: "12", Generation: generation,
			Manifest: "m", Owned: "o", Metadata: "d", Adopted: i%5 == 0, CreateOnly: i%7 == 0, Expires: i%11 == 0}
	}
	return inv
}

func stored(t testing.TB, inv *Inventory) map[int]shard {
	t.Helper()
	list, err := inv.encode()
	if err != nil {
		t.Fatal(err)
	}
	shards := map[int]shard{}
	for i, s := range list {
		shards[i] = s
	}
	return shards
}

func TestInventoryIsReadAsItWasWritten(t *testing.T) {
	for _, n := range []int{0, 1, 10, rowsPerShard, rowsPerShard + 1, 3 * rowsPerShard} {
		inv := inventoryOf(n, 3)
		inv.Revision = report.Revision{Commit: "abc", Subject: "a \"subject\"\nwith lines"}
		got, err := decodeInventory(stored(t, inv))
		if err != nil {
			t.Fatalf("%d rows: %v", n, err)
		}
		if !reflect.DeepEqual(got, inv) {
			t.Errorf("%d rows: not what was written", n)
		}
		if want := max(1, (n+rowsPerShard-1)/rowsPerShard); got.Shards < want || got.Shards >= 2*want {
			t.Errorf("%d rows are in %d shards", n, got.Shards)
		}
	}
}

func TestShardCountNeverShrinks(t *testing.T) {
	inv := inventoryOf(rowsPerShard+1, 1)
	stored(t, inv)
	for k := range inv.Rows {
		delete(inv.Rows, k)
	}
	if got, err := decodeInventory(stored(t, inv)); err != nil || got.Shards != 2 || len(got.Rows) != 0 {
		t.Errorf("%v, %v", got, err)
	}
}

// TestSaveCutOffLosesNoRow replays every prefix of the writes of one save, last shard first. Rows that were there
// before and still are can be read at every moment, and a later save leaves exactly the new rows.
func TestSaveCutOffLosesNoRow(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for _, sizes := range [][2]int{{10, 20}, {10, rowsPerShard + 100}, {rowsPerShard + 100, 2*rowsPerShard + 100}, {rowsPerShard + 100, 10}} {
		from, to := sizes[0], sizes[1]
		old := inventoryOf(from, 1)
		before := stored(t, old)
		next := &Inventory{Header: old.Header, Rows: inventoryOf(to, 2).Rows}
		for range 50 { // some leave, too
			k := KeyOf(cluster.Ref{Kind: widgets, Name: fmt.Sprintf("object-%d", 3*r.IntN(from/3+1))})
			delete(next.Rows, k)
		}
		after := stored(t, next)
		shards := maps.Clone(before)
		for i := len(after) - 1; i >= 0; i-- {
			shards[i] = after[i]
			got, err := decodeInventory(shards)
			if err != nil {
				t.Fatalf("%d to %d rows, after shard %d: %v", from, to, i, err)
			}
			for k := range old.Rows {
				if _, stays := next.Rows[k]; stays && got.Rows[k].UID == "" {
					t.Fatalf("%d to %d rows, after shard %d: %v is lost", from, to, i, k)
				}
			}
			again := &Inventory{Header: got.Header, Rows: next.Rows} // the next save, by a process that read this
			settled := maps.Clone(shards)
			maps.Copy(settled, stored(t, again))
			final, err := decodeInventory(settled)
			if err != nil || !reflect.DeepEqual(final.Rows, next.Rows) {
				t.Fatalf("%d to %d rows, cut off after shard %d and saved again: %d rows, want %d (%v)",
					from, to, i, len(final.Rows), len(next.Rows), err)
			}
		}
	}
}

func TestDamageIsAnErrorAndNeverAnEmptyInventory(t *testing.T) {
	whole := func() map[int]shard { return stored(t, inventoryOf(rowsPerShard+1, 1)) }
	rows := string(whole()[0].rows)
	tests := []struct {
		name   string
		damage func(map[int]shard)
	}{
		{"no shards", func(s map[int]shard) { clear(s) }},
		{"first shard missing", func(s map[int]shard) { delete(s, 0) }},
		{"second shard missing", func(s map[int]shard) { delete(s, 1) }},
		{"header missing", func(s map[int]shard) { s[0] = shard{rows: s[0].rows} }},
		{"header of something else", func(s map[int]shard) { s[0] = shard{header: []byte(`{}`), rows: s[0].rows} }},
		{"header without key", func(s map[int]shard) { s[0] = shard{header: []byte(`{"app":"shop","shards":1}`), rows: s[0].rows} }},
		{"odd number of shards", func(s map[int]shard) {
			s[0] = shard{header: []byte(strings.Replace(string(s[0].header), `"shards":2`, `"shards":3`, 1)), rows: s[0].rows}
		}},
		{"rows missing", func(s map[int]shard) { s[0] = shard{header: s[0].header} }},
		{"rows end early", func(s map[int]shard) {
			s[0] = shard{header: s[0].header, rows: []byte(rows[:strings.LastIndex(rows[:len(rows)/2], "\n")+1])}
		}},
		{"a line missing", func(s map[int]shard) {
			_, rest, _ := strings.Cut(rows[strings.Index(rows, "\n")+1:], "\n")
			s[0] = shard{header: s[0].header, rows: []byte(rows[:strings.Index(rows, "\n")+1] + rest)}
		}},
		{"rows twice", func(s map[int]shard) { s[0] = shard{header: s[0].header, rows: []byte(rows + rows)} }},
		{"row without a kind", func(s map[int]shard) { s[1] = shard{rows: []byte(`["","x","","",0,"","",""]` + "\n[1]\n")} }},
		{"a shard nobody can have written", func(s map[int]shard) { s[1<<30] = s[1] }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			shards := whole()
			test.damage(shards)
			if inv, err := decodeInventory(sealed(shards)); err == nil || inv != nil || !errors.Is(err, errCorrupt) {
				t.Errorf("read as %v, %v", inv, err)
			}
		})
	}
}

// sealed makes damage look as if we had written it.
func sealed(shards map[int]shard) map[int]shard {
	var inv Inventory
	_ = json.Unmarshal(shards[0].header, &inv.Header) // without a key it is refused anyway
	for i, s := range shards {
		s.seal = inv.Hash(s.rows)
		shards[i] = s
	}
	return shards
}

func TestRowsThatWereEditedAreNotBelieved(t *testing.T) {
	for i := range 2 {
		shards := stored(t, inventoryOf(rowsPerShard+1, 1))
		s := shards[i]
		edited := strings.Replace(string(s.rows), "1", "2", 1) // as well-formed as it was
		s.rows = []byte(edited)
		shards[i] = s
		if inv, err := decodeInventory(shards); inv != nil || !errors.Is(err, errCorrupt) {
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
		rows := map[Key]Row{}
		if decodeRows(data, rows) != nil {
			return
		}
		again := map[Key]Row{}
		inv := &Inventory{Rows: rows}
		if err := decodeRows(encodeRows(inv.Sorted()), again); err != nil || !reflect.DeepEqual(rows, again) {
			t.Errorf("%v is read, but not again: %v (%v)", rows, again, err)
		}
	})
}

func FuzzDecodeInventory(f *testing.F) {
	whole := stored(f, inventoryOf(4, 1))
	f.Add(whole[0].header, whole[0].rows, 0)
	f.Add([]byte(`{"app":"a","key":"MDEyMzQ1Njc4OTAxMjM0NQ==","shards":1}`), []byte("[0]"), 5)
	f.Add([]byte(`{"app":"a","key":"MDEyMzQ1Njc4OTAxMjM0NQ==","shards":65536}`), []byte("[0]"), -1)
	f.Fuzz(func(t *testing.T, header, rows []byte, extra int) {
		inv, err := decodeInventory(sealed(map[int]shard{0: {header: header, rows: rows}, extra: {header: header, rows: rows}}))
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
		t.Errorf("of no rows: %q", got)
	}
	for i, v := range []string{"9", "100", "", "odd"} {
		ref := cluster.Ref{Kind: configMaps, Name: fmt.Sprint(i)}
		inv.Rows[KeyOf(ref)] = Row{Ref: ref, ResourceVersion: v}
	}
	if got := inv.Newest(); got != "100" {
		t.Errorf("got %q", got)
	}
}
