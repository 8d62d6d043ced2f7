package concurrent

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"
)

func TestPipelineKeepsOrder(t *testing.T) {
	const n, limit, ahead = 200, 8, 16
	var running, most, finished atomic.Int32
	var done []int
	first := make(chan struct{})
	InOrder(t.Context(), n, limit, ahead, func(i int) {
		now := running.Add(1)
		for most.Load() < now && !most.CompareAndSwap(most.Load(), now) {
		}
		if i == 0 {
			<-first // everything behind it has to wait for its turn
		}
		running.Add(-1)
		if finished.Add(1) == ahead {
			close(first)
		}
	}, func(i int) {
		if i == 0 && finished.Load() > ahead+limit+1 {
			t.Errorf("%d results waited for the first one, not about %d", finished.Load(), ahead)
		}
		done = append(done, i)
	})
	if len(done) != n || !slices.IsSorted(done) {
		t.Errorf("the results came as %v", done)
	}
	if most.Load() > limit {
		t.Errorf("%d ran at once, not %d", most.Load(), limit)
	}
}

func TestPipelineEndsWithContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	var started, settled atomic.Int32
	InOrder(ctx, 100, 4, 8, func(i int) {
		if started.Add(1) == 10 {
			cancel()
		}
	}, func(int) { settled.Add(1) })
	if started.Load() >= 100 || started.Load() != settled.Load() {
		t.Errorf("%d were started and %d settled", started.Load(), settled.Load())
	}
}
