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
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/pass"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/wait"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// work applies what was planned. An app is applied when those it depends on are applied and healthy; while it has to
// wait for that, the others go on. Nobody waits for health that no other app needs before all apps are applied.
func (rd working) work(ctx context.Context) {
	open := slices.DeleteFunc(slices.Clone(rd.passes), func(p *pass.Pass) bool { return !pass.HasWork(p) })
	for len(open) > 0 && ctx.Err() == nil {
		i := slices.IndexFunc(open, func(p *pass.Pass) bool { return len(rd.unsure(p)) == 0 })
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
func (rd working) endOneFor(ctx context.Context, open []*pass.Pass) {
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
func (rd deciding) dependencies(p *pass.Pass) []*pass.Pass {
	var deps []*pass.Pass
	for next := []*pass.Pass{p}; len(next) > 0; next = next[1:] {
		for _, name := range next[0].App.DependsOn {
			i := slices.IndexFunc(rd.passes, func(o *pass.Pass) bool { return o.App.Name == name && !o.Listed.LeftList })
			if i >= 0 && !slices.Contains(deps, rd.passes[i]) {
				deps = append(deps, rd.passes[i])
				next = append(next, rd.passes[i])
			}
		}
	}
	return deps
}

// unsure lists the dependencies of p that may still turn out well or badly.
func (rd working) unsure(p *pass.Pass) []*pass.Pass {
	return slices.DeleteFunc(append(rd.deciding().dependencies(p), rd.removedFirst(p)...), func(dep *pass.Pass) bool {
		l := dep.Listed
		return dep.Failure != nil || l.Ended || l.NotSelected || l.Waiting != "" || l.UpToDate && (dep.Record.Settled || rd.revertOnly)
	})
}

// mayStart tells whether the dependencies of p are applied and healthy, and notes on p why not. What was applied already
// is put right whatever becomes of them.
func (rd working) mayStart(p *pass.Pass) bool {
	if rd.revertOnly {
		return true
	}
	for _, dep := range rd.deciding().dependencies(p) {
		name := dep.App.Name
		switch l := dep.Listed; {
		case l.Suspended && (!dep.Record.Settled || dep.Record.Pending || l.AppliedAt == nil):
			p.Listed.Waiting = fmt.Sprintf("waits for the app %s, which is suspended", name)
		case l.NotSelected && (!dep.Record.Settled || dep.Record.Pending || l.AppliedAt == nil):
			p.Failure = hint.With(&pass.DependencyError{App: name, Why: "which was not applied and healthy when it was last looked at"},
				"reconcile both: %s %s", name, p.App.Name)
		case dep.Failure != nil:
			why := "which failed"
			if errors.As(dep.Failure, new(*pass.DependencyError)) {
				why = "which was skipped"
			}
			p.Failure = &pass.DependencyError{App: name, Why: why}
		case l.Waiting != "":
			p.Listed.Waiting = fmt.Sprintf("waits for the app %s", name)
		case len(dep.Track.Unhealthy(slices.Collect(maps.Keys(dep.Track.Refs)))) > 0 && !rd.opts.DryRun && !l.NotSelected:
			p.Listed.Waiting = fmt.Sprintf("waits until the app %s is healthy", name)
		}
		if p.Failure != nil || p.Listed.Waiting != "" {
			return false
		}
	}
	if first := rd.removedFirst(p); len(first) > 0 {
		p.Listed.Waiting = pass.WhyWaitFor(first[0])
		return false
	}
	return true
}

// start does everything for one app but waiting for its health.
func (rd working) start(ctx context.Context, p *pass.Pass) {
	p.Started = rd.Now()
	p.Wait.Started = p.Started
	if rd.opts.DryRun {
		rd.deciding().promise(p)
	}
	if p.Listed.WaitsForKinds {
		if p.Failure = rd.deciding().planLate(ctx, p); p.Failure != nil {
			switch {
			case errors.Is(p.Failure, pass.ErrNothingToDo):
				p.Listed.UpToDate, p.Failure = true, nil
			case errors.Is(p.Failure, build.ErrSlow):
				pass.WaitForRender(p)
			}
			return
		}
	}
	if p.Failure = p.Execute(ctx); p.Failure != nil {
		return
	}
	p.Listed.Applied = true
	if len(p.Exec.Failed) > 0 {
		p.Failure = p.FirstFailure()
	}
}

// planLate plans an app whose kinds were installed by the apps before it.
func (rd deciding) planLate(ctx context.Context, p *pass.Pass) error {
	p.Builder().ForgetServer()
	p.Cluster.Learn(p.Record.Kinds()...)
	p.Reading().LearnForeseen(ctx)
	if err := p.Reading().Render(ctx); err != nil {
		return err
	}
	if err := p.Planning().Confine(); err != nil {
		return err
	}
	for _, other := range rd.passes {
		for _, o := range other.Desired {
			if i := slices.IndexFunc(p.Desired, func(mine *desired.Object) bool { return mine.Key() == o.Key() }); i >= 0 && other != p {
				return fmt.Errorf("%s: %s is also in the app %s, at %s", p.Desired[i].Origin, p.Desired[i].ID(), other.App.Name, o.Origin)
			}
		}
	}
	takes, gives := p.TakesOver, p.HandsOver
	p.Live = p.OwnPart()
	p.TakesOver, p.HandsOver = takes, gives
	if err := p.Reading().ObserveDesired(ctx); err != nil {
		return err
	}
	p.Listed.Shared = p.Live
	return p.Planning().PlanListed(ctx)
}

// end waits until what was applied for an app is healthy, and words its result.
func (rd working) end(ctx context.Context, p *pass.Pass) {
	l := p.Listed
	if l.Ended {
		return
	}
	l.Ended = true
	switch {
	case l.RevertOnly != nil && l.UpToDate:
		return // nothing is said of its record
	case l.Suspended && p.Failure == nil:
		_, p.Failure = p.Ending().LeaveSuspended()
	case l.NotSelected:
		if p.Failure != nil {
			p.Failure = p.Conceal(p.Failure)
			p.Report.Message = p.Failure.Error()
		}
		return
	case p.Failure == nil && l.Waiting != "":
		p.Report.Result, p.Report.Message = report.ResultSucceeded, l.Waiting
		p.Report.Objects, p.Report.Health = report.Objects{}, health.Unknown
		return
	case p.Failure == nil && l.Applied && ctx.Err() != nil && pass.AllDone(p):
		p.Failure = l.NotReverted // the run is interrupted; this app was finished
	case p.Failure == nil && l.Applied:
		if p.Failure = p.Verify(ctx); p.Failure == nil {
			p.Failure = l.NotReverted
		}
	case p.Failure == nil && l.UpToDate:
		p.Failure = pass.ErrNothingToDo
	case p.Failure == nil && ctx.Err() != nil:
		p.Failure = wait.ErrInterrupted
	}
	_, p.Failure = p.Ending().Finish(p.Failure)
}

// conclude settles what concerns several apps: rows of objects that changed hands, records of apps that are gone, and
// the list of apps, which says last of all that the commit is dealt with.
func (rd concluding) conclude(ctx context.Context) error {
	if rd.opts.DryRun {
		rd.promiseRemovals()
		return rd.heldBack()
	}
	if ctx.Err() != nil {
		return nil // each app has told
	}
	if err := rd.dropGiven(ctx); err != nil {
		return err
	}
	for _, p := range rd.passes {
		if p.Listed.LeftList && !p.Listed.NotSelected && p.Failure == nil && len(p.Record.Rows) == 0 {
			if err := rd.Records.Delete(ctx, p.Record); err != nil {
				return err
			}
			p.Listed.Gone = true
			p.Report.Message, p.Report.Health = "left gitops.yaml: its record is deleted", health.Unknown
			if ns := rd.leftNamespace(ctx, p); ns != "" {
				rd.tell(report.Warning, p.App.Name, "namespace %s, which was created for %s, stays: `kubectl delete namespace %s` deletes it with all that is in it", ns, p.App.Name, ns)
			}
		}
	}
	return errors.Join(rd.saveList(ctx, "", rd.failures()), rd.heldBack())
}

// saveList records what gitops.yaml lists at this commit and which apps are not at it. why is what failed of the run.
func (rd concluding) saveList(ctx context.Context, problem string, why error) error {
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
		if l := rd.list; l != nil && list.Source.Ref != rd.From.Ref && (rd.finding().sameRef() || l.Revision.Commit == rd.commit) {
			list.Revision.Ref = cmp.Or(l.Revision.Ref, pass.ShortRef(list.Source.Ref)) // another name of it, for this run only
		}
		for _, p := range rd.passes {
			if !p.Listed.LeftList {
				list.Apps = append(list.Apps, p.App.Name)
			}
			if b, behind := p.Ending().Behind(); behind {
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

func (rd concluding) saveProblem(ctx context.Context, err error) error {
	if rd.opts.DryRun || ctx.Err() != nil || rd.commit == "" && rd.opts.Forgive {
		return nil
	}
	line, _, _ := strings.Cut(err.Error(), "\n")
	if rd.revision.Commit != "" {
		line = rd.revision.Short() + ": " + line
	}
	return rd.saveList(ctx, line, err)
}
