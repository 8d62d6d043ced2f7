package report

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/health"
)

// Sync says how an app relates to Git.
type Sync string

// The sync states, worst first.
const (
	SyncFailed    Sync = "Failed"    // the last run could not apply, prune or verify everything
	SyncDrifted   Sync = "Drifted"   // live differs from what was applied
	SyncPending   Sync = "Pending"   // a newer commit was seen and is not applied
	SyncUnknown   Sync = "Unknown"   // the live state could not be read
	SyncSuspended Sync = "Suspended" // reconciliation is switched off
	Synced        Sync = "Synced"
)

// Action is what happened to one object.
type Action string

// The actions.
const (
	Created    Action = "created"
	Configured Action = "configured"
	Unchanged  Action = "unchanged"
	Reverted   Action = "reverted" // drift undone
	Drifted    Action = "drifted"  // not as it was applied, and left so
	Pruned     Action = "pruned"
	Skipped    Action = "skipped"
	Failed     Action = "failed"
)

// Result is how a run of one app ended.
type Result string

// The results.
const (
	ResultSucceeded Result = "Succeeded"
	ResultReverted  Result = "Reverted"
	ResultFailed    Result = "Failed"
)

// Cause is what made a run act.
type Cause string

// The causes.
const (
	CauseCommit   Cause = "commit"
	CauseDrift    Cause = "drift"
	CauseManual   Cause = "manual"
	CauseSchedule Cause = "schedule"
)

// Source says where an app comes from. Repo contains no credentials.
type Source struct {
	Repo string `json:"repo"`
	Ref  string `json:"ref"`
	Path string `json:"path"`
}

// Revision is one commit.
type Revision struct {
	Commit  string    `json:"commit"`
	Ref     string    `json:"ref,omitempty"`
	Author  string    `json:"author,omitempty"`
	Subject string    `json:"subject,omitempty"`
	Signer  string    `json:"signer,omitempty"` // who signed the commit, when only signed commits are applied
	Time    time.Time `json:"time,omitzero"`
}

// Short returns ref@commit with seven digits of the commit, as people write it.
func (r Revision) Short() string {
	c := r.Commit
	if len(c) > 7 {
		c = c[:7]
	}
	switch {
	case c == "":
		return ""
	case r.Ref == "" || r.Ref == r.Commit:
		return c
	}
	return r.Ref + "@" + c
}

// FieldChange is the change of one field of one object: its path, the old value, the new value, and who set the old value.
// Values of Secrets are masked.
type FieldChange struct {
	Path string `json:"path"`
	From any    `json:"from"`
	To   any    `json:"to"`
	By   *Owner `json:"by,omitempty"`
}

// Owner is who set a field, read from the object's managedFields.
type Owner struct {
	Manager     string    `json:"manager"`
	Operation   string    `json:"operation"`
	Subresource string    `json:"subresource,omitempty"`
	Time        time.Time `json:"time,omitzero"`
}

// Change is what happened to one object. Object is group/Kind/namespace/name, or v1/Kind/namespace/name for the core group.
// Short is kind.group/name, as kubectl prints it. Origin is file:line in the repository; it is empty for pruned objects.
type Change struct {
	Object string        `json:"object"`
	Short  string        `json:"-"`
	Origin string        `json:"origin,omitempty"`
	Action Action        `json:"action"`
	Note   string        `json:"note,omitempty"`
	Fields []FieldChange `json:"fields,omitempty"`
	Error  string        `json:"error,omitempty"`
	Hint   string        `json:"hint,omitempty"`
}

// Counts is the number of objects for each action.
type Counts struct {
	Created    int `json:"created"`
	Configured int `json:"configured"`
	Unchanged  int `json:"unchanged"`
	Reverted   int `json:"reverted"`
	Drifted    int `json:"drifted,omitempty"` // and left so, as gitops.yaml asks
	Pruned     int `json:"pruned"`
	Skipped    int `json:"skipped"`
	Failed     int `json:"failed"`
}

