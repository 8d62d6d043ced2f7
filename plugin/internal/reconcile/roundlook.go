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
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/observe"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
)

// group is the passes that look at the cluster with the same rights. They share their lists.
type group struct {
	*env
	passes []*pass
	live   *live.Snapshot
}

// makePasses prepares a pass for each app, also for those that were not asked for: what they hold matters to the others.
func (rd *round) makePasses(ctx context.Context) error {
	rd.ids = map[string]string{}
	for name := range rd.records {
		rd.ids[rd.Records.ID(name)] = name
	}
	apps, leaving := slices.Clone(rd.apps), rd.leaving()
	var names []string
	for _, a := range rd.apps {
		names = append(names, a.Name)
	}
	for _, l := range leaving {
		apps = append(apps, l.app)
	}
	for i, app := range apps {
		p, err := rd.newListedPass(ctx, app, rd.target.App.Path, rd.opts)
		if err != nil {
			return err
		}
		p.listed.aside, p.listed.beside = !rd.chosen(app.Name), names
		if n := i - len(rd.apps); n >= 0 {
			p.listed.retired, p.listed.first = true, leaving[n].first
		}
		p.opts.open, p.opts.commits = rd.open, rd.commits
		p.commit, p.revision, p.tip, p.apps = rd.commit, rd.revision, rd.tip, rd.ids
		p.Report.Revision = p.revision
		if l := rd.list; l != nil {
			b, behind := l.IsBehind(app.Name)
			if p.listed.before = b.At; !behind && l.Names(app.Name) {
				p.listed.holds = &l.Revision
			}
		}
		if rd.holding {
			p.planning().standAt(rd.records[app.Name])
		}
		rd.passes = append(rd.passes, p)
	}
	concurrent.Each(ctx, len(rd.passes), observe.AtOnce, func(i int) { rd.openRecord(ctx, rd.passes[i]) })
	return nil
}

// openRecord gives a pass its record. A record that another gitops.yaml wrote is left alone.
func (rd *round) openRecord(ctx context.Context, p *pass) {
	rec, known := rd.records[p.app.Name]
	if !known {
		rec = record.New(p.app.Name)
	}
	p.rec = rec
	if rec.Inventory != nil && rec.List != "" && !rd.lists(rec) {
		p.rec = nil
		p.failure = hint.Errorf(fmt.Sprintf("the app %s is already that of the gitops.yaml in %s, path %s", p.app.Name, rec.Source.Repo, rec.List),
			"give each gitops.yaml an instance of its own (-n), or its apps other names; if the repository has moved, `kubectl gitops uninstall` lets the objects go as they are, and the next run takes them over")
		return
	}
	if p.failure = p.reading().compileHealth(ctx); p.failure == nil {
		p.failure = p.reading().open(ctx, known)
	}
	if p.failure == nil && !p.listed.retired {
		p.failure = p.reading().variables(ctx)
	}
	rd.recall(p)
	if errors.Is(p.failure, errSuspended) {
		p.listed.aside, p.listed.suspended, p.failure = true, rd.chosen(p.app.Name), nil
	}
}

// look lists what the records know of, once for all apps with the same rights, and judges it.
func (rd *round) look(ctx context.Context) {
	byRights := map[*env]*group{}
	for _, p := range rd.passes {
		g := byRights[p.env]
		if g == nil {
			g = &group{env: p.env, live: live.New()}
			byRights[p.env] = g
			rd.groups = append(rd.groups, g)
		}
		if p.failure == nil {
			g.passes = append(g.passes, p)
		}
	}
	for _, g := range rd.groups {
		if err := g.look(ctx, g.passes); err == nil || len(g.passes) == 1 || ctx.Err() != nil {
			g.fail(err)
			continue
		}
		g.live = live.New() // one app's trouble is not that of the others
		for _, p := range g.passes {
			alone := &group{env: g.env, passes: []*pass{p}, live: live.New()}
			alone.fail(alone.look(ctx, alone.passes))
			g.live.AddVersions(alone.live)
		}
	}
}

func (g *group) fail(err error) {
	for _, p := range g.passes {
		if p.failure == nil {
			p.failure = err
		}
	}
}

func (g *group) look(ctx context.Context, passes []*pass) error {
	rows := map[record.Key]record.Row{}
	var newest uint64
	for _, p := range passes {
		p.live, p.listed.shared = g.live, g.live
		p.rec.ForeignFields = string(p.app.ForeignFields)
		maps.Copy(rows, p.rec.Rows)
		if v, err := strconv.ParseUint(p.rec.Newest(), 10, 64); err == nil {
			newest = max(newest, v)
		}
	}
	q := observe.For(rows)
	if newest > 0 {
		q.NotOlderThan = strconv.FormatUint(newest, 10)
	}
	if err := g.env.reader.List(ctx, g.live, q); err != nil {
		return err
	}
	apps := make([]*observe.Recorded, len(passes))
	for i, p := range passes {
		apps[i] = &observe.Recorded{Inventory: p.rec.Inventory, Set: p.id}
	}
	if err := g.env.reader.Compare(ctx, g.live, apps...); err != nil {
		return err
	}
	for i, p := range passes {
		p.states = apps[i].States
		p.failure = p.reading().compared(ctx)
	}
	return nil
}
