package bumper

import (
	"fmt"
	"strings"
)

// Refusal is one place that cannot be edited safely. Line and Column are 0 when it is about the whole file.
type Refusal struct {
	File         string
	Line, Column int
	Path         string // YAML path, may be ""
	Reason       string // one sentence, lower-case, no full stop
	Hint         string // what to do about it, may be ""
}

// Error returns file:line:column: path: reason, without the hint.
func (r Refusal) Error() string {
	var b strings.Builder
	b.WriteString(r.File)
	if r.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", r.Line, r.Column)
	}
	if r.Path != "" {
		b.WriteString(": " + r.Path)
	}
	b.WriteString(": " + r.Reason)
	return b.String()
}

// Refusals is everything that was refused, sorted by file and position. It is never empty when returned as an error.
type Refusals []Refusal

// Error returns one line for each refusal.
func (r Refusals) Error() string { return lines(r, Refusal.Error) }

// NotFoundError says that no file names an image.
type NotFoundError struct {
	Image string   // as the request wrote it
	Near  []string // names that are in the files and look like it, best first, at most 5
	// Elsewhere are the places, file:line, that name it where Bump does not edit images: in a text, an argument or a comment. At most 5.
	Elsewhere []string
	Hint      string
}

// Error names the image, the names that are near, and the texts that name it.
func (e *NotFoundError) Error() string {
	s := fmt.Sprintf("image %s: not found in any file", e.Image)
	if len(e.Near) > 0 {
		s += "; similar: " + strings.Join(e.Near, ", ")
	}
	if len(e.Elsewhere) > 0 {
		s += "; only text names it: " + strings.Join(e.Elsewhere, ", ")
	}
	return s
}

// DowngradeError lists the edits that would go back to an older tag. Edits have their new values, nothing was changed.
type DowngradeError struct{ Edits []Edit }

// Error returns one line for each edit.
func (e *DowngradeError) Error() string {
	return lines(e.Edits, func(d Edit) string {
		return fmt.Sprintf("%s:%d:%d: %s: %s is older than %s", d.File, d.Line, d.Column, d.Before.Name, d.After.Tag, d.Before.Tag)
	})
}

// ConflictError says that the request wants two values for one thing.
type ConflictError struct {
	What string // an image name, or file:path
	A, B string // the two values
}

// Error names the thing and both values.
func (e *ConflictError) Error() string {
	return fmt.Sprintf("%s: two values requested, %s and %s", e.What, e.A, e.B)
}

func lines[T any](items []T, line func(T) string) string {
	out := make([]string, len(items))
	for i, item := range items {
		out[i] = line(item)
	}
	return strings.Join(out, "\n")
}
