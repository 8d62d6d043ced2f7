package reconcile

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/app"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/apps/recorded"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/build"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/pass"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/wait"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/source"
)

// Run makes one run over the apps of a target. Errors are in the Outcome.
func (r *Reconciler) Run(ctx context.Context, t Target, opts Options) Outcome {
	return r.newRun(t, opts.forPasses(), opts.Records).all(ctx)
}

// newRun returns a run, which becomes the current one. records are nil when they are not loaded yet.
func (r *Reconciler) newRun(t Target, opts pass.Options, records *record.Loaded) *run {
	opts.RanOut = &atomic.Int32{}
	r.current = &run{Reconciler: r, target: t, opts: opts, records: records, opened: map[string]opened{}, asked: resolver{ask: r.Resolve}}
	return r.current
}

// LastVerified returns the newest commit of From.Repo that was verified when it was applied, as the records of the current run
// say; nil when there is none. A source that shows only verified commits calls it in its Poll.
func (r *Reconciler) LastVerified(ctx context.Context) *report.Revision {
	if r.current == nil || r.current.finding().load(ctx) != nil {
		return nil // the run says why
	}
	return r.current.records.LastVerified(r.From.Repo)
}

// all is the run, stage by stage.
func (r *run) all(ctx context.Context) Outcome {
	defer r.close()
	listed, err := r.finding().find(ctx)
	if ctx.Err() != nil {
		err = wait.ErrInterrupted
	}
	switch r.own = !listed; {
	case err != nil && (listed || r.list != nil):
		return r.unreadable(ctx, err)
	case err != nil:
		return r.unread(ctx, err)
	}
	if err := r.finding().choose(); err != nil {
		return Outcome{Listed: listed, Err: err}
	}
	if err := r.observing().makePasses(ctx); err != nil {
		return Outcome{Listed: listed, Err: err}
	}
	r.observing().observe(ctx)
	r.deciding().plan(ctx)
	r.working().work(ctx)
	out := Outcome{Listed: listed}
	if listed {
		out.Err = r.concluding().conclude(ctx)
	}
	for _, p := range r.passes {
		if !p.Listed.NotSelected || p.Listed.Suspended {
			out.Apps = append(out.Apps, AppOutcome{*p.Report, p.ShownEffects(), p.Failure})
		}
	}
	return out
}

// unread is the run over an app on its own whose commit, or record, could not be read: the record says why nothing new is applied.
func (r *run) unread(ctx context.Context, why error) Outcome {
	opts := r.opts
	opts.Commit, opts.Open, opts.Records = r.commit, r.open, r.records
	p := pass.NewOwn(ctx, r.env(), r.target.App, opts)
	r.passes = []*pass.Pass{p}
	switch {
	case r.commit != "" && r.records != nil: // nobody is asked again
		_, _ = p.Reading().Poll(ctx), p.Reading().Load(ctx)
	case !opts.Forgive:
		_ = p.Reading().Load(ctx)
	}
	done, err := p.Ending().Finish(why)
	return Outcome{Apps: []AppOutcome{{done, p.ShownEffects(), err}}}
}

// chooseOwn checks the names that were given for an app on its own.
func (r finding) chooseOwn() error {
	name := r.target.App.Name
	if only := r.target.Only; len(only) > 0 && !slices.Equal(only, []string{name}) {
		return hint.Errorf(fmt.Sprintf("with --repo the app is %s, not %s", name, strings.Join(only, ", ")), "leave the argument out, or set --name")
	}
	if l := r.records.Lists.Naming(name); l != nil {
		return hint.Errorf(fmt.Sprintf("the app %s is one of the gitops.yaml in %s, path %s", name, l.Source.Repo, l.Source.Path),
			"reconcile it by its name alone, or give this one another --name")
	}
	return nil
}

// find polls Git, loads the records, and finds out whether a gitops.yaml lists the apps, and which: from the records if all are
// at the commit, otherwise from the checkout.
func (r finding) find(ctx context.Context) (listed bool, err error) {
	if r.commit = r.opts.Commit; r.commit == "" {
		if r.commit, err = r.Source.Poll(ctx); err != nil {
			return r.unpolled(ctx), err
		}
	}
	if err = r.load(ctx); err != nil {
		return false, err
	}
	r.list = r.records.Lists.Of(r.from())
	if r.list != nil && r.fromRecords() {
		r.revision = pass.Under(r.list.Revision, r.list.Source.Ref, r.From.Ref)
		return true, nil
	}
	if r.Apps == nil || r.list == nil && r.isSingle() {
		return false, nil
	}
	if c := r.checked; c != nil && c.commit == r.commit {
		r.apps = c.apps
		r.note(c.revision)
		return true, nil
	}
	return r.fromCheckout(ctx)
}

