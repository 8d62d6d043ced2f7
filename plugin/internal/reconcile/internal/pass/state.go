package pass

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/app"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/desired"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/live"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/pins"
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

// Pass takes one app through one run. One goroutine at a time may use it. Package reconcile reads and sets the exported fields;
// what a stage leaves for later ones is in Known, Wanted and result.
type Pass struct {
	*Env
	*tell.Teller
	Tools
	Job
	revisions
	Known
	Wanted
	result
	Listed *Listed // nil outside a run, for a single app
}

// revisions are the commits of a pass, and what the app renders to.
type revisions struct {
	Commit   string          // hash that the ref points at
	Revision report.Revision // the same commit, for reports
	Tip      source.Revision // the commit, with its message
	Was      lastKnown       // what the record said before the run
	because  *because        // which commits made the run necessary; nil until the history is written
	Built    build.Build     // what was rendered last; Inputs is nil where they are not known
	Brought  []string        // API versions and kinds that the dependencies of the app define in this commit
	Followed []pins.Entry    // what the branches of the app's sources point at
}

// result is what a pass came to.
type result struct {
	pushed         bool  // this run is in the history
	withheldCommit bool  // all went well, but with an earlier commit than the ref points at
	Failure        error // what ended the pass of an app of a gitops.yaml
	unrendered     error // why the app was not rendered
	drift          struct {
		changed, more bool // what had drifted and was left so is not what the record said; some of it is new
	}
	owned error // of a dry run: the OwnedError with which the run would fail
}

// Listed is what a run knows of the app.
type Listed struct {
	own bool // flags describe the app, and its record keeps the facts of the run; only Way is set beside it
	Way
	dir           string           // directory of the gitops.yaml
	AppliedAt     *report.Revision // the commit that the objects equal, nil when they do not all equal one
	recorded      string           // commit of the record before noteBefore changed it, "" when it did not
	Unfinished    bool             // the list says that it is behind although nothing failed: an object that it gave may still be its
	AppliedBefore string           // hash that the objects equalled last, "" where the list does not know it
	setting       []byte           // JSON of all settings of the app in gitops.yaml
	Others        []string         // names of all apps that the gitops.yaml lists
	LeftList      bool             // it left gitops.yaml: its objects are pruned, then its record is deleted
	RemovedAfter  []string         // apps that left gitops.yaml too, and must be removed before this one
	NotSelected   bool             // not asked for, or suspended: it is left alone, but what it holds matters to others
	Suspended     bool             // it is suspended, and was asked for
	StillWaits    string           // what an earlier run found that the app waits for until somebody names it, "" when that is not known
	Shared        *live.Snapshot   // what the cluster holds, listed once for all apps of one identity
	RevertOnly    *recordBefore    // set when gitops.yaml cannot be used: nothing but drift is reverted
	NotReverted   error            // the error about drift that such a pass cannot revert
}

// recordBefore is the part of the record that a pass keeps unchanged when it only reverts drift.
type recordBefore struct {
	pending bool
	inputs  *record.Inputs
}

// because is why a run was necessary.
type because struct {
	commits []report.Revision
	unclear string
}

// lastKnown is what the record said of an app when it was loaded. The pass changes the record later.
type lastKnown struct {
	Commit string         // hash that its objects equalled, "" when there is none
	inputs *record.Inputs // what they were rendered from; nil where it is not known
	config string         // digest of its settings
}

// Options are the settings of one pass.
type Options struct {
	Cause   report.Cause // why the run was started, when neither a commit nor drift turns up
	DryRun  bool         // the API server is asked and stores nothing
	Named   bool         // somebody names the app, for this one run
	Upgrade bool         // ranges of versions mean the newest
	Loop    bool         // part of a loop: it does not wait for the health that an earlier run left open
	Commit  string       // hash that the ref points at, if that is known; "" polls
	// Timeout is the budget of apps of a gitops.yaml whose settings have none; zero is app.DefaultTimeout.
	Timeout time.Duration

	Only    *OnlyChanged                                        // set by a loop whose watches say which objects changed
	Forgive bool                                                // a poll that fails is not recorded; set by a loop whose last turn succeeded
	Open    func(context.Context, string) (*source.Tree, error) // opens a checkout that several apps share; nil asks the source
	Records *record.Loaded                                      // nil loads them
	RanOut  *atomic.Int32                                       // renders of this run, over all apps, that took longer than their slice

	Resolve build.Resolve // asks what the ref of a source stands for now; nil asks nobody
	// Commits is Env.CommitsBetween, shared by apps that ask for the same range; nil asks the source.
	Commits func(ctx context.Context, from, to string, paths []string) ([]source.Commit, error)
}

// OnlyChanged limits a pass to objects that may have drifted: all others are as the last run left them.
type OnlyChanged struct {
	rec  *record.Record
	apps map[string]string
	keys []object.Key
}

