package wait

import (
	"context"
	"fmt"
	"time"
)

// Sleep waits for d. It returns the error of ctx when ctx ends first.
func Sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// Lingering returns a context that ends grace after ctx does. A write that was already sent gets its answer, so that the
// record says what the cluster holds. The caller must call the cancel function.
func Lingering(ctx context.Context, grace time.Duration) (context.Context, context.CancelFunc) {
	out, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(grace, cancel) })
	return out, func() { stop(); cancel() }
}

// ErrInterrupted ends the pass of an app when the process was told to stop. errors.Is(ErrInterrupted, context.Canceled) is
// true.
var ErrInterrupted = interruptedError{}

type interruptedError struct{}

// Error says that the next run continues.
func (interruptedError) Error() string {
	return "interrupted: nothing more was written; the next run continues"
}

// Is makes the error match context.Canceled.
func (interruptedError) Is(target error) bool { return target == context.Canceled }

// Age formats a duration for people, in one unit: seconds below two minutes, then minutes, hours or days.
func Age(d time.Duration) string {
	switch {
	case d < 2*time.Minute:
		return fmt.Sprintf("%ds", int(d.Round(time.Second).Seconds()))
	case d < 2*time.Hour:
		return fmt.Sprintf("%dm", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh", int(d.Hours()))
	}
	return fmt.Sprintf("%dd", int(d.Hours()/24))
}

// WriteGrace is how long a write that was already sent may still take after an interrupt.
const WriteGrace = 4 * time.Second

// SaveGrace is how long saving the record may take after an interrupt.
const SaveGrace = 4 * time.Second
