package render

import (
	"strings"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/chart"
)

// Dependency is a fetched chart that another chart depends on, with the digest of its archive.
type Dependency struct {
	chart.Need
	Digest string
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

func join(needs []chart.Need) string {
	names := make([]string, len(needs))
	for i, n := range needs {
		names[i] = n.String()
	}
	return strings.Join(names, ", ")
}
