package reconcile

import (
	"context"
	"errors"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/live"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/plan"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/build"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/pass"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// fullEvery is how long a loop trusts its watches before it lists everything again.
const fullEvery = 5 * time.Minute

// Loop repeats passes over the apps of a target until the duration is over or ctx ends; zero is without end. each gets
// the outcome of every turn; one that drift has caused covers the apps that drifted. The last turn is finished, not cut
// off. Loop returns the errors of the last turn.
func (r *Reconciler) Loop(ctx context.Context, t Target, opts Options, interval, duration time.Duration, each func(Outcome)) error {
	own := opts.forPasses()
	own.Cause, own.Loop = report.CauseSchedule, true
	l := &loop{Reconciler: r, target: t, opts: own, each: each, wake: make(chan struct{}, 1), stop: func() {}}
	defer func() { l.stop(); l.endBeside() }()
	if duration > 0 {
		l.ends = r.Now().Add(duration)
	}
	err := l.turn(ctx, "")
	for ctx.Err() == nil {
		next := time.NewTimer(interval)
		select {
		case <-ctx.Done():
			next.Stop()
			return nil // between two passes: nothing is cut off
		case <-l.wake:
			next.Stop()
			err = l.turn(ctx, l.commit)
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

// rendersBeside tells whether a turn is still to take up the result of a render that goes on beside them.
func (l *loop) rendersBeside() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.rendering != nil || l.renderEnded
}

// tick polls Git, and makes a turn when there is a new commit or the watches are not enough.
func (l *loop) tick(ctx context.Context, last error) error {
	if l.cannotWatch || !l.allHealthy || l.Now().Sub(l.full) > fullEvery {
		return l.turn(ctx, "")
	}
	commit, err := l.Source.Poll(ctx)
	if err == nil && commit == l.commit {
		return last
	}
	return l.turn(ctx, "")
}

// turn makes a pass over each app that needs one, at commit when that is known, and watches what it found.
func (l *loop) turn(ctx context.Context, commit string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-l.wake: // this turn sees what it was about
	default:
	}
	if l.mayReadOnlyChanged(commit) {
		if done, err := l.onlyChanged(ctx); done {
			return err
		}
	}
	if commit != "" { // what woke us may be another reconciler, that knows a newer commit
		if now, err := l.Source.Poll(ctx); err == nil {
			commit = now
		}
	}
	opts := l.opts
	opts.Commit, opts.Forgive = commit, l.lastRunOK
	rd := l.newRun(l.target, opts)
	l.renderEnded = false
	out := rd.all(ctx)
	err := out.Failed()
	l.each(out)
	l.renderBeside(ctx, rd)
	l.full, l.listed = l.Now(), out.Listed
	l.allHealthy, l.lastRunOK = false, err == nil
	if len(rd.passes) == 0 || slices.ContainsFunc(rd.passes, func(p *pass.Pass) bool { return p.Record == nil || p.Record.Inventory == nil }) {
		l.lastRunOK = false
		return err
	}
	if err == nil {
		l.commit = rd.commit
	}
	l.remember(rd, err)
	l.watch(ctx, rd)
	for _, p := range rd.passes {
		p.Live, p.Handovers, p.Track.After, p.States, p.Plan, p.Effects = live.New(), plan.Handovers{}, nil, nil, nil, nil // the next turn reads anew
		if p.Listed != nil {
			p.Listed.Shared = nil
		}
	}
	return err
}

// remember keeps what the next turns need of a whole one.
func (l *loop) remember(rd *run, err error) {
	l.members, l.holder = nil, map[record.Key]*member{}
	l.allHealthy = err == nil
	for _, p := range rd.passes {
		suspended := p.Report.Suspended != nil
		l.lastRunOK, l.allHealthy = l.lastRunOK && !suspended, l.allHealthy && !suspended
		if p.Listed != nil && (p.Listed.Gone || p.Listed.NotSelected) {
			continue // whoever changes its objects, they are none of this loop's business
		}
		m := &member{last: p, changed: map[record.Key]bool{}}
		l.members = append(l.members, m)
		for k := range p.Record.Rows {
			l.holder[k] = m
		}
		if p.Listed != nil {
			_, behind := p.Ending().Behind()
			l.allHealthy = l.allHealthy && !behind
		}
		l.allHealthy = l.allHealthy && p.Record.Settled
	}
}

// mayReadOnlyChanged tells whether a turn may confine itself to the objects that the watches have brought up: the last turn
// succeeded and the watches have run without a gap since. An app that is behind is looked at with all others: it may
// have to wait for one of them, or be about to hand something over.
func (l *loop) mayReadOnlyChanged(commit string) bool {
	if commit == "" || !l.lastRunOK || len(l.watched) == 0 || l.cannotWatch {
		return false
	}
	dirty := false
	for _, m := range l.members {
		p := m.last
		if p.Record.Pending || p.Record.Due != "" || p.At(p.Record).Commit != commit && p.Listed == nil {
			return false
		}
		if len(m.changed) == 0 {
			continue
		}
		if p.Listed != nil {
			if _, behind := p.Ending().Behind(); behind {
				return false
			}
		}
		dirty = true
	}
	return dirty
}

// onlyChanged makes passes over the apps that may have drifted, and lets each look only at what may have. done is false when
// that is not enough, because somebody else has saved a record or suspended an app.
func (l *loop) onlyChanged(ctx context.Context) (done bool, err error) {
	out := Outcome{Listed: l.listed}
	for _, m := range l.members {
		if len(m.changed) == 0 {
			continue
		}
		p := m.last.Repeat(ctx, m.changed)
		m.changed = map[record.Key]bool{}
		err := p.Run(ctx)
		if errors.Is(err, pass.ErrRecordChanged) || errors.Is(err, build.ErrSlow) {
			if len(out.Apps) > 0 {
				l.each(out)
			}
			return false, nil
		}
		done, err := p.Ending().Finish(err)
		out.Apps = append(out.Apps, AppOutcome{done, nil, err})
		m.last = p
		for k := range p.Record.Rows {
			l.holder[k] = m
		}
		p.Live, p.Handovers, p.Track.After, p.States, p.Plan = live.New(), plan.Handovers{}, nil, nil, nil
		l.lastRunOK = l.lastRunOK && err == nil && done.Suspended == nil
		l.allHealthy = l.allHealthy && l.lastRunOK && p.Record.Settled
	}
	l.each(out)
	return true, out.Failed()
}

// watch starts watches from where the lists of rd ended, unless those that run cover the same.
func (l *loop) watch(ctx context.Context, rd *run) {
	from := map[watched]string{}
	for _, g := range rd.groups {
		for s, version := range g.live.Versions() {
			from[watched{s, g.Env}] = version
		}
	}
	for _, p := range rd.passes {
		for s, version := range p.Live.Versions() {
			if w := (watched{s, p.Env}); from[w] == "" {
				from[w] = version
			}
		}
	}
	same := len(l.watched) > 0
	for w := range from {
		same = same && l.watched[w]
	}
	if same || l.cannotWatch || ctx.Err() != nil {
		return
	}
	l.stop()
	ctx, l.stop = context.WithCancel(ctx)
	l.watched = map[watched]bool{}
	for w, version := range from {
		l.watched[w] = true
		go l.watchScope(ctx, w, version)
	}
}

func (l *loop) watchScope(ctx context.Context, w watched, after string) {
	err := w.rights.Cluster.WatchMetadata(ctx, w.Kind, w.Namespace, record.LabelPartOf, after,
		func(c cluster.Change[*metav1.PartialObjectMetadata]) { l.changed(ctx, w, c) })
	if ctx.Err() != nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.watched = nil // the next turn lists everything and starts anew
	if !errors.Is(err, cluster.ErrCompacted) && !l.cannotWatch {
		l.cannotWatch = true
		l.tell(report.Warning, l.target.App.Name, "drift is found at each interval only: %v", err)
	}
	l.due()
}

// changed wakes a turn when a change of a member's object may be drift.
func (l *loop) changed(ctx context.Context, w watched, c cluster.Change[*metav1.PartialObjectMetadata]) {
	l.mu.Lock()
	defer l.mu.Unlock()
	u := c.Object
	key := record.Key{Group: w.Kind.Group, Kind: w.Kind.Kind, Namespace: u.Namespace, Name: u.Name}
	m := l.holder[key]
	if m == nil || m.last.Env != w.rights {
		return
	}
	p := m.last
	row, ours := p.Record.Rows[key]
	if !ours || live.NotNewer(u.ResourceVersion, row.ResourceVersion) {
		return
	}
	if c.Gone {
		m.changed[key] = true
		l.due()
		return
	}
	s := live.New()
	s.Add(w.Kind, u)
	v := live.Compare(p.Record.Inventory, row, s, p.Set)
	if v == live.NeedsRead && p.Env.Reader.Values(ctx, s, []cluster.Ref{row.Ref}, p.Set) == nil {
		if v = live.Compare(p.Record.Inventory, row, s, p.Set); v == live.InSync {
			row.ResourceVersion = s.Object(key).GetResourceVersion()
			p.Record.Rows[key] = row
		}
	}
	if v != live.InSync {
		m.changed[key] = true
		l.due()
	}
}

func (l *loop) due() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}
