package pass

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/app"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/apps/recorded"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/desired"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/live"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/manifest"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/observe"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/plan"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/execute"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/preflight"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/tell"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/wait"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// ErrNothingToDo ends a pass early: the app is up to date.
var ErrNothingToDo = errors.New("nothing to do")

// part is one step of a pass. An error ends the pass; what was written so far is recorded.
type part struct {
	name string
	run  func(context.Context) error
}

// The parts of a pass, in order. Apps of one gitops.yaml read together (see reconcile/run.go), and write one after the other.

func readingParts(p *Pass) []part {
	r, pl := p.Reading(), p.Planning()
	return []part{
		{"health rules", r.CompileHealth},
		{"poll", r.Poll},
		{"load record", r.Load},
		{"variables", r.Variables},
		{"observe", r.observeRecorded},
		{"decide", r.Decide},
		{"render", r.Render},
		{"observe", r.ObserveDesired},
		{"plan", pl.makePlan},
		{"check owners", pl.checkOwners},
		{"check rights", pl.checkRights},
	}
}

func writingParts(p *Pass) []part {
	w := p.writing()
	return []part{
		{"ask", w.ask},
		{"write ahead", w.writeAhead},
		{"rename our shares", w.renameShares},
		{"apply", w.apply},
		{"guard recreations", w.guardRecreations},
		{"prune", w.prune},
		{"save", w.saveApplied},
	}
}

// deletingParts are the steps that delete the objects of an app that is removed.
func deletingParts(p *Pass) []part {
	r, w := p.Removal(), p.writing()
	return []part{
		{"hooks", r.preDelete},
		{"prune", w.prune},
		{"hooks", r.postDelete},
		{"prune", w.pruneContainers},
		{"hooks", r.removed},
	}
}

// removingParts are the steps for an app that left gitops.yaml, in place of writingParts.
func removingParts(p *Pass) []part {
	w := p.writing()
	return slices.Concat([]part{{"write ahead", w.writeAhead}}, deletingParts(p), []part{{"save", w.saveApplied}})
}

func verifyingParts(p *Pass) []part {
	w := p.writing()
	return []part{
		{"wait for kinds", w.endKinds},
		{"wait for health", w.waitForHealth},
		{"hooks", w.postSync},
	}
}

// New returns a pass for one app, which has sent no request yet. ctx ends when the process is told to stop. The app is one of
// flags or of a record; NewListed makes a pass for an app of a gitops.yaml.
func New(ctx context.Context, r *Env, a app.App, opts Options) *Pass {
	p := &Pass{Env: r, Job: Job{ctx: ctx, App: a, Opts: opts, Set: r.Records.ID(a.Name), Started: r.Now(), Config: r.OwnSettings(a)}, Known: Known{Live: live.New()}, Wanted: Wanted{NewKinds: map[cluster.Kind]bool{}}, Tools: Tools{Track: wait.NewTracker(), Exec: &execute.Execution{Failed: map[object.Key]bool{}}}}
	p.Teller = &tell.Teller{Emit: r.Events, SecretsOf: p.Reading().secretsInPlay, Report: &report.App{Name: a.Name, Cause: opts.Cause, DryRun: opts.DryRun,
		Source: r.From, Changes: []report.Change{}, Pruned: []string{}}}
	p.Report.Source.Path = a.Path
	p.takeover = preflight.Takeover{Client: r.Cluster, Home: r.Home, Reader: r.Reader, Say: p.Teller, Told: &r.owners}
	p.Wait = &wait.Waiter{Client: r.Cluster, Reader: r.Reader, Now: r.Now, Say: p.Teller, Track: p.Track, Set: p.Set, Run: ctx, Started: p.Started, Timeout: a.Timeout,
		DryRun: opts.DryRun, Expires: p.expires}
	return p
}

func (p planning) planInput(desired []*desired.Object) plan.Input {
	return plan.Input{Desired: desired, Record: p.Record, Live: p.Live, States: p.States, Set: p.Set, Apps: p.Apps, Handovers: p.Handovers, LeaveDrift: p.leavesDrift()}
}

