package reconcile

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/desired"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/health"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/build"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/wait"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// work applies what was planned. An app is applied when those it depends on are applied and healthy; while it has to
// wait for that, the others go on. Nobody waits for health that no other app needs before all apps are applied.
func (rd *round) work(ctx context.Context) {
	open := slices.DeleteFunc(slices.Clone(rd.passes), func(p *pass) bool { return !p.hasWork() })
	for len(open) > 0 && ctx.Err() == nil {
		i := slices.IndexFunc(open, func(p *pass) bool { return len(rd.unsure(p)) == 0 })
		if i < 0 {
			rd.endOneFor(ctx, open)
			continue
		}
		p := open[i]
		open = slices.Delete(open, i, i+1)
		if rd.mayStart(p) {
			rd.start(ctx, p)
		}
	}
	for _, p := range rd.passes {
		rd.end(ctx, p)
	}
}

// endOneFor waits for the first app that one of those in open depends on and that is applied.
func (rd *round) endOneFor(ctx context.Context, open []*pass) {
	for _, p := range open {
		for _, dep := range rd.unsure(p) {
			if !slices.Contains(open, dep) {
				rd.end(ctx, dep)
				return
			}
		}
	}
}

// dependencies lists the passes of the apps that p depends on, and of those that these depend on, nearest first.
func (rd *round) dependencies(p *pass) []*pass {
	var deps []*pass
	for next := []*pass{p}; len(next) > 0; next = next[1:] {
		for _, name := range next[0].app.DependsOn {
			i := slices.IndexFunc(rd.passes, func(o *pass) bool { return o.app.Name == name && !o.listed.retired })
			if i >= 0 && !slices.Contains(deps, rd.passes[i]) {
				deps = append(deps, rd.passes[i])
				next = append(next, rd.passes[i])
			}
		}
	}
	return deps
}

// unsure lists the dependencies of p that may still turn out well or badly.
func (rd *round) unsure(p *pass) []*pass {
	return slices.DeleteFunc(append(rd.dependencies(p), rd.removedFirst(p)...), func(dep *pass) bool {
		l := dep.listed
		return dep.failure != nil || l.ended || l.aside || l.waits != "" || l.idle && (dep.rec.Settled || rd.holding)
	})
}

// mayStart tells whether the dependencies of p are applied and healthy, and notes on p why not. What was applied already
// is put right whatever becomes of them.
func (rd *round) mayStart(p *pass) bool {
	if rd.holding {
		return true
	}
	for _, dep := range rd.dependencies(p) {
		name := dep.app.Name
		switch l := dep.listed; {
		case l.suspended && (!dep.rec.Settled || dep.rec.Pending || l.holds == nil):
			p.listed.waits = fmt.Sprintf("waits for the app %s, which is suspended", name)
		case l.aside && (!dep.rec.Settled || dep.rec.Pending || l.holds == nil):
			p.failure = hint.With(&dependencyError{name, "which was not applied and healthy when it was last looked at"},
				"reconcile both: %s %s", name, p.app.Name)
		case dep.failure != nil:
			why := "which failed"
			if errors.As(dep.failure, new(*dependencyError)) {
				why = "which was skipped"
			}
			p.failure = &dependencyError{name, why}
		case l.waits != "":
			p.listed.waits = fmt.Sprintf("waits for the app %s", name)
		case len(dep.track.Unhealthy(slices.Collect(maps.Keys(dep.track.Refs)))) > 0 && !rd.opts.DryRun && !l.aside:
			p.listed.waits = fmt.Sprintf("waits until the app %s is healthy", name)
		}
		if p.failure != nil || p.listed.waits != "" {
			return false
		}
	}
	if first := rd.removedFirst(p); len(first) > 0 {
		p.listed.waits = first[0].inTheWay()
		return false
	}
	return true
}

// start does everything for one app but waiting for its health.
func (rd *round) start(ctx context.Context, p *pass) {
	p.started = rd.Now()
	p.wait.Started = p.started
	if rd.opts.DryRun {
		rd.foresee(p)
	}
	if p.listed.late {
		if p.failure = rd.planLate(ctx, p); p.failure != nil {
			switch {
			case errors.Is(p.failure, errNothingToDo):
				p.listed.idle, p.failure = true, nil
			case errors.Is(p.failure, build.ErrSlow):
				p.waitForRender()
			}
			return
		}
	}
	parts := p.writingParts()
	if p.listed.retired {
		parts = p.removingParts()
	}
	if p.failure = p.runParts(ctx, parts); p.failure != nil {
		return
	}
	p.listed.applied = true
	if len(p.exec.Failed) > 0 {
		p.failure = p.FirstFailure()
	}
}

