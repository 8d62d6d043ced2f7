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
func (rd observing) makePasses(ctx context.Context) error {
	rd.ids = map[string]string{}
	for name := range rd.records.Apps {
		rd.ids[rd.Records.ID(name)] = name
	}
	if rd.own {
		rd.makeOwn(ctx)
		return nil
	}
	apps, leaving := slices.Clone(rd.apps), rd.removals()
	var names []string
	for _, a := range rd.apps {
		names = append(names, a.Name)
	}
	for _, l := range leaving {
		apps = append(apps, l.App)
	}
	for i, app := range apps {
		p, err := rd.newListedPass(ctx, app, rd.target.App.Path, rd.opts)
		if err != nil {
			return err
		}
		p.Listed.NotSelected, p.Listed.Others = !rd.finding().chosen(app.Name), names
		if n := i - len(rd.apps); n >= 0 {
			p.Listed.LeftList, p.Listed.RemovedAfter = true, leaving[n].After
		}
		p.Opts.Open, p.Opts.Commits = rd.open, rd.finding().commits
		p.Commit, p.Revision, p.Tip, p.Apps = rd.commit, rd.revision, rd.tip, rd.ids
		p.Report.Revision = p.Revision
		if l := rd.list; l != nil {
			b, behind := l.IsBehind(app.Name)
			if p.Listed.AppliedBefore = b.At; !behind && l.Names(app.Name) {
				at := l.Revision
				p.Listed.AppliedAt = &at
			}
		}
		if rd.revertOnly {
			p.Reverting().AtRecord(rd.records.Apps[app.Name])
		}
		rd.passes = append(rd.passes, p)
	}
	concurrent.Each(ctx, len(rd.passes), observe.AtOnce, func(i int) { rd.openRecord(ctx, rd.passes[i]) })
	return nil
}

// makeOwn prepares the pass of an app on its own: a run of one.
func (rd observing) makeOwn(ctx context.Context) {
	opts := rd.opts
	opts.Commit, opts.Open, opts.Records = rd.commit, rd.open, rd.records
	p := pass.NewOwn(ctx, rd.env(), rd.target.App, opts)
	p.Apps = rd.ids
	rd.passes = []*pass.Pass{p}
	if p.Failure = p.Reading().Poll(ctx); p.Failure == nil { // the commit is known
		rd.openRecord(ctx, p)
	}
}

// openRecord gives a pass its record. It refuses a record that another gitops.yaml wrote.
func (rd observing) openRecord(ctx context.Context, p *pass.Pass) {
	rec, known := rd.records.Record(p.App.Name)
	p.Record = rec
	if !rd.own && rec.Inventory != nil && rec.List != "" && !rd.finding().lists(rec) {
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
	rd.recall(p)
	if !rd.own && errors.Is(p.Failure, pass.ErrSuspended) {
		p.Listed.NotSelected, p.Listed.Suspended, p.Failure = true, rd.finding().chosen(p.App.Name), nil
	}
}

// observe lists the kinds of the records, once for all apps with the same rights, and compares the cluster with the rows.
func (rd observing) observe(ctx context.Context) {
	byRights := map[*pass.Env]*identity{}
	for _, p := range rd.passes {
		g := byRights[p.Env]
		if g == nil {
			g = &identity{Env: p.Env, live: live.New()}
			byRights[p.Env] = g
			rd.groups = append(rd.groups, g)
		}
		if p.Failure == nil {
			g.passes = append(g.passes, p)
		}
	}
	for _, g := range rd.groups {
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
