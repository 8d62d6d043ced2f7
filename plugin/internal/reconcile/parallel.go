package reconcile

import (
	"context"
	"sync"
)

// errInterrupted ends a pass that was told to stop.
var errInterrupted = interruptedError{}

type interruptedError struct{}

func (interruptedError) Error() string {
	return "interrupted: no more was written; the next run continues"
}

func (interruptedError) Is(target error) bool { return target == context.Canceled }

// parallel calls do(0..n-1), at most limit at once, and returns when all calls did. Once ctx ends no call is started.
func parallel(ctx context.Context, n, limit int, do func(i int)) {
	var wg sync.WaitGroup
	slots := make(chan struct{}, limit)
	for i := range n {
		if !taken(ctx, slots) {
			break
		}
		wg.Go(func() {
			defer func() { <-slots }()
			do(i)
		})
	}
	wg.Wait()
}

// pipeline is parallel, and calls then(i) for each call that was started, in order and one at a time, as soon as do(i)
// and all calls before it have returned. No more than ahead results wait for their turn.
func pipeline(ctx context.Context, n, limit, ahead int, do, then func(i int)) {
	turns := make(chan chan struct{}, ahead)
	go func() {
		defer close(turns)
		slots := make(chan struct{}, limit)
		for i := range n {
			if !taken(ctx, slots) {
				return
			}
			done := make(chan struct{})
			turns <- done
			go func() {
				defer close(done)
				defer func() { <-slots }()
				do(i)
			}()
		}
	}()
	i := 0
	for done := range turns {
		<-done
		then(i)
		i++
	}
}

// taken waits for a free slot and takes it, unless ctx ends.
func taken(ctx context.Context, slots chan<- struct{}) bool {
	select {
	case slots <- struct{}{}:
	case <-ctx.Done():
	}
	return ctx.Err() == nil
}
