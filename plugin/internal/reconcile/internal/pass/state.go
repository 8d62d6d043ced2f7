package pass

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/app"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/desired"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/live"
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

// Pass is one run over one app.
type Pass struct {
	*Env
	*tell.Teller
	Tools
	Job
	revisions
	Known
	Wanted
	result
	Listed *Listed // where the facts of the run are kept; nil for an app on its own
}

// revisions are the commits that a pass is between, and what the app renders to.
type revisions struct {
	Commit   string // what the ref points at
	Revision report.Revision
	Tip      source.Revision // the commit, with its message
	Was      lastKnown
	because  *because    // nil until the history is written
	Built    build.Build // what was rendered last; its inputs are nil where they are not known
	Brought  []string    // API versions and kinds that apps before this one bring
}

// result is what a pass came to.
type result struct {
	pushed     bool  // this run is in the history
	held       bool  // all went well, but with an earlier commit than the ref points at
	Failure    error // what ended it, of an app that a gitops.yaml lists
	unrendered error // why its manifests were not rendered
	owned      error // what would end it, of a dry run: other tools still apply its objects
}

// Listed is what the pass of an app knows that a gitops.yaml lists.
type Listed struct {
	own bool // flags describe the app, and its record keeps the facts of a run: nothing else here is set but how far the run has come

	Way
	dir           string           // of the gitops.yaml
	AppliedAt     *report.Revision // the commit that its objects equal, nil when they do not all equal one
	recorded      string           // the commit that the record had before this run noted what the list says, "" when it noted nothing
	AppliedBefore string           // the commit that they equalled when they did last, where the list knows
	setting       []byte           // everything gitops.yaml says of the app
	Others        []string         // the apps that gitops.yaml lists
	LeftList      bool             // it left gitops.yaml: all its objects are pruned, and then its record
	RemovedAfter  []string         // apps that left it too and are removed before this one
	NotSelected   bool             // it was not asked for, or is suspended: nothing is done, but what it holds matters to others

	Suspended bool // it was asked for all the same

	Shared *live.Snapshot // what the group of the app has listed

	RevertOnly  *recordBefore // gitops.yaml cannot be used: drift is reverted to what the record holds, and nothing else is done
	NotReverted error         // why other drift is not reverted then
}

// recordBefore is what a pass that only reverts drift leaves of the record as it was.
type recordBefore struct {
	pending bool
	inputs  *record.Inputs
}

// because is why a run was necessary.
type because struct {
	commits []report.Revision
	unclear string
}

// lastKnown is what a record said of an app when it was loaded. Passes write over it.
type lastKnown struct {
	Commit string         // that its objects equalled, "" when there is none
	inputs *record.Inputs // what they were rendered from; nil where it is not known
	config string         // digest of its settings
}

// Options are the settings of one pass.
type Options struct {
	Cause  report.Cause // what made us run, when neither a commit nor drift turns up
	DryRun bool         // ask the server, write nothing
	Loop   bool         // part of a loop: do not wait for the health of an earlier run again
	Commit string       // what the ref points at, when that is known; "" polls
	// Timeout is the budget of apps of a gitops.yaml that say none; zero is DefaultTimeout.
	Timeout time.Duration

	Only    *OnlyChanged                                        // set by a loop whose watches say what to look at
	Forgive bool                                                // set by a loop whose last turn succeeded: a poll that fails once is not worth a write
	Open    func(context.Context, string) (*source.Tree, error) // set where several apps share a checkout
	Records map[string]*record.Record                           // set where they were loaded already
	RanOut  *atomic.Int32                                       // renders of this run that did not fit into their slice, of several apps

	// commits lists a range of commits, set where several apps ask for the same.
	Commits func(ctx context.Context, from, to string, paths []string) ([]source.Commit, error)
}

// OnlyChanged narrows a pass to objects that may have drifted: everything else is known to be as the last pass left it.
type OnlyChanged struct {
	rec  *record.Record
	apps map[string]string
	keys []record.Key
}