// The stages of a pass, each with what it does. They share the state in Pass.
type (
	reading   struct{ *Pass } // from Git and the cluster to what is desired and what there is
	planning  struct{ *Pass } // what is to be done, and whether it may be
	reverting struct{ *Pass } // the same while gitops.yaml cannot be used: only drift is reverted
	writing   struct{ *Pass } // changes the cluster, and saves the record in between
	removal   struct{ *Pass } // deletes an app, with its hooks
	ending    struct{ *Pass } // records and reports the result
)

// Reading returns the stage that reads Git and the cluster. Decide may rename our entries in managedFields.
func (p *Pass) Reading() reading { return reading{p} }

// Reverting returns the planning stage of a pass that only reverts drift, while gitops.yaml cannot be used.
func (p *Pass) Reverting() reverting { return reverting{p} }

// Planning returns the stage that decides what is done. PlanListed may rename our entries in managedFields.
func (p *Pass) Planning() planning { return planning{p} }

func (p *Pass) writing() writing { return writing{p} }

// Removal returns the stage that deletes an app, with its hooks.
func (p *Pass) Removal() removal { return removal{p} }

// Ending returns the stage that records and reports the result.
func (p *Pass) Ending() ending { return ending{p} }

// IsOwn reports whether no gitops.yaml lists the app: its record then keeps the facts of a run, not a list of apps.
func (l *Listed) IsOwn() bool { return l == nil || l.own }

// revertsOnly reports whether the pass only reverts drift, because gitops.yaml cannot be used.
func (l *Listed) revertsOnly() bool { return l != nil && l.RevertOnly != nil }

// hasLeft reports whether the app left gitops.yaml.
func (l *Listed) hasLeft() bool { return l != nil && l.LeftList }

// Tools do the work of a pass. New makes them.
type Tools struct {
	Track    *wait.Tracker // last known state of the objects of the app
	Wait     *wait.Waiter  // waits for health, within the budget of the app
	takeover preflight.Takeover
	Exec     *execute.Execution // the state of the execution; Execution completes it
}

// Job is what a pass works on. It does not change during the pass, apart from the budget and the digest.
type Job struct {
	ctx     context.Context   // ends when the process is told to stop
	App     app.App           // settings of the app
	Opts    Options           // settings of the run
	Set     string            // ApplySet id of the app
	Apps    map[string]string // names of the apps of the instance, by ApplySet id
	Started time.Time         // when the time budget of the app began
	Config  string            // digest of the settings
	vars    *build.Variables  // nil when the app takes no variables from the cluster
	timeout time.Duration     // of the settings, for their digest; zero for an app of flags
}

// Known is what the record and the cluster hold.
type Known struct {
	Record *record.Record            // changed during the pass, and saved at its end
	Live   *live.Snapshot            // what the cluster held when it was listed or read
	States map[object.Key]live.State // how each recorded object compares with the cluster
	plan.Handovers
	left    map[object.Key]bool // drifted, and left so
	moved   bool                // the record has a new commit, or new inputs, and has to be saved
	renamed bool                // our field manager was renamed on some objects, and the record has to be saved
}

// Wanted is what the app is to hold, and the plan to get there.
type Wanted struct {
	Desired            []*desired.Object     // objects to apply
	ignored            map[object.Key]bool   // in Git, but an annotation says to leave the object alone
	Hooks              plan.Hooks            // to run instead of being applied
	deferred           bool                  // some objects are left to a later run, because their kind is not known yet
	Plan               *plan.Plan            // nil until it is made
	NewKinds           map[cluster.Kind]bool // of CRDs that this app defines
	Promised           []plan.Promise        // of a dry run: objects that the apps before this one promise to create
	PromisedNamespaces []string              // of a dry run: target namespaces that these apps would create
	handedOver         bool                  // the app left gitops.yaml, but another app takes over objects of it
}

// Way is how far a run has come with an app of a gitops.yaml.
type Way struct {
	State     State  // Open at first
	Why       string // what the app waits for, in the states Waiting and WaitsForRender
	Ended     bool   // the report is complete
	NotPruned string // why an object that left Git was not pruned yet
}

// IsUpToDate reports whether there was nothing to do for the app.
func (w Way) IsUpToDate() bool { return w.State == UpToDate || w.State == InputsUnchanged }

// State is how far a run has come with an app. A failure is in Failure of its Pass.
type State int

// The states of an app in a run.
const (
	Open             State = iota // not known yet, or planned
	UpToDate                      // there is nothing to do
	InputsUnchanged               // up to date, and not rendered: the new commit changes nothing that it is rendered from
	WaitsForKinds                 // it needs kinds that an app it depends on defines: it is planned after that app is applied
	WaitsForSomebody              // to name it, or to resume it: an earlier run found that out, and this one did not render it
	WaitsForRender                // its render takes longer than its slice, and goes on beside the runs
	Waiting                       // for another app, although nothing failed
	Skipped                       // an app that it depends on failed
	Applied                       // all objects are applied, healthy or not
	Gone                          // it left gitops.yaml, and its record is deleted
)
