package reconcile

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
)

// group is the passes that look at the cluster with the same rights. They share their lists.
type group struct {
	*Reconciler
	passes []*pass
	live   *snapshot
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
		p.report.Revision = p.revision
		if l := rd.list; l != nil {
			b, behind := l.IsBehind(app.Name)
			if p.listed.before = b.At; !behind && l.Names(app.Name) {
				p.listed.holds = &l.Revision
			}
		}
		if rd.holding {
			p.standAt(rd.records[app.Name])
		}
		rd.passes = append(rd.passes, p)
	}
	parallel(ctx, len(rd.passes), readsInFlight, func(i int) { rd.openRecord(ctx, rd.passes[i]) })
	return nil
}

// openRecord gives a pass its record. A record that another gitops.yaml wrote is left alone.
func (rd *round) openRecord(ctx context.Context, p *pass) {
	rec, known := rd.records[p.app.Name]
	if !known {
		rec = rd.Records.New(p.app.Name)
	}
	p.rec = rec
	if rec.Inventory != nil && rec.List != "" && !rd.lists(rec) {
		p.rec = nil
		p.failure = hint.Errorf(fmt.Sprintf("the app %s is already that of the gitops.yaml in %s, path %s", p.app.Name, rec.Source.Repo, rec.List),
			"give each gitops.yaml an instance of its own (-n), or its apps other names; if the repository has moved, `kubectl gitops uninstall` lets the objects go as they are, and the next run takes them over")
		return
	}
	if p.failure = p.compileHealth(ctx); p.failure == nil {
		p.failure = p.open(ctx, known)
	}
	if p.failure == nil && !p.listed.retired {
		p.failure = p.variables(ctx)
	}
	rd.recall(p)
	if errors.Is(p.failure, errSuspended) {
		p.listed.aside, p.listed.suspended, p.failure = true, rd.chosen(p.app.Name), nil
	}
}

// look lists what the records know of, once for all apps with the same rights, and judges it.
func (rd *round) look(ctx context.Context) {
	byRights := map[*memory]*group{}
	for _, p := range rd.passes {
		g := byRights[p.kept]
		if g == nil {
			g = &group{Reconciler: p.Reconciler, live: newSnapshot()}
			byRights[p.kept] = g
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
		g.live = newSnapshot() // one app's trouble is not that of the others
		for _, p := range g.passes {
			alone := &group{Reconciler: g.Reconciler, passes: []*pass{p}, live: newSnapshot()}
			alone.fail(alone.look(ctx, alone.passes))
			maps.Copy(g.live.versions, alone.live.versions)
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
	l := lookFor(rows)
	if newest > 0 {
		l.after = strconv.FormatUint(newest, 10)
	}
	if err := g.observe(ctx, g.live, l); err != nil {
		return err
	}
	return g.judge(ctx, passes, rows)
}

// judge is judgeAll for several apps whose lists are one.
func (g *group) judge(ctx context.Context, passes []*pass, rows map[record.Key]record.Row) error {
	doubtful, unread := map[cluster.Kind]bool{}, map[cluster.Ref]bool{}
	for _, p := range passes {
		for _, row := range p.rec.Rows {
			switch judge(p.rec.Inventory, row, g.live, p.id) {
			case missing, replaced, unsettled:
				doubtful[row.Ref.Kind] = true
			case undecided:
				unread[row.Ref] = true
			}
		}
	}
	if len(doubtful) > 0 {
		l := lookFor(rows)
		l.kinds = slices.Collect(maps.Keys(doubtful))
		if err := g.again(ctx, g.live, l); err != nil {
			return err
		}
		for _, p := range passes {
			for _, row := range p.rec.Rows {
				if doubtful[row.Ref.Kind] && judge(p.rec.Inventory, row, g.live, p.id) == undecided {
					unread[row.Ref] = true
				}
			}
		}
	}
	if err := g.readValues(ctx, g.live, slices.Collect(maps.Keys(unread)), ""); err != nil {
		return err
	}
	for _, p := range passes {
		p.verdicts = make(map[record.Key]verdict, len(p.rec.Rows))
		for k, row := range p.rec.Rows {
			p.verdicts[k] = judge(p.rec.Inventory, row, g.live, p.id)
		}
		if g.live.rewound {
			startOver(p.rec.Inventory, g.live, p.id, p.verdicts)
		}
		p.failure = p.judged(ctx)
	}
	return nil
}

// part is the share of one app in a snapshot: what its record and Git name. Reading more into it changes no other.
func (s *snapshot) part(keys []record.Key) *snapshot {
	own := newSnapshot()
	maps.Copy(own.listed, s.listed)
	maps.Copy(own.absent, s.absent)
	maps.Copy(own.moved, s.moved)
	maps.Copy(own.versions, s.versions)
	own.rewound = s.rewound
	for _, k := range keys {
		if u, ok := s.objects[k]; ok {
			own.objects[k] = u
		}
	}
	return own
}
