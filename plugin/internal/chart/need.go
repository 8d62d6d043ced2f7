package chart

import (
	"crypto/sha256"
	"fmt"
	"strings"
)

// Need is a chart that another depends on and that has to be fetched: one version of one repository. Lock is the digest
// of the Chart.lock that pins it.
type Need struct{ Name, Version, Repository, Lock string }

// String returns "name version from repository".
func (n Need) String() string { return n.Name + " " + n.Version + " from " + n.Repository }

// Key identifies the need.
func (n Need) Key() string { return n.Repository + " " + n.Name + " " + n.Version }

// Digest is how the content of a file or archive is named.
func Digest(data []byte) string { return fmt.Sprintf("sha256:%x", sha256.Sum256(data)) }

// MissingError says that a chart needs others, which are pinned by its Chart.lock but not in charts/.
type MissingError struct {
	File  string // Chart.yaml, as messages call it
	Line  int    // of the first
	Needs []Need
}

// Error names the needs.
func (e *MissingError) Error() string {
	names := make([]string, len(e.Needs))
	for i, n := range e.Needs {
		names[i] = n.String()
	}
	return fmt.Sprintf("%s:%d: dependencies are not in charts/: %s", e.File, e.Line, strings.Join(names, ", "))
}

// Resolver finds dependencies that are not in charts/.
type Resolver interface {
	// Local returns the files of the chart at a path relative to the directory of a Chart.yaml, which messages call file,
	// for a repository of the form file://path.
	Local(file, path string) ([]File, error)
	// Archive returns what was fetched for a need, nil when it was not.
	Archive(Need) []byte
}
