// Package hint attaches to an error what its reader can do about it. It formats and prints nothing: the one
// printer of errors and hints is in package plugin.
package hint

import (
	"errors"
	"fmt"
)

type hinted struct {
	error
	hint string
}

// Unwrap returns the error without its hint.
func (h *hinted) Unwrap() error { return h.error }

// With returns err carrying a hint: one sentence, lower-case, no full stop. A nil err stays nil. The text of the
// error does not change.
func With(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return &hinted{err, fmt.Sprintf(format, args...)}
}

// Errorf is With(errors.New(message), format, args...) for errors that wrap nothing.
func Errorf(message, format string, args ...any) error {
	return With(errors.New(message), format, args...)
}

// Of returns the hints of err and of everything it wraps, outermost first, each once.
func Of(err error) []string {
	var hints []string
	seen := map[string]bool{}
	var walk func(error)
	walk = func(err error) {
		if h, ok := err.(*hinted); ok && !seen[h.hint] {
			seen[h.hint] = true
			hints = append(hints, h.hint)
		}
		switch u := err.(type) {
		case interface{ Unwrap() error }:
			if inner := u.Unwrap(); inner != nil {
				walk(inner)
			}
		case interface{ Unwrap() []error }:
			for _, inner := range u.Unwrap() {
				walk(inner)
			}
		}
	}
	if err != nil {
		walk(err)
	}
	return hints
}
