package action

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Errors that a caller answers by reading again.
var (
	// errMoved means that something changed between reading and writing: read again and recompute.
	errMoved = errors.New("the repository changed meanwhile")
	// errClosed is an errMoved: the pull request is closed.
	errClosed = errors.New("it is closed")
	// errUncertain means that the answer to a write was lost, or says nothing: look what happened before writing
	// again, and only a few times.
	errUncertain = errors.New("it is not certain what happened")
)

// apiError is an answer of GitHub that is not a success.
type apiError struct {
	what    string // "create the commit"
	status  int
	message string // GitHub's words
	need    string // permissions GitHub asks for, "contents=write"
}

func (e *apiError) Error() string {
	if e.status == 0 {
		return fmt.Sprintf("%s: GitHub refused: %s", e.what, e.message)
	}
	return fmt.Sprintf("%s: GitHub answered %d: %s", e.what, e.status, e.message)
}

func (e *apiError) says(text string) bool {
	return strings.Contains(strings.ToLower(e.message), strings.ToLower(text))
}

// answered finds GitHub's answer in err.
func answered(err error) (*apiError, bool) {
	var a *apiError
	return a, errors.As(err, &a)
}

func protected(a *apiError) bool {
	for _, text := range []string{"protected branch", "rule violations", "must be made through a pull request", "required status check", "approving review", "cannot update this protected"} {
		if a.says(text) {
			return true
		}
	}
	return false
}

// droppedError are names that GitHub left out without refusing the request.
type droppedError []string

func (d droppedError) Error() string { return strings.Join(d, ", ") + ": left out by GitHub" }

func missing(want, have []string) []string {
	var out []string
	for _, w := range want {
		if !slices.ContainsFunc(have, func(h string) bool { return strings.EqualFold(h, w) }) {
			out = append(out, w)
		}
	}
	return out
}