// Run does all steps of a pass for an app that no gitops.yaml lists, except Finish.
func (p *Pass) Run(ctx context.Context) error {
	return runParts(ctx, p, slices.Concat(readingParts(p), writingParts(p), verifyingParts(p)))
}

// Execute applies and prunes, or removes an app that left its list, and saves the record. Failed objects are in Exec.Failed.
func (p *Pass) Execute(ctx context.Context) error {
	if p.Listed != nil && p.Listed.LeftList {
		return runParts(ctx, p, removingParts(p))
	}
	return runParts(ctx, p, writingParts(p))
}

// Verify waits until the applied objects are healthy, and runs the PostSync hooks.
func (p *Pass) Verify(ctx context.Context) error { return runParts(ctx, p, verifyingParts(p)) }

func runParts(ctx context.Context, p *Pass, parts []part) error {
	for _, s := range parts {
		err := s.run(ctx)
		if ctx.Err() != nil && !errors.Is(err, ErrNothingToDo) {
			return wait.ErrInterrupted // whatever request was cut off: its error says nothing
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Poll sets the commit, from the options or from the source. If the source fails, the record is loaded to save the failure.
func (p reading) Poll(ctx context.Context) (err error) {
	if p.Commit = p.Opts.Commit; p.Commit == "" {
		p.Commit, err = p.Source.Poll(ctx)
	}
	p.Revision = report.Revision{Commit: p.Commit, Ref: p.From.Ref}
	p.Report.Revision = p.Revision
	if err != nil && !p.Opts.Forgive {
		_ = p.Load(ctx) // so that the failure can be recorded; an app without a record has nowhere to record it
	}
	return err
}

// ObserveDesired lists kinds and namespaces that are new in Git, to find objects that belong to somebody else.
func (p reading) ObserveDesired(ctx context.Context) error {
	q := observe.ListRequest{Namespaces: map[cluster.Kind][]string{}, NotOlderThan: p.Record.Newest()}
	for _, o := range p.Desired {
		p.Track.Refs[o.Key()] = o.Ref
		if p.Opts.Only != nil {
			continue // the kinds of this commit were listed before
		}
		if p.NewKinds[o.Ref.Kind] {
			var unknown *cluster.UnknownKindError
			if _, err := p.Cluster.Kind(ctx, o.GVK()); errors.As(err, &unknown) {
				p.Live.SetAbsent(o.Ref.Kind) // its CRD comes with this commit: there is nothing to list
			}
		}
		if !slices.Contains(q.Kinds, o.Ref.Kind) {
			q.Kinds = append(q.Kinds, o.Ref.Kind)
		}
		if ns := o.Namespace; ns != "" && !p.Live.Covers(o.Ref.Kind, ns) && !slices.Contains(q.Namespaces[o.Ref.Kind], ns) {
			q.Namespaces[o.Ref.Kind] = append(q.Namespaces[o.Ref.Kind], ns)
		}
	}
	for k, uncovered := range q.Namespaces {
		if len(uncovered) > 0 {
			p.Live.Unlist(k)
		}
	}
	return p.Env.Reader.List(ctx, p.Live, q)
}

// makePlan makes the plan and checks it: the objects may be ours, and the deletions are within the budget.
func (p planning) makePlan(ctx context.Context) error {
	p.noteSpread()
	p.Plan = plan.Make(p.planInput(p.Desired))
	if len(p.Plan.Prunes) > 0 {
		if err := p.listBeforePrune(ctx); err != nil {
			return err
		}
		p.Plan = plan.Make(p.planInput(p.Desired))
	}
	if len(p.Plan.Refused) > 0 {
		return p.refuseForeign(ctx)
	}
	if p.Record.Rebuilt {
		p.Plan.Prunes = nil
	}
	p.Plan.MarkKept(p.App, p.Listed.hasLeft(), p.ignored)
	p.tellUnowned()
	p.planHooks()
	if !p.Hooks.RemovalGoesOn() {
		if r := p.Plan.Guard(p.Record, p.Report.Source, p.App.Budget); r != nil {
			if a := p.Allowed(ctx, p.Tip, p.Commit, p.Bases()...); a.Deletions < r.N {
				return r.Refuse(a)
			}
		}
	}
	p.markCreateOnly()
	return p.readPlanned(ctx)
}

// readPlanned reads what the plan needs to know of the live objects.
func (p planning) readPlanned(ctx context.Context) error {
	p.Report.Counts.Unchanged += len(p.Plan.Unchanged)
	var same []object.Key
	for _, o := range p.Plan.Unchanged {
		same = append(same, o.Key())
	}
	if err := p.readUnknownHealth(ctx, same); err != nil {
		return err
	}
	p.leaveDrift(keysOf(p.Plan.Drifted))
	p.tellReserved()
	return p.readBefore(ctx)
}

// listBeforePrune lists what is to be pruned again, consistently: somebody may just have asked to keep it.
func (p planning) listBeforePrune(ctx context.Context) error {
	doomed := map[cluster.Kind]bool{}
	for _, r := range p.Plan.Prunes {
		doomed[r.Row.Ref.Kind] = true
	}
	q := observe.For(p.Record.All())
	q.Kinds = slices.DeleteFunc(q.Kinds, func(k cluster.Kind) bool { return !doomed[k] || p.Live.IsAbsent(k) })
	return p.Env.Reader.Again(ctx, p.Live, q)
}

// readUnknownHealth reads objects after a run that ended before all were healthy. Otherwise they are assumed healthy.
func (p planning) readUnknownHealth(ctx context.Context, keys []object.Key) error {
	if p.Record.AllHealthy && (p.Record.Config == p.Config || plan.SameWaits(recorded.Settings(p.Record), p.App)) || p.Opts.Only != nil {
		for _, k := range keys {
			p.Track.AssumedHealthy[k] = true
		}
		return nil
	}
	var refs []cluster.Ref
	for _, k := range keys {
		refs = append(refs, p.Track.Refs[k])
	}
	if err := p.Env.Reader.Values(ctx, p.Live, refs, p.Set); err != nil {
		return err
	}
	for _, k := range keys {
		if p.Track.After[k] = p.Live.Values(k, p.Set); p.Track.After[k] == nil {
			if ctx.Err() == nil && p.expires(k) {
				p.Track.Expired(k)
			}
		}
	}
	return nil
}

// readBefore reads the objects that are about to change, to report what changes, and who set what is reverted.
func (p planning) readBefore(ctx context.Context) error {
	var refs []cluster.Ref
	for _, s := range p.Plan.Steps {
		switch {
		case s.From != nil:
			refs = append(refs, s.From.Row.Ref)
		case s.Row != nil && p.Live.Member(s.Key(), p.Set) != nil:
			refs = append(refs, s.Row.Ref) // at the version it was applied at: the new one may not be served yet
		}
	}
	if err := p.Env.Reader.Values(ctx, p.Live, refs, p.Set); err != nil {
		return err
	}
	for _, s := range p.Plan.Steps {
		s.Live = p.Live.Values(s.Key(), s.Owner(p.Set))
	}
	return nil
}

// writeAhead records every object that is about to be created, and marks the record as pending. So no object is orphaned if
// this process dies, or if another reconciler prunes it meanwhile. Changes of recorded objects need none: after an interrupt
// the record has the old commit and manifests, and the next run applies them again.
func (p writing) writeAhead(ctx context.Context) error {
	if p.Opts.DryRun {
		p.tellHooks()
		return p.ensureNamespace(ctx)
	}
	p.Record.BeginWrites()
	p.noteBefore()
	if err := p.Planning().checkCluster(ctx, false); err != nil {
		return err
	}
	if !p.Record.HasParent() { // before the first write, this finds the parent of another tool, or another reconciler at work
		if _, err := p.Records.LoadParent(ctx, p.Record, p.App.Name); err != nil {
			return err
		}
	}
	added := p.Hooks.New
	if p.Hooks.AreDue() {
		p.Record.SetDue(p.Hooks.Due)
	}
	if p.Hooks.Keep != nil {
		p.Record.Keep(p.Hooks.Keep)
	}
	for _, s := range p.Plan.Steps {
		switch {
		case s.Row == nil:
			p.Record.WriteAhead(s.Ref, s.From != nil && s.From.Row.Adopted)
			added = true
		case s.State == live.Missing: // recorded already, but another reconciler may have pruned it a moment ago
			added = true
		}
	}
	if err := p.ensureNamespace(ctx); err != nil {
		return err
	}
	if !added {
		return nil
	}
	p.Record.MarkPending()
	if !p.Ending().keepsSource() {
		p.Ending().noteSource() // the next run may have to continue this one without its flags
	}
	return p.Records.Save(ctx, p.Record)
}

// saveApplied records what was applied. It leaves the save to Finish unless a wait for health comes first.
func (p writing) saveApplied(ctx context.Context) error {
	if len(p.Exec.Failed) > 0 || p.Exec.WaitsForKinds() {
		return nil // finish saves, or endKinds
	}
	p.complete()
	if p.Opts.DryRun || p.Listed.IsOwn() || len(p.Track.Unhealthy(p.waitsFor(p.keys()))) == 0 {
		return nil
	}
	return p.saveBeforeHealth(ctx)
}

// saveBeforeHealth saves the record before a wait for health, which can be long.
func (p writing) saveBeforeHealth(ctx context.Context) error {
	return p.Ending().save(ctx, report.ResultSucceeded, "", false)
}

func (p writing) waitForHealth(ctx context.Context) error {
	if p.Opts.DryRun || len(p.Exec.Failed) > 0 {
		return nil
	}
	if p.Opts.Loop {
		return p.Wait.Once(ctx, p.waitsFor(p.keys()), p.Record.LastApplied)
	}
	return p.Wait.Healthy(ctx, p.waitsFor(p.keys()), p.saveBeforeHealth)
}

// expires tells whether an object is a Job with a time to live: when it is gone, it has run.
func (p *Pass) expires(k object.Key) bool {
	row, _ := p.Record.Row(k)
	return row.Expires
}

func (p *Pass) keys() []object.Key { return keysOf(p.Desired) }

func keysOf(objects []*desired.Object) []object.Key {
	keys := make([]object.Key, 0, len(objects))
	for _, o := range objects {
		keys = append(keys, o.Key())
	}
	return keys
}

// LearnPromised makes the kinds known that the apps before this one promise to define. It is for dry runs.
func (p reading) LearnPromised(ctx context.Context) {
	for _, h := range p.Promised {
		defined, _ := desired.DefinedKinds(app.Allow{}, []manifest.Object{{Unstructured: h.Manifest}}) // it is a step of its app, so it was allowed
		p.Cluster.Promise(ctx, defined)
	}
}

// Repeat returns a pass like p, with the record of p, that reads only the objects at changed.
func (p *Pass) Repeat(ctx context.Context, changed map[object.Key]bool) *Pass {
	opts := p.Opts
	opts.Commit, opts.Open, opts.Records, opts.RanOut = p.Commit, nil, nil, nil
	opts.Only = &OnlyChanged{rec: p.Record, apps: p.Apps, keys: slices.Collect(maps.Keys(changed))}
	n := New(ctx, p.Env, p.App, opts)
	n.Config, n.Followed = p.Config, p.Followed
	if !p.Listed.IsOwn() {
		at := p.Revision
		n.Teller.Listed, n.Listed = true, &Listed{dir: p.Listed.dir, setting: p.Listed.setting, AppliedAt: &at}
	}
	return n
}
