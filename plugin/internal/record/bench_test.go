package record

import "testing"

// BenchmarkInventory reads and writes the rows of 1,000 objects, as every run does once.
func BenchmarkInventory(b *testing.B) {
	inv := inventoryOf(1000, 1)
	shards := stored(b, inv)
	b.Run("decode", func(b *testing.B) {
		for b.Loop() {
			if _, err := Decode(shards); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("encode", func(b *testing.B) {
		for b.Loop() {
			if _, err := inv.Encode(); err != nil {
				b.Fatal(err)
			}
		}
	})
}
