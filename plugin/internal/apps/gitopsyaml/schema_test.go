package gitopsyaml

import (
	"bytes"
	"os"
	"testing"
)

const published = "../../../../docs/gitops.schema.json"

// The published schema is that of the types. UPDATE_SCHEMA=1 writes it anew.
func TestSchemaIsPublished(t *testing.T) {
	want, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	if os.Getenv("UPDATE_SCHEMA") != "" {
		if err := os.WriteFile(published, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(published)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("docs/gitops.schema.json is not that of the types: UPDATE_SCHEMA=1 go test ./plugin/internal/apps/gitopsyaml -run TestSchema")
	}
}
