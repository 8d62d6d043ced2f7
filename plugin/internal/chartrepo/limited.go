package chartrepo

import (
	"errors"
	"fmt"
	"io"
	"net/url"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
)

// limited is a body that fails, rather than ends, after that many bytes. Its errors name the address.
type limited struct {
	io.ReadCloser
	left  int64
	limit int64
	from  *url.URL
}

// largeError says that an answer is too large.
type largeError struct {
	from  *url.URL
	limit int64
}

// Error names the address and the limit.
func (e *largeError) Error() string {
	return fmt.Sprintf("%s is larger than %d MiB", e.from.Redacted(), e.limit>>20)
}

// brokenError says that an answer ended before its end.
type brokenError struct {
	from  *url.URL
	bytes int64
	cause error
}

// Error names the address and how far the answer came.
func (e *brokenError) Error() string {
	why := "the connection was cut off"
	if !errors.Is(e.cause, io.ErrUnexpectedEOF) {
		why = e.cause.Error()
	}
	return fmt.Sprintf("%s: %s after %d bytes", e.from.Redacted(), why, e.bytes)
}

// Unwrap returns the error of the connection.
func (e *brokenError) Unwrap() error { return e.cause }

// Read implements io.Reader.
func (l *limited) Read(p []byte) (int, error) {
	if int64(len(p)) > l.left+1 {
		p = p[:l.left+1]
	}
	n, err := l.ReadCloser.Read(p)
	if l.left -= int64(n); l.left < 0 {
		return 0, &largeError{l.from, l.limit}
	}
	named := (*largeError)(nil)
	broken := (*brokenError)(nil)
	if err != nil && !errors.Is(err, io.EOF) && !errors.As(err, &named) && !errors.As(err, &broken) {
		err = hint.With(&brokenError{l.from, l.limit - l.left, err}, "nothing of it was kept: the next run fetches it again")
	}
	return n, err
}
