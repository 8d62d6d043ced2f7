package git

import (
	"context"
	"io"

	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
)

// session is the reading half of go-git's transport.UploadPackSession.
type session interface {
	AdvertisedReferencesContext(context.Context) (*packp.AdvRefs, error)
	UploadPack(context.Context, *packp.UploadPackRequest) (*packp.UploadPackResponse, error)
	io.Closer
}

// limitedReader fails, rather than ends, after n bytes.
type limitedReader struct {
	r    io.Reader
	n    int64
	over error // after that
}

func (l *limitedReader) Read(p []byte) (int, error) {
	if int64(len(p)) > l.n+1 {
		p = p[:l.n+1]
	}
	n, err := l.r.Read(p)
	if l.n -= int64(n); l.n < 0 {
		return 0, l.over
	}
	return n, err
}
