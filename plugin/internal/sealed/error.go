package sealed

import (
	"errors"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
)

// Error returns err with the values masked in its text and its hints: err itself when it shows none. What the error is stays
// known to errors.Is and errors.As.
func (v *Values) Error(err error) error {
	if v == nil || err == nil {
		return err
	}
	return MaskError(err, v.Mask)
}

// MaskError returns err with its text and its hints as mask has them: err itself when that changes nothing.
func MaskError(err error, mask func(string) string) error {
	text, hints := err.Error(), hint.Of(err)
	masked, changed := mask(text), false
	for i, h := range hints {
		hints[i] = mask(h)
		changed = changed || hints[i] != h
	}
	if masked == text && !changed {
		return err
	}
	var out error = &concealed{masked, err}
	for i := len(hints) - 1; i >= 0; i-- { // the outermost is the first
		out = hint.With(out, "%s", hints[i])
	}
	return out
}

// concealed is an error with another text. It does not unwrap: what is inside says more than it may.
type concealed struct {
	text string
	is   error
}

// Error returns the masked text.
func (c *concealed) Error() string { return c.text }

// Is reports what the error is.
func (c *concealed) Is(target error) bool { return errors.Is(c.is, target) }

// As finds a type that the error is.
func (c *concealed) As(target any) bool { return errors.As(c.is, target) }
