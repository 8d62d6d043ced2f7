package main

import (
	"path/filepath"
	"testing"

	"github.com/kubectl-gitops/kubectl-gitops/.ci/release/binary"
)

// TestProgramsStaySmall compares with the sizes that docs/size.md promises.
func TestProgramsStaySmall(t *testing.T) {
	if testing.Short() {
		t.Skip("builds both programs")
	}
	for program, most := range map[string]int{binary.Plugin: 60_000_000, binary.Action: 12_000_000} {
		b, err := binary.Compile(t.Context(), t.Output(), "../..", filepath.Join(t.TempDir(), program), program, binary.Platform{OS: "linux", Arch: "amd64"}, "")
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: %.1f MB", program, float64(len(b.Data))/1e6)
		if len(b.Data) > most {
			t.Errorf("%s has %d bytes, at most %d: docs/size.md says what weighs", program, len(b.Data), most)
		}
	}
}
