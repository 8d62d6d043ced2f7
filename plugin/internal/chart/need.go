package chart

import (
	"crypto/sha256"
	"fmt"
	"strings"

	"github.com/Masterminds/semver/v3"
)

// Need is a chart that has to be fetched from a repository. Version is exact, or a range of which the fetching side takes what a lock
// says, or the newest. Lock is the digest of the Chart.lock that pins it, "" for none. Secret names the Secret with credentials for the
// repository, "" for none.
type Need struct {
	Name, Version, Repository, Lock string
	Secret                          string `json:",omitempty"`
}

// Exact reports whether a version is one version, and no range of them.
func Exact(version string) bool {
	_, err := semver.StrictNewVersion(strings.TrimPrefix(version, "v"))
	return err == nil
}

// String returns "name version from repository".
func (n Need) String() string { return n.Name + " " + n.Version + " from " + n.Repository }

// Key returns a text that differs for different charts, versions and repositories.
func (n Need) Key() string { return n.Repository + " " + n.Name + " " + n.Version }

// Digest returns the digest of the content of a file or archive, as sha256:HEX.
func Digest(data []byte) string { return fmt.Sprintf("sha256:%x", sha256.Sum256(data)) }

// MissingError lists the charts that have to be fetched before a chart can be rendered: its Chart.lock pins them, and they are
// not in charts/.
type MissingError struct {
	File  string // Chart.yaml, as messages call it
	Line  int    // of the first
	Needs []Need
}

// Error returns the names of the missing charts.
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
