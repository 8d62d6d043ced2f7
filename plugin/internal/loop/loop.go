// Package loop repeats runs over one target: at each interval, when Git has a new commit, and when a watch reports a change
// that may be drift.
//
// It decides only when to run. Package reconcile decides what is drift, and what to do about it.
package loop

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// fullEvery is how long watches are relied on before everything is listed again.
const fullEvery = 5 * time.Minute

// loop is the state of Run. Git is polled at each interval, and watches of metadata report drift in between. Without watches,
// or while something has failed or is not healthy, there is a whole run at each interval.
type loop struct {
	*reconcile.Reconciler
	target reconcile.Target
	each   func(reconcile.Outcome)

	wake        chan struct{} // holds one: a run is due
	full        time.Time     // when the last whole run was made
	cannotWatch bool
	ends        time.Time // after this time no run starts; zero is never

	mu            sync.Mutex // held by a run, so that events that it causes are compared with the record it leaves
	session       *reconcile.Session
	watched       map[reconcile.Watch]bool
	stop          context.CancelFunc // of the watches
	rendering     *besideRender      // the render that goes on between the runs, nil when there is none
	renderEnded   bool               // one has ended since the last run
	renderStarted bool               // one was started
}

// besideRender is the render that goes on between the runs.
type besideRender struct {
	stop context.CancelFunc
	done chan struct{} // closed when nothing of it is left
}

// Run repeats runs over a target until duration is over or ctx ends; zero is without end. Git is polled every interval. each
// gets the outcome of every run: one that a watch has caused covers only the apps with changed objects. The last run is
// finished, not interrupted. Run returns the errors of the last run, nil when ctx ends between two runs.
func Run(ctx context.Context, r *reconcile.Reconciler, t reconcile.Target, opts reconcile.Options, interval, duration time.Duration, each func(reconcile.Outcome)) error {
	l := &loop{Reconciler: r, target: t, each: each, wake: make(chan struct{}, 1), stop: func() {}, session: r.Session(t, opts)}
	defer func() { l.stop(); l.endBeside() }()
	if duration > 0 {
		l.ends = r.Now().Add(duration)
	}
	err := l.turn(ctx, false)
	for ctx.Err() == nil {
		next := time.NewTimer(interval)
		select {
		case <-ctx.Done():
			next.Stop()
			return nil // between two runs: nothing is cut off
		case <-l.wake:
			next.Stop()
			err = l.turn(ctx, true)
		case <-next.C:
			if l.isOver() && !l.rendersBeside() {
				return err
			}
			err = l.tick(ctx, err)
		}
	}
	return err
}

func (l *loop) isOver() bool { return !l.ends.IsZero() && l.Now().After(l.ends) }

// rendersBeside reports whether a run must still use the result of a render that goes on between runs.
func (l *loop) rendersBeside() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.rendering != nil || l.renderEnded
}

// tick polls Git, and makes a run when there is a new commit or the watches are not enough.
func (l *loop) tick(ctx context.Context, last error) error {
	if l.cannotWatch || !l.session.AllHealthy() || l.Now().Sub(l.full) > fullEvery {
		return l.turn(ctx, false)
	}
	commit, err := l.Source.Poll(ctx)
	if err == nil && commit == l.session.Commit() && !l.session.Moved(ctx) {
		return last
	}
	return l.turn(ctx, false)
}

// turn makes a run, and watches from where its lists ended. woken says that a watch or a render is the reason: the commit is
// then the known one, unless Git has another by now.
func (l *loop) turn(ctx context.Context, woken bool) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-l.wake: // this run reads what the watch reported
	default:
	}
	commit := ""
	if woken {
		commit = l.session.Commit()
	}
	if len(l.watched) > 0 && !l.cannotWatch && l.session.MayReadOnlyChanged(commit) {
		out, done := l.session.RunChanged(ctx)
		if done || len(out.Apps) > 0 {
			l.each(out)
		}
		if done {
			return out.Failed()
		}
	}
	if commit != "" { // the change may come from another reconciler that has a newer commit
		if now, err := l.Source.Poll(ctx); err == nil {
			commit = now
		}
	}
	l.renderEnded = false
	out := l.session.Run(ctx, commit)
	l.each(out)
	l.renderBeside(ctx)
	l.full = l.Now()
	l.watch(ctx)
	return out.Failed()
}

// watch starts watches from where the lists of the last run ended, unless the current watches cover the same.
func (l *loop) watch(ctx context.Context) {
	from := l.session.Watches()
	if from == nil || l.cannotWatch || ctx.Err() != nil {
		return
	}
	same := len(l.watched) > 0
	for w := range from {
		same = same && l.watched[w]
	}
	if same {
		return
	}
	l.stop()
	ctx, l.stop = context.WithCancel(ctx)
	l.watched = map[reconcile.Watch]bool{}
	for w, version := range from {
		l.watched[w] = true
		go l.follow(ctx, w, version)
	}
}

func (l *loop) follow(ctx context.Context, w reconcile.Watch, after string) {
	err := w.Follow(ctx, after, func(c cluster.Change[*metav1.PartialObjectMetadata]) {
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.session.Changed(ctx, w, c) {
			l.due()
		}
	})
	if ctx.Err() != nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.watched = nil // the next run lists everything and starts anew
	if !errors.Is(err, cluster.ErrCompacted) && !l.cannotWatch {
		l.cannotWatch = true
		if l.Events != nil {
			l.Events(report.Event{Kind: report.Warning, App: l.target.App.Name, Text: fmt.Sprintf("drift is found only once in each interval: %v", err)})
		}
	}
	l.due()
}

func (l *loop) due() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// renderBeside starts the render that waits longest, unless one is under way. That one goes on when there is a new commit: the
// commit may not concern the app, and in a repository with many commits no such render would end. A loop whose time is over
// starts one only if it has started none before.
func (l *loop) renderBeside(ctx context.Context) {
	if l.rendering != nil || l.isOver() && l.renderStarted || ctx.Err() != nil {
		return
	}
	render := l.session.NextRender(ctx)
	if render == nil {
		return
	}
	ctx, stop := context.WithCancel(ctx)
	b := &besideRender{stop, make(chan struct{})}
	l.rendering, l.renderStarted = b, true
	go func() {
		defer stop()
		render(ctx)
		close(b.done)
		l.mu.Lock()
		defer l.mu.Unlock()
		l.rendering, l.renderEnded = nil, ctx.Err() == nil
		l.due()
	}()
}

// endBeside ends the render that goes on between the runs, and waits for its end.
func (l *loop) endBeside() {
	l.mu.Lock()
	b := l.rendering
	l.mu.Unlock()
	if b != nil {
		b.stop()
		<-b.done
	}
}
