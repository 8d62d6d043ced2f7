package reconcile

import (
	"context"
	"errors"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/live"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/plan"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/build"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/pass"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// Session repeats runs over one target. It remembers what each app holds, so that a run can read only the objects that a watch
// reported. Its methods must not run at the same time.
type Session struct {
	*Reconciler
	target Target
	opts   pass.Options
	first  *record.Loaded // the records for the first run, nil after it

	last       *run
	members    []*member
	holder     map[object.Key]*member // by the objects that they hold
	watches    map[Watch]string
	lastRunOK  bool
	allHealthy bool
	listed     bool
	commit     string
}

// member is an app between two runs.
type member struct {
	last    *pass.Pass
	changed map[object.Key]bool // what may have drifted since
}

// Watch is one watch of metadata: its kind and namespace, and the rights of one identity. It may be a key of a map.
type Watch struct {
	live.Scope
	rights *pass.Env
}

// Session returns a Session for a target, which has not run yet. The cause and the commit in o are ignored.
func (r *Reconciler) Session(t Target, o Options) *Session {
	opts := o.forPasses()
	opts.Cause, opts.Loop = report.CauseSchedule, true
	return &Session{Reconciler: r, target: t, opts: opts, first: o.Records}
}

// AllHealthy reports whether the last run succeeded, all objects are healthy, and all apps are at the commit.
func (s *Session) AllHealthy() bool { return s.allHealthy }

// Commit returns the hash that the ref pointed at in the last run that succeeded, "" before that.
func (s *Session) Commit() string { return s.commit }

// Watches returns what to watch to notice drift, each with the resourceVersion to start after. It is nil when the last run did
// not get that far.
func (s *Session) Watches() map[Watch]string { return s.watches }

// Run makes one run over all apps, at commit; "" polls Git.
func (s *Session) Run(ctx context.Context, commit string) Outcome {
	opts := s.opts
	opts.Commit, opts.Forgive = commit, s.lastRunOK
	r := s.newRun(s.target, opts, s.first)
	s.last, s.first, s.watches = r, nil, nil
	out := r.all(ctx)
	err := out.Failed()
	s.listed, s.allHealthy, s.lastRunOK = out.Listed, false, err == nil
	if len(r.passes) == 0 || slices.ContainsFunc(r.passes, func(p *pass.Pass) bool { return p.Record == nil || p.Record.Inventory == nil }) {
		s.lastRunOK = false
		return out
	}
	if err == nil {
		s.commit = r.commit
	}
	s.remember(r, err)
	s.watches = watchesOf(r)
	for _, p := range r.passes {
		forget(p)
	}
	return out
}

// forget drops what the next pass over an app reads anew.
func forget(p *pass.Pass) {
	p.Live, p.Handovers, p.Track.After, p.States, p.Plan, p.Effects = live.New(), plan.Handovers{}, nil, nil, nil, nil
	if p.Listed != nil {
		p.Listed.Shared = nil
	}
}

// remember keeps from a whole run what the next runs need.
func (s *Session) remember(r *run, err error) {
	s.members, s.holder = nil, map[object.Key]*member{}
	s.allHealthy = err == nil
	waiting := r.waiting(func(p *pass.Pass) bool { return p.Ending().WaitsForSomebody() })
	for _, p := range r.passes {
		suspended := p.Report.Suspended != nil && !p.Report.Suspended.InFile // which only another commit ends
		s.lastRunOK, s.allHealthy = s.lastRunOK && !suspended, s.allHealthy && !suspended
		if p.Listed != nil && (p.Listed.State == pass.Gone || p.Listed.NotSelected) {
			continue // whoever changes its objects, they are none of this loop's business
		}
		m := &member{last: p, changed: map[object.Key]bool{}}
		s.members = append(s.members, m)
		for k := range p.Record.All() {
			s.holder[k] = m
		}
		if !p.Listed.IsOwn() {
			b, behind := p.Ending().Behind()
			if waiting[p.App.Name] {
				p.Ending().NoteWaiting(&b)
			}
			if b.IsWaiting() {
				continue // somebody names it, or another commit comes
			}
			s.allHealthy = s.allHealthy && !behind
		}
		s.allHealthy = s.allHealthy && p.Record.AllHealthy
	}
}

// MayReadOnlyChanged reports whether RunChanged is enough for a run at commit. The caller knows that the watches have had no
// gap since the last run. That run must have succeeded, and Changed must have reported an object. An app that is behind needs a
// whole run: it may wait for another app, or be about to hand over an object.
func (s *Session) MayReadOnlyChanged(commit string) bool {
	if commit == "" || !s.lastRunOK {
		return false
	}
	changed := false
	for _, m := range s.members {
		p := m.last
		if p.Record.Pending || p.Record.Due != "" || p.At(p.Record).Commit != commit && p.Listed.IsOwn() {
			return false
		}
		if len(m.changed) == 0 {
			continue
		}
		if !p.Listed.IsOwn() {
			if _, behind := p.Ending().Behind(); behind {
				return false
			}
		}
		changed = true
	}
	return changed
}

// RunChanged makes a run over the apps with changed objects, and reads only these objects. done is false when a whole run must
// follow, because somebody else has saved a record or suspended an app.
func (s *Session) RunChanged(ctx context.Context) (out Outcome, done bool) {
	out.Listed = s.listed
	for _, m := range s.members {
		if len(m.changed) == 0 {
			continue
		}
		p := m.last.Repeat(ctx, m.changed)
		m.changed = map[object.Key]bool{}
		err := p.Run(ctx)
		if errors.Is(err, pass.ErrRecordChanged) || errors.Is(err, build.ErrSlow) {
			return out, false
		}
		app, err := p.Ending().Finish(err)
		out.Apps = append(out.Apps, AppOutcome{app, nil, err})
		m.last = p
		for k := range p.Record.All() {
			s.holder[k] = m
		}
		forget(p)
		s.lastRunOK = s.lastRunOK && err == nil && app.Suspended == nil
		s.allHealthy = s.allHealthy && s.lastRunOK && p.Record.AllHealthy
	}
	return out, true
}

// watchesOf returns where the lists of a run ended.
func watchesOf(r *run) map[Watch]string {
	from := map[Watch]string{}
	for _, g := range r.groups {
		for s, version := range g.live.Versions() {
			from[Watch{s, g.Env}] = version
		}
	}
	for _, p := range r.passes {
		for s, version := range p.Live.Versions() {
			if w := (Watch{s, p.Env}); from[w] == "" {
				from[w] = version
			}
		}
	}
	return from
}

// Follow calls each for every change after a resourceVersion, until ctx ends or the watch breaks. The error is
// cluster.ErrCompacted when the server no longer has the changes after that version.
func (w Watch) Follow(ctx context.Context, after string, each func(cluster.Change[*metav1.PartialObjectMetadata])) error {
	return w.rights.Cluster.WatchMetadata(ctx, w.Kind, w.Namespace, record.LabelPartOf, after, each)
}

// Changed notes a change that a watch reported, and reports whether it may be drift of an object of an app. The next RunChanged
// reads that object.
func (s *Session) Changed(ctx context.Context, w Watch, c cluster.Change[*metav1.PartialObjectMetadata]) bool {
	u := c.Object
	key := object.Key{Group: w.Kind.Group, Kind: w.Kind.Kind, Namespace: u.Namespace, Name: u.Name}
	m := s.holder[key]
	if m == nil || m.last.Env != w.rights {
		return false
	}
	p := m.last
	row, ours := p.Record.Row(key)
	if !ours || live.NotNewer(u.ResourceVersion, row.ResourceVersion) {
		return false
	}
	if c.Gone {
		m.changed[key] = true
		return true
	}
	seen := live.New()
	seen.Add(w.Kind, u)
	v := live.Compare(p.Record.Inventory, row, seen, p.Set)
	if v == live.NeedsRead && p.Env.Reader.Values(ctx, seen, []cluster.Ref{row.Ref}, p.Set) == nil {
		if v = live.Compare(p.Record.Inventory, row, seen, p.Set); v == live.InSync {
			p.Record.SeenAt(key, seen.Object(key).GetResourceVersion())
		}
	}
	if v == live.InSync {
		return false
	}
	m.changed[key] = true
	return true
}

// NextRender returns a function that makes the render which waits longest of those that took longer than their slice in the
// last run, nil when none waits. The function may run beside later runs, which use its result. The caller must call it once.
func (s *Session) NextRender(ctx context.Context) func(context.Context) {
	if s.last == nil {
		return nil
	}
	var waiting []*pass.Pass
	for _, p := range s.last.passes {
		if p.Listed != nil && p.Listed.State == pass.WaitsForRender && p.Record != nil {
			waiting = append(waiting, p)
		}
	}
	if len(waiting) == 0 {
		return nil
	}
	since := func(p *pass.Pass) time.Time { return p.Env.Renders.SlowSince(p.App.Name) }
	p := slices.MinFunc(waiting, func(a, b *pass.Pass) int { return since(a).Compare(since(b)) })
	tree, err := p.Source.Open(ctx, p.Commit)
	if err != nil {
		return nil // the next run tries again
	}
	builder := p.Builder()
	options, err := builder.RenderOptions(ctx, tree.Root)
	if err != nil {
		tree.Close()
		return nil
	}
	alone := builder.Alone()
	return func(ctx context.Context) {
		defer tree.Close()
		_, _ = alone.RenderTree(ctx, tree, options, 0) // the next run finds what came of it
	}
}

// Moved reports whether a branch that a source of an app follows has another commit than in the last run. It asks each server once.
func (s *Session) Moved(ctx context.Context) bool {
	asked := map[string]bool{}
	for _, m := range s.members {
		for _, e := range m.last.Followed {
			source := followed(m.last.App, e)
			if s.Resolve == nil || source == nil || !build.IsBranch(e) || asked[e.Key()] {
				continue
			}
			asked[e.Key()] = true
			v, err := s.Resolve(ctx, *source)
			if err == nil && v.Name != e.Version {
				return true
			}
		}
	}
	return false
}
