package manifest

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
)

// Problem is one refusal.
type Problem struct {
	Origin  Origin
	Object  string // Object.ID; empty when the problem is about the file
	Message string // never holds a value of a Secret
	Hint    string // what to do about it; may be empty

	Elsewhere bool `json:",omitempty"` // the files alone do not cause it: a server did not answer, or a key is missing
}

// ErrElsewhere is what errors are whose cause may be gone although the files are the same.
var ErrElsewhere = errors.New("the cause is elsewhere")

// Is tells that a problem whose cause is elsewhere is an ErrElsewhere.
func (p Problem) Is(target error) bool { return target == ErrElsewhere && p.Elsewhere }

// Error returns "file:line: object: message", leaving out the parts that are not known.
func (p Problem) Error() string {
	if p.Object == "" {
		return fmt.Sprintf("%s: %s", p.Origin, p.Message)
	}
	return fmt.Sprintf("%s: %s: %s", p.Origin, p.Object, p.Message)
}

// Problems are all refusals of one render.
type Problems []Problem

// Error returns one line per problem.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap returns each problem with its hint attached, for errors.As and hint.Of.
func (ps Problems) Unwrap() []error {
	errs := make([]error, len(ps))
	for i, p := range ps {
		errs[i] = p
		if p.Hint != "" {
			errs[i] = hint.With(p, "%s", p.Hint)
		}
	}
	return errs
}

// Sorted returns the problems by file and line, each once.
func (ps Problems) Sorted() Problems {
	slices.SortStableFunc(ps, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Origin.File, b.Origin.File), cmp.Compare(a.Origin.Line, b.Origin.Line))
	})
	seen := map[Problem]bool{}
	return slices.DeleteFunc(ps, func(p Problem) bool {
		again := seen[p]
		seen[p] = true
		return again
	})
}
