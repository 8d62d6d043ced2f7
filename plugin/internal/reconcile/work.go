package reconcile

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/desired"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/health"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/plan"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/plan/crossapp"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/build"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/pass"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/wait"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// work applies what was planned. An app is applied when those it depends on are applied and healthy; while it has to
// wait for that, the others go on. Nobody waits for health that no other app needs before all apps are applied.
func (r working) work(ctx context.Context) {
	open, order := slices.DeleteFunc(slices.Clone(r.passes), func(p *pass.Pass) bool { return !pass.HasWork(p) }), r.order()
	for len(open) > 0 && ctx.Err() == nil {
		i := slices.IndexFunc(open, func(p *pass.Pass) bool { return len(order.Undecided(p.App.Name)) == 0 })
		if i < 0 {
			r.endOneFor(ctx, order, open)
			continue
		}
		p := open[i]
		open = slices.Delete(open, i, i+1)
		if r.mayStart(order, p) {
			r.start(ctx, p)
		}
	}
	for _, p := range r.passes {
		r.end(ctx, p)
	}
}

// endOneFor waits for the first app that one of those in open depends on and that is applied.
func (r working) endOneFor(ctx context.Context, order crossapp.Order, open []*pass.Pass) {
	for _, p := range open {
		for _, name := range order.Undecided(p.App.Name) {
			if dep := r.passOf(name); !slices.Contains(open, dep) {
				r.end(ctx, dep)
				return
			}
		}
	}
}

// order decides which app comes next, by how far the run has come with each.
func (r *run) order() crossapp.Order {
	passes, names := make(map[string]*pass.Pass, len(r.passes)), make([]string, len(r.passes))
	for i, p := range r.passes {
		passes[p.App.Name], names[i] = p, p.App.Name
	}
	return crossapp.Order{Apps: names, RevertOnly: r.revertOnly, DryRun: r.opts.DryRun, Of: func(name string) crossapp.Standing { return standingOf(passes[name]) }}
}

func standingOf(p *pass.Pass) crossapp.Standing {
	l := p.Listed
	return crossapp.Standing{DependsOn: p.App.DependsOn, RemovedAfter: l.RemovedAfter, LeftList: l.LeftList,
		Failed: p.Failure != nil, Skipped: l.State == pass.Skipped, Ended: l.Ended, NotSelected: l.NotSelected, Suspended: l.Suspended,
		Waiting: l.Why, UpToDate: l.IsUpToDate(), Removed: l.LeftList && pass.IsRemoved(p),
		AllHealthy: p.Record != nil && p.Record.AllHealthy, AppliedAll: p.Record != nil && !p.Record.Pending && l.AppliedAt != nil,
		Unhealthy: func() bool { return !p.AllHealthy() }}
}

// mayStart tells whether the apps that p waits for are applied and healthy, and notes on p why not.
func (r working) mayStart(o crossapp.Order, p *pass.Pass) bool {
	why, err := o.MayStart(p.App.Name)
	switch {
	case err != nil:
		p.Listed.State, p.Failure = pass.Skipped, err
	case why != "":
		p.Listed.State, p.Listed.Why = pass.Waiting, why
	default:
		return true
	}
	return false
}

// start does everything for one app but waiting for its health.
func (r working) start(ctx context.Context, p *pass.Pass) {
	if !r.own { // which has not waited for others
		p.Started = r.Now()
		p.Wait.Started = p.Started
	}
	if r.opts.DryRun {
		r.deciding().promise(p)
	}
	if p.Listed.State == pass.WaitsForKinds {
		if p.Failure = r.deciding().planWithKinds(ctx, p); p.Failure != nil {
			switch {
			case errors.Is(p.Failure, pass.ErrNothingToDo):
				p.Listed.State, p.Failure = pass.UpToDate, nil
			case errors.Is(p.Failure, build.ErrSlow):
				pass.WaitForRender(p)
			}
			return
		}
	}
	if p.Failure = p.Execute(ctx); p.Failure != nil {
		return
	}
	p.Listed.State = pass.Applied
	if len(p.Exec.Failed) > 0 && !r.own {
		p.Failure = p.FirstFailure()
	}
}