// Add counts n objects that met action a.
func (c *Counts) Add(a Action, n int) {
	switch a {
	case Created:
		c.Created += n
	case Configured:
		c.Configured += n
	case Unchanged:
		c.Unchanged += n
	case Reverted:
		c.Reverted += n
	case Drifted:
		c.Drifted += n
	case Pruned:
		c.Pruned += n
	case Skipped:
		c.Skipped += n
	case Failed:
		c.Failed += n
	}
}

// Changed is how many objects were written or pruned.
func (c Counts) Changed() int { return c.Created + c.Configured + c.Reverted + c.Pruned }

// Objects is the number of objects of an app, by health.
type Objects struct {
	Total       int `json:"total"`
	Healthy     int `json:"healthy"`
	Progressing int `json:"progressing"`
	Degraded    int `json:"degraded"`
	Missing     int `json:"missing"`
	Suspended   int `json:"suspended"`
	Unknown     int `json:"unknown"`
}

// Add counts one object of health h.
func (o *Objects) Add(h health.State) {
	o.Total++
	switch h {
	case health.Healthy:
		o.Healthy++
	case health.Progressing:
		o.Progressing++
	case health.Degraded:
		o.Degraded++
	case health.Missing:
		o.Missing++
	case health.Suspended:
		o.Suspended++
	default:
		o.Unknown++
	}
}

// Worst returns the health of the whole: the worst of its objects, Healthy when there are none.
func (o Objects) Worst() health.State {
	switch {
	case o.Degraded > 0:
		return health.Degraded
	case o.Missing > 0:
		return health.Missing
	case o.Progressing > 0:
		return health.Progressing
	case o.Unknown > 0:
		return health.Unknown
	case o.Suspended > 0:
		return health.Suspended
	}
	return health.Healthy
}

// Run is one run of an app that changed something, or failed.
type Run struct {
	ID       int             `json:"id"`
	Revision Revision        `json:"revision"`
	Result   Result          `json:"result"`
	Cause    Cause           `json:"cause"`
	Time     time.Time       `json:"time"`
	Duration metav1.Duration `json:"duration"`
	Counts   Counts          `json:"counts"`
	Message  string          `json:"message,omitempty"`
	Changes  []string        `json:"changes,omitempty"` // one line each, at most MaxChanges

	// Commits are the commits since the one that was applied before, as far as they change files that the app is rendered from:
	// newest first, at most ten. Unclear says why there are none, or why they are not known. Both are empty for runs that no
	// commit caused, and for runs of earlier versions.
	Commits []Revision `json:"commits,omitempty"`
	Unclear string     `json:"unclear,omitempty"`
}

// UnclearFirst is why the commits of a first run are not known.
const UnclearFirst = "the first run applied whatever was there"

// Summary is what the last run found, as people and `status` read it.
type Summary struct {
	Name     string       `json:"name"`
	Source   Source       `json:"source"`
	List     string       `json:"list,omitempty"` // directory of the gitops.yaml that lists the app; "" = none
	Revision Revision     `json:"revision"`       // last applied without failure to apply
	Seen     string       `json:"seen"`           // last commit polled
	Sync     Sync         `json:"sync"`
	Health   health.State `json:"health"`
	Message  string       `json:"message,omitempty"`
	Objects  Objects      `json:"objects"`
	LastRun  Run          `json:"lastRun"`
}

// The history is bounded: entries per app, and lines of changes per entry.
const (
	MaxHistory = 20
	MaxChanges = 20
)

// Push puts run in front of history, newest first, and drops what is too old. A failed run that repeats the entry
// before it is not told twice: Push then returns history as it is, and false.
func Push(history []Run, run Run) ([]Run, bool) {
	run.ID = 1
	if len(history) > 0 {
		last := history[0]
		if run.Result == ResultFailed && last.Result == ResultFailed && run.Message == last.Message &&
			run.Revision.Commit == last.Revision.Commit {
			return history, false
		}
		run.ID = last.ID + 1
	}
	history = append([]Run{run}, history...)
	return history[:min(len(history), MaxHistory)], true
}