// unpolled finds out whether a gitops.yaml lists the apps from the records alone, after the poll has failed.
func (r finding) unpolled(ctx context.Context) bool {
	if r.load(ctx) == nil {
		r.list = r.records.Lists.Of(r.from())
	}
	return r.list != nil
}

// load loads the records, unless the run has them.
func (r finding) load(ctx context.Context) (err error) {
	if r.records == nil {
		r.records, err = r.Records.Load(ctx)
	}
	return err
}

func (r finding) from() report.Source {
	return report.Source{Repo: r.From.Repo, Path: r.target.App.Path}
}

// isSingle reports whether the record of the target's app says that its directory has no gitops.yaml at this commit.
func (r finding) isSingle() bool {
	rec := r.records.Apps[r.target.App.Name]
	return rec != nil && rec.Inventory != nil && rec.List == "" && rec.Revision.Commit == r.commit &&
		rec.Source.Repo == r.From.Repo && rec.Source.Path == r.target.App.Path && rec.Config == r.env().OwnSettings(r.target.App)
}

// fromRecords takes the apps from their records, if all of them are at the commit or wait for somebody.
func (r finding) fromRecords() bool {
	l := r.list
	if l.Revision.Commit != r.commit || l.Tool != r.Tool || l.Problem != "" || len(l.Apps) == 0 ||
		slices.ContainsFunc(l.Behind, func(b record.Behind) bool { return !b.IsWaiting() }) {
		return false
	}
	for name, rec := range r.records.Apps {
		if r.lists(rec) && !l.Names(name) {
			return false // it left gitops.yaml, and still has a record
		}
	}
	var apps []app.App
	for _, name := range l.Apps {
		if b, behind := l.IsBehind(name); behind {
			app, ok := recorded.Waiting(b)
			if !ok {
				return false
			}
			app.Suspend = l.Suspends(name)
			apps = append(apps, app)
			continue
		}
		rec := r.records.Apps[name]
		if rec == nil || !r.lists(rec) {
			return false
		}
		app := recorded.Settings(rec)
		if !app.ReadsCluster() && !build.Follows(rec) && r.env().Settings(app, "") != rec.Config {
			return false
		}
		app.Suspend = l.Suspends(name)
		apps = append(apps, app)
	}
	r.apps, r.known = apps, true
	return true
}

// lists reports whether the gitops.yaml of the target lists, or listed, the app of rec.
func (r finding) lists(rec *record.Record) bool {
	return rec.Inventory != nil && rec.List == r.target.App.Path && rec.Source.Repo == r.From.Repo
}

func (r finding) fromCheckout(ctx context.Context) (bool, error) {
	tree, err := r.open(ctx, r.commit)
	if err != nil {
		return false, err
	}
	dir := r.target.App.Path
	if err := tree.Fetch(ctx, path.Join(dir, "gitops.yaml"), path.Join(dir, "gitops.yml")); err != nil {
		return false, err
	}
	apps, found, err := r.Apps(tree.Root, dir)
	switch {
	case err != nil:
		r.note(tree.Revision)
		return true, err
	case !found && r.list != nil:
		r.note(tree.Revision)
		return true, hint.Errorf(fmt.Sprintf("%s is gone; it listed %s", path.Join(dir, "gitops.yaml"), report.Plural(len(r.list.Apps), "app")),
			"restore the file; to remove an app, remove it from the file")
	case !found:
		return false, nil
	}
	r.apps = apps
	r.checked = &checked{r.commit, apps, tree.Revision}
	r.note(tree.Revision)
	before := ""
	if r.list != nil {
		before = r.list.Revision.Commit
	}
	r.tell(report.Fetched, "", "%s", build.FetchedText(r.From.Repo, r.revision, before))
	return true, nil
}

func (r finding) note(rev source.Revision) {
	r.revision = build.RevisionOf(rev)
	r.tip = rev
}

// choose checks the names and flags that were given.
func (r finding) choose() error {
	if r.own {
		return r.chooseOwn()
	}
	if len(r.target.Flags) > 0 {
		return hint.Errorf(fmt.Sprintf("%s cannot be used with a gitops.yaml", strings.Join(r.target.Flags, ", ")),
			"the gitops.yaml in %s says it for each app; to reconcile one of them, name it as an argument", r.target.App.Path)
	}
	var names []string
	for _, a := range r.apps {
		names = append(names, a.Name)
	}
	for _, name := range r.target.Only {
		if rec := r.records.Apps[name]; !slices.Contains(names, name) && (rec == nil || !r.lists(rec)) {
			return hint.Errorf(fmt.Sprintf("no app %s in the gitops.yaml of %s", name, r.target.App.Path), "it has: %s", strings.Join(names, ", "))
		}
	}
	return r.movesOthers()
}

func (r finding) chosen(name string) bool {
	return len(r.target.Only) == 0 || slices.Contains(r.target.Only, name)
}
