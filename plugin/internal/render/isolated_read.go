package render

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/chart"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/memory"
)

// Read gives text, which a stranger may have written, to a child that has all the memory of Isolated. It returns what the
// Reader of that child returns for text and n.
func (i Isolated) Read(ctx context.Context, text io.Reader, n chart.Need) (json.RawMessage, error) {
	r := request{Path: "what " + n.Repository + " sent", Read: &n, text: text, Options: Options{Limits: Limits{}.withDefaults()}}
	var share *memory.Share
	if i.Memory != nil {
		var err error
		if share, err = i.Memory.Take(ctx, r.Options.Limits.Memory, true); err != nil {
			return nil, err
		}
		r.Options.Limits.Memory = share.Bytes
	}
	defer share.Release()
	said, err := i.askWithin(ctx, nil, r, share)
	switch {
	case err == nil:
		err = said.refusal
	case errors.Is(err, errMemory):
		err = hint.Errorf(fmt.Sprintf("%s needs more than %s of memory to be read", r.Path, size(r.Options.Limits.Memory)),
			"commit the chart's archive in charts/ instead")
	}
	return said.found, err
}

// source keeps the error of a reader, which is another than that of who it is copied to.
type source struct {
	io.Reader
	failure error
}

// Read implements io.Reader.
func (s *source) Read(p []byte) (int, error) {
	n, err := s.Reader.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		s.failure = err
	}
	return n, err
}

// textError says that what a child should read could not be had.
type textError struct{ error }
