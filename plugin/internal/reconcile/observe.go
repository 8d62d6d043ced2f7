package reconcile

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/concurrent"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/live"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/observe"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/pass"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
)

// makePasses makes a pass for each app, also for apps that were not selected: what they hold matters to the others.
func (r observing) makePasses(ctx context.Context) error {
	r.ids = map[string]string{}
	for name := range r.records.Apps {
		r.ids[r.Records.ID(name)] = name
	}
	if r.own {
		r.makeOwn(ctx)
		return nil
	}
	apps, leaving := slices.Clone(r.apps), r.removals()
	var names []string
	for _, a := range r.apps {
		names = append(names, a.Name)
	}
	for _, l := range leaving {
		apps = append(apps, l.App)
	}
	for i, app := range apps {
		p, err := r.newListedPass(ctx, app, r.target.App.Path, r.opts)
		if err != nil {
			return err
		}
		p.Listed.NotSelected, p.Listed.Others = !r.finding().chosen(app.Name), names
		if n := i - len(r.apps); n >= 0 {
			p.Listed.LeftList, p.Listed.RemovedAfter = true, leaving[n].After
		}
		p.Opts.Named = slices.Contains(r.target.Only, app.Name) && !p.Opts.Loop
		p.Opts.Open, p.Opts.Commits = r.open, r.finding().commits
		switch {
		case r.revertOnly:
			p.Opts.Resolve = asRecorded(p)
		case r.Resolve != nil:
			p.Opts.Resolve = r.asked.resolve
		}
		p.Commit, p.Revision, p.Tip, p.Apps = r.commit, r.revision, r.tip, r.ids
		p.Report.Revision = p.Revision
		if l := r.list; l != nil {
			b, behind := l.IsBehind(app.Name)
			p.Listed.Unfinished = behind && !b.Failed && !b.IsWaiting()
			if p.Listed.AppliedBefore = b.At; !behind && l.Names(app.Name) {
				at := l.Revision
				p.Listed.AppliedAt = &at
			}
		}
		if r.revertOnly {
			p.Reverting().AtRecord(r.records.Apps[app.Name])
		}
		r.passes = append(r.passes, p)
	}
	r.noteStillWaiting()
	concurrent.Each(ctx, len(r.passes), observe.AtOnce, func(i int) { r.openRecord(ctx, r.passes[i]) })
	return nil
}

// makeOwn prepares the pass of an app on its own: a run of one.
func (r observing) makeOwn(ctx context.Context) {
	opts := r.opts
	opts.Commit, opts.Open, opts.Records = r.commit, r.open, r.records
	p := pass.NewOwn(ctx, r.env(), r.target.App, opts)
	p.Apps = r.ids
	r.passes = []*pass.Pass{p}
	if p.Failure = p.Reading().Poll(ctx); p.Failure == nil { // the commit is known
		r.openRecord(ctx, p)
	}
}

// openRecord gives a pass its record. It refuses a record that another gitops.yaml wrote.
func (r observing) openRecord(ctx context.Context, p *pass.Pass) {
	rec, known := r.records.Record(p.App.Name)
	p.Record = rec
	if !r.own && rec.Inventory != nil && rec.List != "" && !r.finding().lists(rec) {
		p.Record = nil
		p.Failure = hint.Errorf(fmt.Sprintf("the app %s is already that of the gitops.yaml in %s, path %s", p.App.Name, rec.Source.Repo, rec.List),
			"give each gitops.yaml an instance of its own (-n), or its apps other names; if the repository has moved, `kubectl gitops uninstall` lets the objects go as they are, and the next run takes them over")
		return
	}
	if p.Failure = p.Reading().CompileHealth(ctx); p.Failure == nil {
		p.Failure = p.Reading().Open(ctx, known)
	}
	if p.Failure == nil && !p.Listed.LeftList {
		p.Failure = p.Reading().Variables(ctx)
	}
	if p.Failure == nil && !p.Listed.LeftList {
		p.Failure = p.Follow(ctx)
	}
	r.recall(p)
	if !r.own && errors.Is(p.Failure, pass.ErrSuspended) {
		p.Listed.NotSelected, p.Listed.Suspended, p.Failure = true, r.finding().chosen(p.App.Name), nil
	}
}

// observe lists the kinds of the records, once for all apps with the same rights, and compares the cluster with the rows.
func (r observing) observe(ctx context.Context) {
	byRights := map[*pass.Env]*identity{}
	for _, p := range r.passes {
		g := byRights[p.Env]
		if g == nil {
			g = &identity{Env: p.Env, live: live.New()}
			byRights[p.Env] = g
			r.groups = append(r.groups, g)
		}
		if p.Failure == nil {
			g.passes = append(g.passes, p)
		}
	}
	for _, g := range r.groups {
		if err := g.observe(ctx, g.passes); err == nil || len(g.passes) == 1 || ctx.Err() != nil {
			g.fail(err)
			continue
		}
		g.live = live.New() // one app's trouble is not that of the others
		for _, p := range g.passes {
			alone := &identity{Env: g.Env, passes: []*pass.Pass{p}, live: live.New()}
			alone.fail(alone.observe(ctx, alone.passes))
			g.live.AddVersions(alone.live)
		}
	}
}

func (g *identity) fail(err error) {
	for _, p := range g.passes {
		if p.Failure == nil {
			p.Failure = err
		}
	}
}

func (g *identity) observe(ctx context.Context, passes []*pass.Pass) error {
	rows := map[object.Key]record.Row{}
	var newest uint64
	for _, p := range passes {
		p.Live, p.Listed.Shared = g.live, g.live
		p.Record.NoteForeignFields(string(p.App.ForeignFields))
		maps.Insert(rows, p.Record.All())
		if v, err := strconv.ParseUint(p.Record.Newest(), 10, 64); err == nil {
			newest = max(newest, v)
		}
	}
	q := observe.For(maps.All(rows))
	if newest > 0 {
		q.NotOlderThan = strconv.FormatUint(newest, 10)
	}
	if err := g.Env.Reader.List(ctx, g.live, q); err != nil {
		return err
	}
	apps := make([]*observe.Recorded, len(passes))
	for i, p := range passes {
		apps[i] = &observe.Recorded{Inventory: p.Record.Inventory, Set: p.Set}
	}
	if err := g.Env.Reader.Compare(ctx, g.live, apps...); err != nil {
		return err
	}
	for i, p := range passes {
		p.States = apps[i].States
		p.Failure = p.Reading().Compared(ctx)
	}
	return nil
}
