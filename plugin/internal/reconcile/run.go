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
	r.current = &run{Reconciler: r, target: t, opts: opts, records: records, opened: map[string]opened{}}
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
func (rd *run) all(ctx context.Context) Outcome {
	defer rd.close()
	listed, err := rd.finding().find(ctx)
	if ctx.Err() != nil {
		err = wait.ErrInterrupted
	}
	switch rd.own = !listed; {
	case err != nil && (listed || rd.list != nil):
		return rd.unreadable(ctx, err)
	case err != nil:
		return rd.unread(ctx, err)
	}
	if err := rd.finding().choose(); err != nil {
		return Outcome{Listed: listed, Err: err}
	}
	if err := rd.observing().makePasses(ctx); err != nil {
		return Outcome{Listed: listed, Err: err}
	}
	rd.observing().observe(ctx)
	rd.deciding().plan(ctx)
	rd.working().work(ctx)
	out := Outcome{Listed: listed}
	if listed {
		out.Err = rd.concluding().conclude(ctx)
	}
	for _, p := range rd.passes {
		if !p.Listed.NotSelected || p.Listed.Suspended {
			out.Apps = append(out.Apps, AppOutcome{*p.Report, p.ShownEffects(), p.Failure})
		}
	}
	return out
}

// unread is the run over an app on its own whose commit, or record, could not be read: the record says why nothing new is applied.
func (rd *run) unread(ctx context.Context, why error) Outcome {
	opts := rd.opts
	opts.Commit, opts.Open, opts.Records = rd.commit, rd.open, rd.records
	p := pass.NewOwn(ctx, rd.env(), rd.target.App, opts)
	rd.passes = []*pass.Pass{p}
	switch {
	case rd.commit != "" && rd.records != nil: // nobody is asked again
		_, _ = p.Reading().Poll(ctx), p.Reading().Load(ctx)
	case !opts.Forgive:
		_ = p.Reading().Load(ctx)
	}
	done, err := p.Ending().Finish(why)
	return Outcome{Apps: []AppOutcome{{done, p.ShownEffects(), err}}}
}

// chooseOwn checks the names that were given for an app on its own.
func (rd finding) chooseOwn() error {
	name := rd.target.App.Name
	if only := rd.target.Only; len(only) > 0 && !slices.Equal(only, []string{name}) {
		return hint.Errorf(fmt.Sprintf("with --repo the app is %s, not %s", name, strings.Join(only, ", ")), "leave the argument out, or set --name")
	}
	if l := rd.records.Lists.Naming(name); l != nil {
		return hint.Errorf(fmt.Sprintf("the app %s is one of the gitops.yaml in %s, path %s", name, l.Source.Repo, l.Source.Path),
			"reconcile it by its name alone, or give this one another --name")
	}
	return nil
}

// find polls Git, loads the records, and finds out whether a gitops.yaml lists the apps, and which: from the records if all are
// at the commit, otherwise from the checkout.
func (rd finding) find(ctx context.Context) (listed bool, err error) {
	if rd.commit = rd.opts.Commit; rd.commit == "" {
		if rd.commit, err = rd.Source.Poll(ctx); err != nil {
			return rd.unpolled(ctx), err
		}
	}
	if err = rd.load(ctx); err != nil {
		return false, err
	}
	rd.list = rd.records.Lists.Of(rd.from())
	if rd.list != nil && rd.fromRecords() {
		rd.revision = pass.Under(rd.list.Revision, rd.list.Source.Ref, rd.From.Ref)
		return true, nil
	}
	if rd.Apps == nil || rd.list == nil && rd.isSingle() {
		return false, nil
	}
	if c := rd.checked; c != nil && c.commit == rd.commit {
		rd.apps = c.apps
		rd.note(c.revision)
		return true, nil
	}
	return rd.fromCheckout(ctx)
}

// unpolled finds out whether a gitops.yaml lists the apps from the records alone, after the poll has failed.
func (rd finding) unpolled(ctx context.Context) bool {
	if rd.load(ctx) == nil {
		rd.list = rd.records.Lists.Of(rd.from())
	}
	return rd.list != nil
}

