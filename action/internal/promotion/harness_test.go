package promotion

import (
	"flag"
	"os"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the generated parts of the documentation")

const chain = `apiVersion: kubectl-gitops.dev/v1alpha1
kind: Promotion
environments:
- {name: dev, path: clusters/dev}
- {name: staging, path: clusters/staging}
- {name: prod, path: clusters/prod}
`

func read(t testing.TB, file string) string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// golden compares what a test printed with a file, or writes the file.
func golden(t *testing.T, file, have string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(have), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want := read(t, file); have != want {
		t.Errorf("printed:\n%s\n%s has:\n%s", have, file, want)
	}
}
