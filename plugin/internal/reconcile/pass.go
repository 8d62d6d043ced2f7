package reconcile

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/app"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/desired"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/live"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/manifest"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/observe"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/plan"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/build"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/execute"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/preflight"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/tell"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/wait"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/source"
)

// passOptions are the settings of one pass.
type passOptions struct {
	Cause  report.Cause // what made us run, when neither a commit nor drift turns up
	DryRun bool         // ask the server, write nothing
	Loop   bool         // part of a loop: do not wait for the health of an earlier run again
	Commit string       // what the ref points at, when that is known; "" polls
	// Timeout is the budget of apps of a gitops.yaml that say none; zero is DefaultTimeout.
	Timeout time.Duration

	drift   *driftOnly                                          // set by a loop whose watches say what to look at
	forgive bool                                                // set by a loop whose last turn succeeded: a poll that fails once is not worth a write
	open    func(context.Context, string) (*source.Tree, error) // set where several apps share a checkout
	records map[string]*record.Record                           // set where they were loaded already
	ranOut  *atomic.Int32                                       // renders of this run that did not fit into their slice, of several apps

	// commits lists a range of commits, set where several apps ask for the same.
	commits func(ctx context.Context, from, to string, paths []string) ([]source.Commit, error)
}

// pass is one run over one app.
type pass struct {
	*env
	*tell.Teller
	tools
	job
	revisions
	known
	wanted
	result
	listed *listed // of an app that a gitops.yaml lists
}

// tools do the work of a pass.
type tools struct {
	track    *wait.Tracker
	wait     *wait.Waiter
	takeover preflight.Takeover
	exec     *execute.Execution
}

// job is what a pass is about.
type job struct {
	ctx     context.Context // ends when the process is told to stop
	app     app.App
	opts    passOptions
	id      string            // ApplySet id
	apps    map[string]string // of the instance, by ApplySet id
	started time.Time
	config  string           // digest of the settings
	vars    *build.Variables // nil where the app takes none from the cluster
	timeout time.Duration    // as the settings have it, zero for what flags say
}

// revisions are the commits that a pass is between, and what the app renders to.
type revisions struct {
	commit   string // what the ref points at
	revision report.Revision
	tip      source.Revision // the commit, with its message
	was      lastKnown
	because  *because    // nil until the history is written
	built    build.Build // what was rendered last; its inputs are nil where they are not known
	brought  []string    // API versions and kinds that apps before this one bring
}

// known is what the record and the cluster hold.
type known struct {
	rec    *record.Record
	live   *live.Snapshot
	states map[record.Key]live.State
	plan.Handovers
	moved   bool // the record names another commit, or other inputs, than before
	renamed bool // our field manager got its name of today on some objects
}

// wanted is what the app is to hold, and the plan to get there.
type wanted struct {
	desired            []*desired.Object
	ignored            map[record.Key]bool // in Git, and left alone altogether
	hooks              plan.Hooks          // run instead of applied
	deferred           bool                // a kind is not known yet: some objects are left to a later pass
	plan               *plan.Plan
	newKinds           map[cluster.Kind]bool // of CRDs this pass applies
	foreseen           []plan.Promise        // of a dry run: what it would find in the cluster
	foreseenNamespaces []string              // of apps before this one
	handedOver         bool                  // it left gitops.yaml, but another app takes over objects of it
}

// result is what a pass came to.
type result struct {
	pushed     bool  // this run is in the history
	held       bool  // all went well, but with an earlier commit than the ref points at
	failure    error // what ended it, of an app that a gitops.yaml lists
	unrendered error // why its manifests were not rendered
	owned      error // what would end it, of a dry run: other tools still apply its objects
}

// errNothingToDo ends a pass early: Git, record and cluster agree.
var errNothingToDo = errors.New("nothing to do")

// part is one part of a pass. One that returns an error ends the pass; what was written so far is recorded.
type part struct {
	name string
	run  func(context.Context) error
}

// The parts of a pass, in order: first what only reads, then what writes. Apps of one gitops.yaml read together, see
// round.go, and write one after the other.

func (p *pass) readingParts() []part {
	r, pl := p.reading(), p.planning()
	return []part{
		{"health rules", r.compileHealth},
		{"poll", r.poll},
		{"load record", r.load},
		{"variables", r.variables},
		{"observe", r.observeRecorded},
		{"decide", r.decide},
		{"render", r.render},
		{"observe", r.observeDesired},
		{"plan", pl.makePlan},
		{"check owners", pl.checkOwners},
		{"check rights", pl.checkRights},
	}
}

func (p *pass) writingParts() []part {
	w := p.writing()
	return []part{
		{"ask", w.ask},
		{"write ahead", w.writeAhead},
		{"rename our shares", w.renameShares},
		{"apply", w.apply},
		{"guard recreations", w.guardForeseen},
		{"prune", w.prune},
		{"save", w.saveApplied},
	}
}

