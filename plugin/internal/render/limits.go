package render

import (
	"errors"
	"fmt"
	"path"
	"strconv"
	"time"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/manifest"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/memory"
)

// Limits bound what one render may read and produce. Sizes are in bytes. Zero stands for the default.
type Limits struct {
	FileBytes  int64 // one file; default 16 MiB
	TotalBytes int64 // all files together; default 128 MiB
	Objects    int   // rendered objects; default 20,000
	Depth      int   // directories below the path, values inside values, bases below bases; default 256

	// Of Isolated only.
	Memory int64         // bytes of memory of the child; default 1 GiB
	Time   time.Duration // default two minutes
}

const defaultMemoryBytes = 1 << 30

// DefaultTime is the time limit of a render of Isolated when Limits.Time is zero.
const DefaultTime = 2 * time.Minute

func (l Limits) withDefaults() Limits {
	if l.FileBytes == 0 {
		l.FileBytes = 16 << 20
	}
	if l.TotalBytes == 0 {
		l.TotalBytes = 128 << 20
	}
	if l.Objects == 0 {
		l.Objects = 20_000
	}
	if l.Depth == 0 {
		l.Depth = 256
	}
	if l.Memory == 0 {
		l.Memory = defaultMemoryBytes
	}
	if l.Time == 0 {
		l.Time = DefaultTime
	}
	return l
}

// size writes a number of bytes in the largest unit of which it is a whole number.
func size(n int64) string {
	switch {
	case n >= 1<<30 && n%(1<<30) == 0:
		return fmt.Sprintf("%d GiB", n>>30)
	case n >= 1<<20 && n%(1<<20) == 0:
		return fmt.Sprintf("%d MiB", n>>20)
	case n >= 1<<10 && n%(1<<10) == 0:
		return fmt.Sprintf("%d KiB", n>>10)
	}
	return grouped(n) + " bytes"
}

// grouped writes a number with commas between thousands.
func grouped(n int64) string {
	text := strconv.FormatInt(n, 10)
	for at := len(text) - 3; at > 0; at -= 3 {
		text = text[:at] + "," + text[at:]
	}
	return text
}

// within names the directory in an error of the budget.
func within(dir string, err error) error {
	if errors.Is(err, memory.ErrFull) {
		return fmt.Errorf("rendering %s: %w", manifest.Printable(path.Clean(dir)), err)
	}
	return err
}
