package reconcile

import "context"

// errInterrupted ends a pass that was told to stop.
var errInterrupted = interruptedError{}

type interruptedError struct{}

func (interruptedError) Error() string {
	return "interrupted: no more was written; the next run continues"
}

func (interruptedError) Is(target error) bool { return target == context.Canceled }