// The stages of a pass, each with what it does. What they share is in pass.
type (
	reading   struct{ *Pass } // from Git and the cluster to what is desired and what there is
	planning  struct{ *Pass } // what is to be done, and whether it may be
	reverting struct{ *Pass } // drift, while gitops.yaml cannot be used
	writing   struct{ *Pass } // to the cluster
	removal   struct{ *Pass } // of an app, with its hooks
	ending    struct{ *Pass } // what is recorded and told
)

func (p *Pass) Reading() reading { return reading{p} }

// Reverting is the planning of a pass that only reverts drift.
func (p *Pass) Reverting() reverting { return reverting{p} }

func (p *Pass) Planning() planning { return planning{p} }

func (p *Pass) writing() writing { return writing{p} }

func (p *Pass) Removal() removal { return removal{p} }

func (p *Pass) Ending() ending { return ending{p} }

// IsOwn tells whether the app is on its own: its record keeps the facts of the run, not a list of apps.
func (l *Listed) IsOwn() bool { return l == nil || l.own }

// revertsOnly tells whether the pass only reverts drift, since gitops.yaml cannot be used.
func (l *Listed) revertsOnly() bool { return l != nil && l.RevertOnly != nil }

// hasLeft tells whether the app left gitops.yaml.
func (l *Listed) hasLeft() bool { return l != nil && l.LeftList }

// Tools do the work of a pass.
type Tools struct {
	Track    *wait.Tracker
	Wait     *wait.Waiter
	takeover preflight.Takeover
	Exec     *execute.Execution
}

// Job is what a pass is about.
type Job struct {
	ctx     context.Context // ends when the process is told to stop
	App     app.App
	Opts    Options
	Set     string            // ApplySet id
	Apps    map[string]string // of the instance, by ApplySet id
	Started time.Time
	Config  string           // digest of the settings
	vars    *build.Variables // nil where the app takes none from the cluster
	timeout time.Duration    // as the settings have it, zero for what flags say
}

// Known is what the record and the cluster hold.
type Known struct {
	Record *record.Record
	Live   *live.Snapshot
	States map[record.Key]live.State
	plan.Handovers
	moved   bool // the record names another commit, or other inputs, than before
	renamed bool // our field manager got its name of today on some objects
}

// Wanted is what the app is to hold, and the plan to get there.
type Wanted struct {
	Desired            []*desired.Object
	ignored            map[record.Key]bool // in Git, and left alone altogether
	Hooks              plan.Hooks          // run instead of applied
	deferred           bool                // a kind is not known yet: some objects are left to a later pass
	Plan               *plan.Plan
	NewKinds           map[cluster.Kind]bool // of CRDs this pass applies
	Foreseen           []plan.Promise        // of a dry run: what it would find in the cluster
	ForeseenNamespaces []string              // of apps before this one
	handedOver         bool                  // it left gitops.yaml, but another app takes over objects of it
}

// Way is how far a run has come with an app of a list.
type Way struct {
	State     State
	Why       string // of Waiting and WaitsForRender: what the app waits for
	Ended     bool   // its report is complete
	NotPruned string // why something that left Git was not pruned yet
}

// IsUpToDate tells whether there was nothing to do for the app.
func (w Way) IsUpToDate() bool { return w.State == UpToDate || w.State == InputsUnchanged }

// State is where an app is on its way through a run. What ended the way too early is the Failure of its pass.
type State int

const (
	Open            State = iota // not known yet, or planned
	UpToDate                     // there is nothing to do
	InputsUnchanged              // the same, because the new commit changes nothing that the app is rendered from: it was not rendered
	WaitsForKinds                // it needs kinds that an app it depends on installs: it is planned when that is done
	WaitsForRender               // its render did not fit into its slice, and goes on beside the passes
	Waiting                      // for another app, although nothing failed
	Skipped                      // for the sake of an app that it depends on, which failed
	Applied                      // health may still be missing
	Gone                         // it left the list, and its record is deleted
)
