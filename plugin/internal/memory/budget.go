package memory

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
)

// MiB is the unit in which memory is given out.
const MiB = 1 << 20

// Least is the smallest share that a child can work with.
const Least = 96 * MiB

// ErrFull is the cause of errors that say that the container has no more memory to give.
var ErrFull = errors.New("not enough memory")

// Budget divides the memory of a container: one eighth stays free, this process keeps at least a quarter, and its children get
// the rest. Where the container has no limit, everybody gets what they ask for. It may be used by several goroutines.
type Budget struct {
	limit   int64             // bytes of the container; 0 for none
	held    func() int64      // bytes that this process has in use
	collect func(limit int64) // sets the limit of the garbage collector
	mu      sync.Mutex        // of what follows
	used    int64             // shares that were given out
	quiet   bool              // the one share that was given out is to stay the only one
	changed chan struct{}     // closed when a share is given back
}

// Share is what one child may use.
type Share struct {
	Bytes  int64
	Whole  bool // a larger one will not be had
	mine   bool // its child has ended, see Keep
	alone  bool
	budget *Budget
}

// OfContainer is the budget of the container in which this process runs. It sets the limit of the garbage collector, below the one in
// GOMEMLIMIT if there is one.
func OfContainer() *Budget {
	given := debug.SetMemoryLimit(-1)
	return New(Container(os.DirFS("/")), inUse, func(limit int64) { debug.SetMemoryLimit(min(limit, given)) })
}

// New returns the budget of a container with a limit, 0 for none. held tells what this process has in use, and collect is told
// what it may.
func New(limit int64, held func() int64, collect func(limit int64)) *Budget {
	b := &Budget{limit: limit, held: held, collect: collect, changed: make(chan struct{})}
	b.tune()
	return b
}

// inUse is what the objects of the heap take, those included that the collector has not freed yet.
func inUse() int64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	return int64(min(sample[0].Value.Uint64(), math.MaxInt64))
}

// Limit returns the bytes of the container, 0 when it has no limit.
func (b *Budget) Limit() int64 { return b.limit }

// Of returns one n-th of what the container has, and most where it has no limit or more than that.
func (b *Budget) Of(n, most int64) int64 {
	if b == nil || b.limit == 0 {
		return most
	}
	return min(most, b.limit/n)
}

func (b *Budget) total() int64 { return b.limit - b.limit/8 }

func (b *Budget) tune() {
	if b.limit > 0 {
		b.collect(max(b.total()-b.used, b.limit/8))
	}
}

// Take waits for a share: half of what all children may have together, or all of it with alone, and never more than most bytes.
// A share that is taken alone stays the only one until it is given back. The error is that of ctx, or one that wraps ErrFull.
func (b *Budget) Take(ctx context.Context, most int64, alone bool) (*Share, error) {
	for collected := false; ; {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		b.mu.Lock()
		if b.limit == 0 {
			b.used += most
			b.mu.Unlock()
			return &Share{Bytes: most, Whole: true, budget: b}, nil
		}
		all := (b.total() - max(b.limit/4, b.held())) / MiB * MiB
		want := all
		if !alone {
			want = max(all/2/MiB*MiB, min(all, Least))
		}
		want = min(want, most)
		switch {
		case b.used > 0 && (alone || b.quiet || b.used+want > all):
			changed := b.changed
			b.mu.Unlock()
			select {
			case <-changed:
			case <-ctx.Done():
			}
			continue
		case want >= min(Least, most):
			s := &Share{Bytes: want, Whole: want == min(all, most), alone: alone, budget: b}
			b.used += want
			b.quiet = alone
			b.tune()
			b.mu.Unlock()
			return s, nil
		}
		b.mu.Unlock()
		if collected {
			return nil, b.full()
		}
		runtime.GC()
		collected = true
	}
}

// Keep gives back all of a share but for bytes, which this process will need for what the child has left it. nil is no share.
func (s *Share) Keep(bytes int64) {
	if s == nil {
		return
	}
	b := s.budget
	b.mu.Lock()
	defer b.mu.Unlock()
	s.mine = true
	bytes = min(bytes, s.Bytes)
	b.used -= s.Bytes - bytes
	s.Bytes = bytes
	if s.alone && bytes == 0 {
		s.alone, b.quiet = false, false
	}
	if b.limit == 0 {
		return
	}
	b.tune()
	close(b.changed)
	b.changed = make(chan struct{})
}

// Release gives a share back.
func (s *Share) Release() { s.Keep(0) }

// Room returns an error that wraps ErrFull unless this process can take n bytes more. The share of its own caller counts as free once
// Keep was called.
func (s *Share) Room(n int64) error {
	if s == nil {
		return nil
	}
	return s.budget.room(n, s)
}

// Room returns an error that wraps ErrFull unless this process can take n bytes more.
func (b *Budget) Room(n int64) error {
	if b == nil {
		return nil
	}
	return b.room(n, nil)
}

func (b *Budget) room(n int64, own *Share) error {
	if b.limit == 0 {
		return nil
	}
	fits := func() bool {
		b.mu.Lock()
		defer b.mu.Unlock()
		others := b.used
		if own != nil && own.mine {
			others -= own.Bytes
		}
		return n <= b.total()-others-b.held()
	}
	if fits() {
		return nil
	}
	runtime.GC()
	if fits() {
		return nil
	}
	return b.full()
}

func (b *Budget) full() error {
	return hint.With(fmt.Errorf("%w: the container has %d MiB for everything", ErrFull, b.limit/MiB),
		"give the container more memory, as in `kubectl gitops install --memory %dMi`, or split what is large into several apps", 2*b.limit/MiB)
}