// planWithKinds plans an app whose kinds were installed by the apps before it.
func (r deciding) planWithKinds(ctx context.Context, p *pass.Pass) error {
	p.Builder().ForgetServer()
	p.Cluster.Learn(p.Record.Kinds()...)
	p.Reading().LearnPromised(ctx)
	if err := p.Reading().Render(ctx); err != nil {
		return err
	}
	if err := p.Planning().Confine(); err != nil {
		return err
	}
	for _, other := range r.passes {
		for _, o := range other.Desired {
			if i := slices.IndexFunc(p.Desired, func(mine *desired.Object) bool { return mine.Key() == o.Key() }); i >= 0 && other != p && !(o.MayBeShared() && p.Desired[i].MayBeShared()) {
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
func (r working) end(ctx context.Context, p *pass.Pass) {
	l := p.Listed
	if l.Ended {
		return
	}
	l.Ended = true
	switch {
	case l.RevertOnly != nil && l.IsUpToDate():
		return // nothing is said of its record
	case l.Suspended && p.Failure == nil:
		if _, p.Failure = p.Ending().LeaveSuspended(); p.Record.Revision.Commit == "" {
			return // it has no record yet
		}
	case l.NotSelected:
		if p.Failure != nil {
			p.Failure = p.Conceal(p.Failure)
			p.Report.Message = p.Failure.Error()
		}
		return
	case p.Failure == nil && l.Why != "":
		p.Report.Result, p.Report.Message = report.ResultSucceeded, l.Why
		p.Report.Objects, p.Report.Health = report.Objects{}, health.Unknown
		return
	case p.Failure == nil && l.State == pass.Applied && ctx.Err() != nil && pass.AllDone(p):
		p.Failure = l.NotReverted // the run is interrupted; this app was finished
	case p.Failure == nil && l.State == pass.Applied:
		if p.Failure = p.Verify(ctx); p.Failure == nil {
			p.Failure = l.NotReverted
		}
	case p.Failure == nil && l.IsUpToDate():
		p.Failure = pass.ErrNothingToDo
	case p.Failure == nil && ctx.Err() != nil:
		p.Failure = wait.ErrInterrupted
	}
	_, p.Failure = p.Ending().Finish(p.Failure)
}

// conclude settles what concerns several apps: rows of objects that changed hands, records of apps that are gone, and
// the list of apps, which says last of all that the commit is dealt with.
func (r concluding) conclude(ctx context.Context) error {
	if r.opts.DryRun {
		r.promiseRemovals()
		return r.withheld()
	}
	if ctx.Err() != nil {
		return nil // each app has told
	}
	if err := r.dropGiven(ctx); err != nil {
		return err
	}
	for _, p := range r.passes {
		if p.Listed.LeftList && !p.Listed.NotSelected && p.Failure == nil && p.Record.Len() == 0 {
			if err := r.Records.Delete(ctx, p.Record); err != nil {
				return err
			}
			p.Listed.State = pass.Gone
			p.Report.Message, p.Report.Health = plan.Left(p.App, true), health.Unknown
			if ns := r.leftNamespace(ctx, p); ns != "" {
				r.tell(report.Warning, p.App.Name, "namespace %s, which was created for %s, stays: `kubectl delete namespace %s` deletes it with all that is in it", ns, p.App.Name, ns)
			}
		}
	}
	return errors.Join(r.saveList(ctx, "", r.failures()), r.withheld())
}

// saveList records what gitops.yaml lists at this commit and which apps are not at it. why is what failed of the run.
func (r concluding) saveList(ctx context.Context, problem string, why error) error {
	if r.list == nil && (problem != "" || why != nil && !r.worthSaving()) {
		return nil // nothing is known that could be kept
	}
	list := r.list.Copy()
	r.noteListSource(list, why)
	withheld := ""
	if why := r.withheld(); why != nil {
		withheld = why.Error()
	}
	list.NoteRun(r.Tool, withheld)
	if problem != "" {
		list.NoteProblem(problem)
	} else {
		r.noteApps(list)
	}
	err := r.Records.SaveList(ctx, list)
	if err == nil {
		r.list = list
	}
	return err
}

// noteApps writes into the list what gitops.yaml lists at this commit, and which of its apps are behind.
func (r concluding) noteApps(list *record.AppList) {
	rev := r.revision
	if l := r.list; l != nil && list.Source.Ref != r.From.Ref && (r.finding().sameRef() || l.Revision.Commit == r.commit) {
		rev.Ref = cmp.Or(l.Revision.Ref, pass.ShortRef(list.Source.Ref)) // another name of it, for this run only
	}
	var apps []string
	var behind []record.Behind
	var suspended []string
	for _, p := range r.passes {
		if !p.Listed.LeftList {
			apps = append(apps, p.App.Name)
			if p.App.Suspend {
				suspended = append(suspended, p.App.Name)
			}
		}
		if b, is := p.Ending().Behind(); is {
			behind = append(behind, b)
		}
	}
	waiting := r.waiting(func(p *pass.Pass) bool { return p.Ending().WaitsForSomebody() })
	for i := range behind {
		if waiting[behind[i].App] {
			r.passOf(behind[i].App).Ending().NoteWaiting(&behind[i])
		}
	}
	list.NoteApps(rev, apps, behind, suspended)
}

func (r concluding) saveProblem(ctx context.Context, err error) error {
	if r.opts.DryRun || ctx.Err() != nil || r.commit == "" && r.opts.Forgive {
		return nil
	}
	line, _, _ := strings.Cut(err.Error(), "\n")
	if r.revision.Commit != "" {
		line = r.revision.Short() + ": " + line
	}
	return r.saveList(ctx, line, err)
}
