package reconcile

import (
	"context"
	"time"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
)

// Loop repeats passes over app, a new one interval after the last one started, until the duration is over or ctx
// ends; zero means without end. each gets every report and error. The last pass is finished, not cut off, when the
// duration is over. It returns the last error.
func (r *Reconciler) Loop(ctx context.Context, app App, interval, duration time.Duration, each func(AppReport, error)) error {
	end := r.Now().Add(duration)
	for {
		started := r.Now()
		report, err := r.Run(ctx, app, Options{Cause: record.CauseSchedule, Watch: true})
		each(report, err)
		if ctx.Err() != nil {
			return err
		}
		next := started.Add(interval)
		if duration > 0 && next.After(end) {
			return err
		}
		if sleep(ctx, max(0, next.Sub(r.Now()))) != nil {
			return nil // told to stop between two passes: nothing is cut off
		}
	}
}
