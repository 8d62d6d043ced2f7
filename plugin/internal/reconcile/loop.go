package reconcile

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
)

// fullEvery is how long a loop trusts its watches before it lists everything again.
const fullEvery = 5 * time.Minute

// loop keeps one app equal to Git. Git is polled at each interval; drift is brought by watches of metadata, which only
// wake a pass: what is drift is decided there. Without watches, or while something is failed or not healthy, a whole
// pass is made at each interval.
type loop struct {
	*Reconciler
	app  App
	each func(AppReport, error)

	wake  chan struct{} // holds one: a pass is due
	full  time.Time     // when the last pass was made
	calm  bool          // the last pass succeeded, all is healthy
	blind bool          // watching is not possible

	mu      sync.Mutex // held by a pass: events that it causes are judged by the record it leaves
	rec     *record.Record
	apps    map[string]string
	dirty   map[record.Key]bool // what the watches have brought up since the last pass
	sound   bool                // the last pass succeeded
	commit  string
	watched map[scope]bool
	stop    context.CancelFunc
}

// Loop repeats passes over app until the duration is over or ctx ends; zero is without end. each gets the report and
// error of every pass. The last pass is finished, not cut off. It returns the error of the last pass.
func (r *Reconciler) Loop(ctx context.Context, app App, interval, duration time.Duration, each func(AppReport, error)) error {
	l := &loop{Reconciler: r, app: app, each: each, wake: make(chan struct{}, 1), stop: func() {}}
	defer func() { l.stop() }()
	end := r.Now().Add(duration)
	err := l.pass(ctx, "")
	for ctx.Err() == nil {
		next := time.NewTimer(interval)
		select {
		case <-ctx.Done():
			next.Stop()
			return nil // between two passes: nothing is cut off
		case <-l.wake:
			next.Stop()
			err = l.pass(ctx, l.commit)
		case <-next.C:
			if duration > 0 && r.Now().After(end) {
				return err
			}
			err = l.tick(ctx, err)
		}
	}
	return err
}

// tick polls Git, and makes a pass when there is a new commit or the watches are not enough.
func (l *loop) tick(ctx context.Context, last error) error {
	if l.blind || !l.calm || l.Now().Sub(l.full) > fullEvery {
		return l.pass(ctx, "")
	}
	commit, err := l.Source.Poll(ctx)
	if err == nil && commit == l.commit {
		return last
	}
	return l.pass(ctx, "")
}

// pass makes a pass, at commit when that is known, and watches what it found.
func (l *loop) pass(ctx context.Context, commit string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-l.wake: // this pass sees what it was about
	default:
	}
	options := Options{Cause: record.CauseSchedule, Loop: true, Commit: commit, drift: l.narrow(commit), forgive: l.sound}
	l.dirty = map[record.Key]bool{}
	p := l.newPass(ctx, l.app, options)
	report, err := p.finish(p.runStages(ctx))
	l.each(report, err)
	if options.drift == nil {
		l.full = l.Now()
	}
	l.calm, l.sound = false, err == nil && report.Suspended == nil
	if p.rec == nil || p.rec.Inventory == nil {
		return err
	}
	l.calm = l.sound && p.rec.Settled
	if err == nil {
		l.commit = p.commit
	}
	l.rec, l.apps = p.rec, p.apps
	l.watch(ctx, p)
	return err
}

// narrow says which objects a pass may confine itself to: those the watches have brought up, when the last pass
// succeeded and the watches have run without a gap since. nil is everything.
func (l *loop) narrow(commit string) *driftOnly {
	if commit == "" || !l.sound || len(l.watched) == 0 || len(l.dirty) == 0 || l.blind || l.rec.Pending || l.rec.Due != "" || l.rec.Revision.Commit != commit {
		return nil
	}
	return &driftOnly{rec: l.rec, apps: l.apps, keys: slices.Collect(maps.Keys(l.dirty))}
}

// watch starts watches from where the lists of p ended, unless those that run cover the same.
func (l *loop) watch(ctx context.Context, p *pass) {
	same := len(l.watched) > 0
	for s := range p.live.versions {
		same = same && l.watched[s]
	}
	if same || l.blind || ctx.Err() != nil {
		return
	}
	l.stop()
	ctx, l.stop = context.WithCancel(ctx)
	l.watched = map[scope]bool{}
	for s, version := range p.live.versions {
		l.watched[s] = true
		go l.watchScope(ctx, s, version)
	}
}

func (l *loop) watchScope(ctx context.Context, s scope, after string) {
	err := l.Cluster.Watch(ctx, s.kind, s.namespace, record.LabelPartOf, after, func(c cluster.Change) { l.changed(ctx, s.kind, c) })
	if ctx.Err() != nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.watched = nil // the next pass lists everything and starts anew
	if !errors.Is(err, cluster.ErrCompacted) && !l.blind {
		l.blind = true
		l.tell(Warning, l.app.Name, "drift is found at each interval only: %v", err)
	}
	l.due()
}

// changed wakes a pass when a change of a member may be drift.
func (l *loop) changed(ctx context.Context, k cluster.Kind, c cluster.Change) {
	l.mu.Lock()
	defer l.mu.Unlock()
	u := c.Object
	key := record.Key{Group: k.Group, Kind: k.Kind, Namespace: u.Namespace, Name: u.Name}
	row, ours := l.rec.Rows[key]
	if !ours || notNewer(u.ResourceVersion, row.ResourceVersion) {
		return
	}
	if c.Gone {
		l.dirty[key] = true
		l.due()
		return
	}
	s := newSnapshot()
	s.add(k, u)
	id := l.Records.ID(l.app.Name)
	v := judge(l.rec.Inventory, row, s, id)
	if v == undecided && l.readValues(ctx, s, []cluster.Ref{row.Ref}, id) == nil {
		if v = judge(l.rec.Inventory, row, s, id); v == clean {
			row.ResourceVersion = s.objects[key].GetResourceVersion()
			l.rec.Rows[key] = row
		}
	}
	if v != clean {
		l.dirty[key] = true
		l.due()
	}
}

func (l *loop) due() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// notNewer compares resourceVersions, which count up in one cluster.
func notNewer(version, than string) bool {
	a, errA := strconv.ParseUint(version, 10, 64)
	b, errB := strconv.ParseUint(than, 10, 64)
	return errA == nil && errB == nil && a <= b
}