// load loads the records, unless the run has them.
func (rd finding) load(ctx context.Context) (err error) {
	if rd.records == nil {
		rd.records, err = rd.Records.Load(ctx)
	}
	return err
}

func (rd finding) from() report.Source {
	return report.Source{Repo: rd.From.Repo, Path: rd.target.App.Path}
}

// isSingle reports whether the record of the target's app says that its directory has no gitops.yaml at this commit.
func (rd finding) isSingle() bool {
	rec := rd.records.Apps[rd.target.App.Name]
	return rec != nil && rec.Inventory != nil && rec.List == "" && rec.Revision.Commit == rd.commit &&
		rec.Source.Repo == rd.From.Repo && rec.Source.Path == rd.target.App.Path && rec.Config == rd.env().OwnSettings(rd.target.App)
}

// fromRecords takes the apps from their records, if all of them are at the commit.
func (rd finding) fromRecords() bool {
	l := rd.list
	if l.Revision.Commit != rd.commit || l.Tool != rd.Tool || l.Problem != "" || len(l.Behind) > 0 || len(l.Apps) == 0 {
		return false
	}
	for name, rec := range rd.records.Apps {
		if rd.lists(rec) && !l.Names(name) {
			return false // it left gitops.yaml, and still has a record
		}
	}
	var apps []app.App
	for _, name := range l.Apps {
		rec := rd.records.Apps[name]
		if rec == nil || !rd.lists(rec) {
			return false
		}
		app := recorded.Settings(rec)
		if (app.Substitute == nil || len(app.Substitute.From) == 0) && rd.env().Settings(app, "") != rec.Config {
			return false
		}
		apps = append(apps, app)
	}
	rd.apps = apps
	return true
}

// lists reports whether the gitops.yaml of the target lists, or listed, the app of rec.
func (rd finding) lists(rec *record.Record) bool {
	return rec.Inventory != nil && rec.List == rd.target.App.Path && rec.Source.Repo == rd.From.Repo
}

func (rd finding) fromCheckout(ctx context.Context) (bool, error) {
	tree, err := rd.open(ctx, rd.commit)
	if err != nil {
		return false, err
	}
	dir := rd.target.App.Path
	apps, found, err := rd.Apps(tree.Root, dir)
	switch {
	case err != nil:
		rd.note(tree.Revision)
		return true, err
	case !found && rd.list != nil:
		rd.note(tree.Revision)
		return true, hint.Errorf(fmt.Sprintf("%s is gone; it listed %s", path.Join(dir, "gitops.yaml"), report.Plural(len(rd.list.Apps), "app")),
			"restore the file; to remove an app, remove it from the file")
	case !found:
		return false, nil
	}
	rd.apps = apps
	rd.checked = &checked{rd.commit, apps, tree.Revision}
	rd.note(tree.Revision)
	before := ""
	if rd.list != nil {
		before = rd.list.Revision.Commit
	}
	rd.tell(report.Fetched, "", "%s", build.FetchedText(rd.From.Repo, rd.revision, before))
	return true, nil
}

func (rd finding) note(rev source.Revision) {
	rd.revision = build.RevisionOf(rev)
	rd.tip = rev
}

// choose checks the names and flags that were given.
func (rd finding) choose() error {
	if rd.own {
		return rd.chooseOwn()
	}
	if len(rd.target.Flags) > 0 {
		return hint.Errorf(fmt.Sprintf("%s cannot be used with a gitops.yaml", strings.Join(rd.target.Flags, ", ")),
			"the gitops.yaml in %s says it for each app; to reconcile one of them, name it as an argument", rd.target.App.Path)
	}
	var names []string
	for _, a := range rd.apps {
		names = append(names, a.Name)
	}
	for _, name := range rd.target.Only {
		if rec := rd.records.Apps[name]; !slices.Contains(names, name) && (rec == nil || !rd.lists(rec)) {
			return hint.Errorf(fmt.Sprintf("no app %s in the gitops.yaml of %s", name, rd.target.App.Path), "it has: %s", strings.Join(names, ", "))
		}
	}
	return rd.movesOthers()
}

func (rd finding) chosen(name string) bool {
	return len(rd.target.Only) == 0 || slices.Contains(rd.target.Only, name)
}