// deletingParts is what is done to the objects of an app that is removed.
func (p *pass) deletingParts() []part {
	r, w := p.removal(), p.writing()
	return []part{
		{"hooks", r.preDelete},
		{"prune", w.prune},
		{"hooks", r.postDelete},
		{"prune", w.pruneContainers},
		{"hooks", r.removed},
	}
}

// removingParts takes the place of writingParts for an app that left gitops.yaml.
func (p *pass) removingParts() []part {
	w := p.writing()
	return slices.Concat([]part{{"write ahead", w.writeAhead}}, p.deletingParts(), []part{{"save", w.saveApplied}})
}

func (p *pass) verifyingParts() []part {
	w := p.writing()
	return []part{
		{"wait for kinds", w.lateKinds},
		{"wait for health", w.waitForHealth},
		{"hooks", w.postSync},
	}
}

// The stages of a pass, each with what it does. What they share is in pass.
type (
	reading  struct{ *pass } // from Git and the cluster to what is desired and what there is
	planning struct{ *pass } // what is to be done, and whether it may be
	writing  struct{ *pass } // to the cluster
	removal  struct{ *pass } // of an app, with its hooks
	ending   struct{ *pass } // what is recorded and told
)

func (p *pass) reading() reading   { return reading{p} }
func (p *pass) planning() planning { return planning{p} }
func (p *pass) writing() writing   { return writing{p} }
func (p *pass) removal() removal   { return removal{p} }
func (p *pass) ending() ending     { return ending{p} }

func newPass(ctx context.Context, r *env, a app.App, opts passOptions) *pass {
	p := &pass{env: r, job: job{ctx: ctx, app: a, opts: opts, id: r.Records.ID(a.Name), started: r.Now(), config: r.ownSettings(a)}, known: known{live: live.New()}, wanted: wanted{newKinds: map[cluster.Kind]bool{}}, tools: tools{track: wait.NewTracker(), exec: &execute.Execution{Failed: map[record.Key]bool{}}}}
	p.Teller = &tell.Teller{Emit: r.Events, SecretsOf: p.secretsInPlay, Report: &report.App{Name: a.Name, Cause: opts.Cause, DryRun: opts.DryRun,
		Source: r.From, Changes: []report.Change{}, Pruned: []string{}}}
	p.Report.Source.Path = a.Path
	p.takeover = preflight.Takeover{Client: r.Cluster, Home: r.home, Reader: r.reader, Say: p.Teller, Told: &r.owners}
	p.wait = &wait.Waiter{Client: r.Cluster, Reader: r.reader, Now: r.Now, Say: p.Teller, Track: p.track, Set: p.id, Run: ctx, Started: p.started, Timeout: a.Timeout,
		DryRun: opts.DryRun, Expires: func(k record.Key) bool { return p.rec.Rows[k].Expires }}
	return p
}

func (p *pass) planInput(desired []*desired.Object) plan.Input {
	return plan.Input{Desired: desired, Record: p.rec, Live: p.live, States: p.states, Set: p.id, Apps: p.apps, Handovers: p.Handovers}
}

func (p *pass) runStages(ctx context.Context) error {
	return p.runParts(ctx, slices.Concat(p.readingParts(), p.writingParts(), p.verifyingParts()))
}

