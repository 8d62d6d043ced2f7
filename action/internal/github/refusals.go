package github

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Errors that a caller answers by reading the repository again.
var (
	// ErrMoved means that something changed between reading and writing: read again and recompute.
	ErrMoved = errors.New("the repository changed meanwhile")
	// ErrClosed comes with ErrMoved: the pull request is closed.
	ErrClosed = errors.New("it is closed")
	// ErrUncertain means that the answer to a write was lost, or says nothing: look what happened before writing
	// again, and only a few times.
	ErrUncertain = errors.New("it is not certain what happened")
)

// Error is an answer of GitHub that is not a success.
type Error struct {
	what    string // "create the commit"
	Status  int
	message string // GitHub's words
	Need    string // permissions GitHub asks for, "contents=write"
}

// Error says what failed, and GitHub's status and words.
func (e *Error) Error() string {
	if e.Status == 0 {
		return fmt.Sprintf("%s: GitHub refused: %s", e.what, e.message)
	}
	return fmt.Sprintf("%s: GitHub answered %d: %s", e.what, e.Status, e.message)
}

// Says says whether GitHub's words contain a text, in any case.
func (e *Error) Says(text string) bool {
	return strings.Contains(strings.ToLower(e.message), strings.ToLower(text))
}

// Answered finds GitHub's answer in err.
func Answered(err error) (*Error, bool) {
	var a *Error
	return a, errors.As(err, &a)
}

// Protected says whether a rule of the repository forbids what was asked for.
func Protected(a *Error) bool {
	for _, text := range []string{"protected branch", "rule violations", "must be made through a pull request", "required status check", "approving review", "cannot update this protected"} {
		if a.Says(text) {
			return true
		}
	}
	return false
}

// Dropped are names that GitHub left out without refusing the request.
type Dropped []string

// Error lists the names.
func (d Dropped) Error() string { return strings.Join(d, ", ") + ": left out by GitHub" }

// Missing returns the names of want that are not in have. GitHub's labels and logins are the same in any case.
func Missing(want, have []string) []string {
	var out []string
	for _, w := range want {
		if !slices.ContainsFunc(have, func(h string) bool { return strings.EqualFold(h, w) }) {
			out = append(out, w)
		}
	}
	return out
}
