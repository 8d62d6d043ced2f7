package record

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
)

// KeptHook is a hook that runs when its app is removed, and is no longer in Git by then. Object has no name when the
// manifest has a generateName.
type KeptHook struct {
	Object   object.Ref      `json:"object"`
	Manifest json.RawMessage `json:"manifest"`
}

const (
	// MaxKept is how many bytes the hooks that a record keeps may have, compressed. They are read with every list of the
	// records, and lie in one Secret with rows.
	MaxKept = 64 << 10
	// maxUnpacked bounds what a damaged record can make us unpack.
	maxUnpacked = 4 << 20
)

// PackHooks returns the form in which a record keeps hooks: the same for the same hooks, empty for none.
func PackHooks(list []KeptHook) ([]byte, error) {
	if len(list) == 0 {
		return []byte{}, nil
	}
	raw, err := json.Marshal(list)
	if err != nil {
		return nil, err
	}
	if len(raw) > maxUnpacked {
		return raw, nil // far beyond MaxKept, whatever it shrinks to
	}
	var out bytes.Buffer
	zip, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := zip.Write(raw); err != nil {
		return nil, err
	}
	err = zip.Close()
	return out.Bytes(), err
}

// KeptHooks unpacks the hooks that the record keeps.
func (h *Hooks) KeptHooks() ([]KeptHook, error) {
	if len(h.Kept) == 0 {
		return nil, nil
	}
	zip, err := gzip.NewReader(bytes.NewReader(h.Kept))
	if err != nil {
		return nil, fmt.Errorf("%w: hooks: %w", errCorrupt, err)
	}
	raw, err := io.ReadAll(io.LimitReader(zip, maxUnpacked))
	if err != nil {
		return nil, fmt.Errorf("%w: hooks: %w", errCorrupt, err)
	}
	var list []KeptHook
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, fmt.Errorf("%w: hooks: %w", errCorrupt, err)
	}
	return list, nil
}