func (p *pass) runParts(ctx context.Context, parts []part) error {
	for _, s := range parts {
		err := s.run(ctx)
		if ctx.Err() != nil && !errors.Is(err, errNothingToDo) {
			return wait.ErrInterrupted // whatever request was cut off: its error says nothing
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (p reading) poll(ctx context.Context) (err error) {
	if p.commit = p.opts.Commit; p.commit == "" {
		p.commit, err = p.Source.Poll(ctx)
	}
	p.revision = report.Revision{Commit: p.commit, Ref: p.From.Ref}
	p.Report.Revision = p.revision
	if err != nil && !p.opts.forgive {
		_ = p.load(ctx) // so that the record can say why nothing new is applied; without it there is nothing to say it of
	}
	return err
}

// observeDesired lists what the record did not know to look for: kinds and namespaces that are new in Git. It shows
// objects that belong to somebody else.
func (p reading) observeDesired(ctx context.Context) error {
	q := observe.ListRequest{Namespaces: map[cluster.Kind][]string{}, NotOlderThan: p.rec.Newest()}
	for _, o := range p.desired {
		p.track.Refs[o.Key()] = o.Ref
		if p.opts.drift != nil {
			continue // the commit is the one whose kinds were listed
		}
		if p.newKinds[o.Ref.Kind] {
			var unknown *cluster.UnknownKindError
			if _, err := p.Cluster.Kind(ctx, o.GVK()); errors.As(err, &unknown) {
				p.live.SetAbsent(o.Ref.Kind) // its CRD comes with this commit: there is nothing to list
			}
		}
		if !slices.Contains(q.Kinds, o.Ref.Kind) {
			q.Kinds = append(q.Kinds, o.Ref.Kind)
		}
		if ns := o.Namespace; ns != "" && !p.live.Covers(o.Ref.Kind, ns) && !slices.Contains(q.Namespaces[o.Ref.Kind], ns) {
			q.Namespaces[o.Ref.Kind] = append(q.Namespaces[o.Ref.Kind], ns)
		}
	}
	for k, uncovered := range q.Namespaces {
		if len(uncovered) > 0 {
			p.live.Unlist(k)
		}
	}
	return p.env.reader.List(ctx, p.live, q)
}

func (p planning) makePlan(ctx context.Context) error {
	p.noteSpread()
	p.plan = plan.Make(p.planInput(p.desired))
	if len(p.plan.Prunes) > 0 {
		if err := p.lookBeforePrune(ctx); err != nil {
			return err
		}
		p.plan = plan.Make(p.planInput(p.desired))
	}
	if len(p.plan.Refused) > 0 {
		return p.refuseForeign(ctx)
	}
	if p.rec.Rebuilt {
		p.plan.Prunes = nil
	}
	p.letStay()
	p.tellUnowned()
	p.planHooks()
	if !p.hooks.RemovalGoesOn() {
		if r := p.plan.Guard(p.rec, p.Report.Source, p.app.Budget); r != nil {
			if a := p.allowed(ctx, p.tip, p.commit, p.bases()...); a.Deletions < r.N {
				return r.Refuse(a)
			}
		}
	}
	p.markCreateOnly()
	return p.readPlanned(ctx)
}

// readPlanned reads what the plan needs to know of the live objects.
func (p planning) readPlanned(ctx context.Context) error {
	p.Report.Counts.Unchanged += len(p.plan.Unchanged)
	var same []record.Key
	for _, o := range p.plan.Unchanged {
		same = append(same, o.Key())
	}
	if err := p.readUnsettled(ctx, same); err != nil {
		return err
	}
	return p.readBefore(ctx)
}

// lookBeforePrune lists the kinds of what is to be pruned once more, consistently: somebody may just have asked to keep
// an object, or have made it theirs.
func (p planning) lookBeforePrune(ctx context.Context) error {
	doomed := map[cluster.Kind]bool{}
	for _, r := range p.plan.Prunes {
		doomed[r.Row.Ref.Kind] = true
	}
	q := observe.For(p.rec.Rows)
	q.Kinds = slices.DeleteFunc(q.Kinds, func(k cluster.Kind) bool { return !doomed[k] || p.live.IsAbsent(k) })
	return p.env.reader.Again(ctx, p.live, q)
}

// readUnsettled reads objects that need not be applied but whose health is not known: the last run ended before all
// was healthy. Otherwise they are taken to be as healthy as they were; status asks anew.
func (p planning) readUnsettled(ctx context.Context, keys []record.Key) error {
	if p.rec.Settled || p.opts.drift != nil {
		for _, k := range keys {
			p.track.AssumedHealthy[k] = true
		}
		return nil
	}
	var refs []cluster.Ref
	for _, k := range keys {
		refs = append(refs, p.track.Refs[k])
	}
	if err := p.env.reader.Values(ctx, p.live, refs, p.id); err != nil {
		return err
	}
	for _, k := range keys {
		if p.track.After[k] = p.live.Values(k, p.id); p.track.After[k] == nil {
			if ctx.Err() == nil && p.rec.Rows[k].Expires {
				p.track.Expired(k)
			}
		}
	}
	return nil
}

// readBefore reads the objects that are about to change, to tell what changes, and who set what is reverted.
func (p planning) readBefore(ctx context.Context) error {
	var refs []cluster.Ref
	for _, s := range p.plan.Steps {
		switch {
		case s.From != nil:
			refs = append(refs, s.From.Row.Ref)
		case s.Row != nil && p.live.Member(s.Key(), p.id) != nil:
			refs = append(refs, s.Row.Ref) // at the version it was applied at: the new one may not be served yet
		}
	}
	if err := p.env.reader.Values(ctx, p.live, refs, p.id); err != nil {
		return err
	}
	for _, s := range p.plan.Steps {
		s.Live = p.live.Values(s.Key(), s.Owner(p.id))
	}
	return nil
}

// writeAhead records every object that is about to be created, so that none is orphaned if this process dies or
// another reconciler prunes it meanwhile, and marks the record pending. Nothing is written ahead of changes to objects
// that are recorded already: if they are cut off, the record still names the old commit and manifests, and the next
// pass does them again.
func (p writing) writeAhead(ctx context.Context) error {
	if p.opts.DryRun {
		p.tellHooks()
		return p.ensureNamespace(ctx)
	}
	p.rec.Inputs = nil // until all is applied, the rows are those of no commit
	p.noteBefore()
	if err := p.checkCluster(ctx, false); err != nil {
		return err
	}
	if !p.rec.HasParent() { // before the first write: another tool's parent, or another reconciler at work, is found now
		if _, err := p.Records.LoadParent(ctx, p.rec, p.app.Name); err != nil {
			return err
		}
	}
	added := p.hooks.New
	if p.hooks.AreDue() {
		p.rec.SetDue(p.hooks.Due)
	}
	if p.hooks.Keep != nil {
		p.rec.Kept = p.hooks.Keep
	}
	for _, s := range p.plan.Steps {
		switch {
		case s.Row == nil:
			p.rec.Rows[s.Key()] = record.Row{Ref: s.Ref, Adopted: s.From != nil && s.From.Row.Adopted}
			added = true
		case s.State == live.Missing: // known already, but another reconciler may have pruned it a moment ago
			added = true
		}
	}
	if err := p.ensureNamespace(ctx); err != nil {
		return err
	}
	if !added {
		return nil
	}
	p.rec.Pending = true
	if !p.ending().keepsSource() {
		p.ending().noteSource() // the next run may have to finish this one without flags
	}
	return p.Records.Save(ctx, p.rec)
}

// saveApplied records what was applied, unless finish follows soon: of several apps, others are applied before.
func (p writing) saveApplied(ctx context.Context) error {
	if len(p.exec.Failed) > 0 || p.exec.WaitsForKinds() {
		return nil // finish saves, or lateKinds
	}
	p.complete()
	if p.opts.DryRun || p.listed == nil || len(p.track.Unhealthy(p.keys())) == 0 {
		return nil
	}
	return p.saveUnsettled(ctx)
}

// saveUnsettled records what was applied before a wait for health: that can be long.
func (p writing) saveUnsettled(ctx context.Context) error {
	return p.ending().save(ctx, report.ResultSucceeded, "", false)
}

func (p writing) waitForHealth(ctx context.Context) error {
	if p.opts.DryRun || len(p.exec.Failed) > 0 {
		return nil
	}
	if p.opts.Loop {
		return p.wait.Once(p.keys(), p.rec.Applied)
	}
	return p.wait.Healthy(ctx, p.keys(), p.saveUnsettled)
}

func (p *pass) keys() []record.Key {
	keys := make([]record.Key, 0, len(p.desired))
	for _, o := range p.desired {
		keys = append(keys, o.Key())
	}
	return keys
}

// complete marks the record as holding all of this commit. A pass that only reverts drift says nothing about commits.
func (p writing) complete() {
	if p.isHeld() {
		p.rec.Pending, p.rec.Inputs = p.listed.held.pending, p.listed.held.inputs
		return
	}
	p.ending().forgetForeign()
	if p.rec.Revision.Commit != p.revision.Commit || len(p.plan.Steps) > p.exec.Postponed {
		p.rec.Applied = p.started.UTC().Truncate(time.Second)
	}
	if p.rec.Revision.Commit == "" && !p.rec.Rebuilt {
		p.rec.Installed = p.revision.Commit
	}
	if !p.ending().keepsSource() {
		p.ending().noteSource()
	}
	p.rec.Revision = p.revision
	p.rec.Config, p.rec.Tool, p.rec.Health = p.config, p.Tool, p.app.Health
	p.ending().noteInputs()
	p.rec.Pending = p.rec.Rebuilt || p.deferred // a rebuilt inventory is compared with Git once more before anything is pruned
}

// learnForeseen makes the kinds known that the apps before this one would define.
func (p reading) learnForeseen(ctx context.Context) {
	for _, h := range p.foreseen {
		defined, _ := desired.DefinedKinds(app.Allow{}, []manifest.Object{{Unstructured: h.Manifest}}) // it is a step of its app, so it was allowed
		p.Cluster.Foresee(ctx, defined)
	}
}

// repeat is a pass like p that confines itself to some objects: everything else is as p left it.
func (p *pass) repeat(ctx context.Context, dirty map[record.Key]bool) *pass {
	opts := p.opts
	opts.Commit, opts.open, opts.records, opts.ranOut = p.commit, nil, nil, nil
	opts.drift = &driftOnly{rec: p.rec, apps: p.apps, keys: slices.Collect(maps.Keys(dirty))}
	n := newPass(ctx, p.env, p.app, opts)
	n.config = p.config
	if p.listed != nil {
		at := p.revision
		n.Teller.Listed, n.listed = true, &listed{dir: p.listed.dir, setting: p.listed.setting, holds: &at}
	}
	return n
}

// driftOnly narrows a pass to objects that may have drifted: everything else is known to be as the last pass left it.
type driftOnly struct {
	rec  *record.Record
	apps map[string]string
	keys []record.Key
}
