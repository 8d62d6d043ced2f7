package concurrent

import "context"

// Each calls do(0) to do(n-1), at most limit in parallel, and returns when all calls have returned. After ctx ends it starts
// no more calls.
func Each(ctx context.Context, n, limit int, do func(i int)) {
	InOrder(ctx, n, limit, n, do, func(int) {})
}

// InOrder is Each, and also calls then(i) for each call that was started: in order, one at a time, once do(i) and all calls
// before it have returned. About ahead results at most wait for their turn.
func InOrder(ctx context.Context, n, limit, ahead int, do, then func(i int)) {
	type call struct {
		i    int
		done chan struct{}
	}
	calls, turns := make(chan call), make(chan call, ahead)
	for range min(n, limit) { // not one for each call: their stacks would grow anew each time
		go func() {
			for c := range calls {
				do(c.i)
				close(c.done)
			}
		}()
	}
	go func() {
		defer close(turns)
		defer close(calls)
		for i := range n {
			c := call{i, make(chan struct{})}
			if ctx.Err() != nil {
				return
			}
			select {
			case calls <- c:
				turns <- c
			case <-ctx.Done():
				return
			}
		}
	}()
	for c := range turns {
		<-c.done
		then(c.i)
	}
}
