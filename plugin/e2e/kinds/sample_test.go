package kinds

import "testing"

func TestSamplesAreRead(t *testing.T) {
	if _, err := NewMaker(); err != nil {
		t.Fatal(err)
	}
}