// planLate plans an app whose kinds were installed by the apps before it.
func (rd *round) planLate(ctx context.Context, p *pass) error {
	p.builder().ForgetServer()
	p.Cluster.Learn(p.rec.Kinds()...)
	p.reading().learnForeseen(ctx)
	if err := p.reading().render(ctx); err != nil {
		return err
	}
	if err := p.reading().confine(); err != nil {
		return err
	}
	for _, other := range rd.passes {
		for _, o := range other.desired {
			if i := slices.IndexFunc(p.desired, func(mine *desired.Object) bool { return mine.Key() == o.Key() }); i >= 0 && other != p {
				return fmt.Errorf("%s: %s is also in the app %s, at %s", p.desired[i].Origin, p.desired[i].ID(), other.app.Name, o.Origin)
			}
		}
	}
	takes, gives := p.TakesOver, p.HandsOver
	p.live = p.ownPart()
	p.TakesOver, p.HandsOver = takes, gives
	if err := p.reading().observeDesired(ctx); err != nil {
		return err
	}
	p.listed.shared = p.live
	return p.planning().planListed(ctx)
}

// end waits until what was applied for an app is healthy, and words its result.
func (rd *round) end(ctx context.Context, p *pass) {
	l := p.listed
	if l.ended {
		return
	}
	l.ended = true
	switch {
	case l.held != nil && l.idle:
		return // nothing is said of its record
	case l.suspended && p.failure == nil:
		_, p.failure = p.ending().leaveSuspended()
	case l.aside:
		if p.failure != nil {
			p.failure = p.Conceal(p.failure)
			p.Report.Message = p.failure.Error()
		}
		return
	case p.failure == nil && l.waits != "":
		p.Report.Result, p.Report.Message = report.ResultSucceeded, l.waits
		p.Report.Objects, p.Report.Health = report.Objects{}, health.Unknown
		return
	case p.failure == nil && l.applied && ctx.Err() != nil && p.allDone():
		p.failure = l.stays // the run is interrupted; this app was finished
	case p.failure == nil && l.applied:
		if p.failure = p.runParts(ctx, p.verifyingParts()); p.failure == nil {
			p.failure = l.stays
		}
	case p.failure == nil && l.idle:
		p.failure = errNothingToDo
	case p.failure == nil && ctx.Err() != nil:
		p.failure = wait.ErrInterrupted
	}
	_, p.failure = p.ending().finish(p.failure)
}

// conclude settles what concerns several apps: rows of objects that changed hands, records of apps that are gone, and
// the list of apps, which says last of all that the commit is dealt with.
func (rd *round) conclude(ctx context.Context) error {
	if rd.opts.DryRun {
		rd.foreseeLeaving()
		return rd.heldBack()
	}
	if ctx.Err() != nil {
		return nil // each app has told
	}
	if err := rd.dropGiven(ctx); err != nil {
		return err
	}
	for _, p := range rd.passes {
		if p.listed.retired && !p.listed.aside && p.failure == nil && len(p.rec.Rows) == 0 {
			if err := rd.Records.Delete(ctx, p.rec); err != nil {
				return err
			}
			p.listed.gone = true
			p.Report.Message, p.Report.Health = "left gitops.yaml: its record is deleted", health.Unknown
			if ns := rd.leftNamespace(ctx, p); ns != "" {
				rd.tell(report.Warning, p.app.Name, "namespace %s, which was created for %s, stays: `kubectl delete namespace %s` deletes it with all that is in it", ns, p.app.Name, ns)
			}
		}
	}
	return errors.Join(rd.saveList(ctx, "", rd.failures()), rd.heldBack())
}

// saveList records what gitops.yaml lists at this commit and which apps are not at it. why is what failed of the run.
func (rd *round) saveList(ctx context.Context, problem string, why error) error {
	if rd.list == nil && (problem != "" || why != nil && !rd.worthSaving()) {
		return nil // nothing is known that could be kept
	}
	list := &record.AppList{}
	if rd.list != nil {
		*list = *rd.list
	}
	rd.noteListSource(list, why)
	list.Tool, list.Problem = rd.Tool, problem
	list.Held = ""
	if why := rd.heldBack(); why != nil {
		list.Held = why.Error()
	}
	if problem == "" {
		list.Revision, list.Apps, list.Behind = rd.revision, nil, nil
		if l := rd.list; l != nil && list.Source.Ref != rd.From.Ref && (rd.sameRef() || l.Revision.Commit == rd.commit) {
			list.Revision.Ref = cmp.Or(l.Revision.Ref, shortRef(list.Source.Ref)) // another name of it, for this run only
		}
		for _, p := range rd.passes {
			if !p.listed.retired {
				list.Apps = append(list.Apps, p.app.Name)
			}
			if b, behind := p.ending().behind(); behind {
				list.Behind = append(list.Behind, b)
			}
		}
	}
	err := rd.Records.SaveList(ctx, list)
	if err == nil {
		rd.list = list
	}
	return err
}

func (rd *round) saveProblem(ctx context.Context, err error) error {
	if rd.opts.DryRun || ctx.Err() != nil || rd.commit == "" && rd.opts.forgive {
		return nil
	}
	line, _, _ := strings.Cut(err.Error(), "\n")
	if rd.revision.Commit != "" {
		line = rd.revision.Short() + ": " + line
	}
	return rd.saveList(ctx, line, err)
}
