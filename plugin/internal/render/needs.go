package render

import (
	"strings"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/chart"
)

// Dependency is a chart that was fetched. Version is that of the archive, Constraint what was asked for, and Digest the digest of the archive.
// Locked tells that gitops.lock.yaml has this version and digest.
type Dependency struct {
	chart.Need
	Constraint string
	Digest     string
	Locked     bool
}

// needsError is a Problem that goes away when charts are fetched.
type needsError struct {
	problem Problem
	needs   []chart.Need
}

// Error returns what the problem says.
func (e *needsError) Error() string { return e.problem.Error() }

// Unwrap returns the problem with its hint.
func (e *needsError) Unwrap() error {
	return Problems{e.problem}
}

// with adds the needs of another one.
func (e *needsError) with(other *needsError) *needsError {
	if e == nil {
		return other
	}
	return &needsError{e.problem, append(e.needs, other.needs...)}
}

func join(needs []chart.Need) string {
	names := make([]string, len(needs))
	for i, n := range needs {
		names[i] = n.String()
	}
	return strings.Join(names, ", ")
}
