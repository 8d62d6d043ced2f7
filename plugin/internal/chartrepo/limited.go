package chartrepo

import (
	"fmt"
	"io"
	"net/url"
)

// limited is a body that fails, rather than ends, after that many bytes.
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

func (l *limited) Read(p []byte) (int, error) {
	if int64(len(p)) > l.left+1 {
		p = p[:l.left+1]
	}
	n, err := l.ReadCloser.Read(p)
	if l.left -= int64(n); l.left < 0 {
		return 0, &largeError{l.from, l.limit}
	}
	return n, err
}
