// Package hint attaches to an error what its reader can do about it. It prints nothing.
package hint

import (
	"errors"
)

type hinted struct {
	err  error
	hint string
}

func (h *hinted) Error() string { return h.err.Error() }
func (h *hinted) Unwrap() error { return h.err }

// With returns err carrying a hint: one sentence, lower-case, no full stop. The text of the error does not change. With
// an empty hint it returns err itself.
func With(err error, hint string) error {
	if hint == "" {
		return err
	}
	return &hinted{err, hint}
}

// Of returns the outermost hint of err and of everything it wraps, "" when there is none.
func Of(err error) string {
	var h *hinted
	if errors.As(err, &h) {
		return h.hint
	}
	return ""
}
