package report

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/health"
)

// List is what `reconcile -o json` prints: the result of one run, for each app.
type List struct {
	metav1.TypeMeta `json:",inline"`
	Apps            []App           `json:"apps"`
	Requests        Requests        `json:"requests"`
	Duration        metav1.Duration `json:"duration"`
}

// App is the result of one run for one app. Changes lists every object that is not unchanged.
type App struct {
	Name       string          `json:"name"`
	Result     Result          `json:"result"`
	Cause      Cause           `json:"cause"`
	DryRun     bool            `json:"dryRun,omitempty"`
	Source     Source          `json:"source"`
	Revision   Revision        `json:"revision"`
	Previous   string          `json:"previous,omitempty"` // the commit that was applied before
	Health     health.State    `json:"health"`
	Suspended  *Suspension     `json:"suspended,omitempty"` // the app is suspended, so the run did not change it
	Pending    bool            `json:"pending,omitempty"`   // changes wait until somebody names the app; the message counts them
	Message    string          `json:"message,omitempty"`
	Hint       string          `json:"hint,omitempty"`
	Changes    []Change        `json:"changes"`
	Counts     Counts          `json:"counts"`
	Pruned     []string        `json:"pruned"`
	Objects    Objects         `json:"objects"`
	Owners     []FormerOwner   `json:"owners,omitempty"` // what the objects belonged to that the run takes over
	Duration   metav1.Duration `json:"duration"`
	Spread     bool            `json:"-"` // the app has objects in more than one namespace
	News       bool            `json:"-"` // the run is in the history
	Unrecorded bool            `json:"-"` // it failed, and the app has no record to say so
	AllHealthy bool            `json:"-"` // all that the app waits for is known to be healthy
	WasHealthy bool            `json:"-"` // it was, before this pass
}

// EventKind says what an Event tells.
type EventKind string

// The kinds of events.
const (
	Fetched  EventKind = "fetched"  // a commit was fetched
	Rendered EventKind = "rendered" // its manifests were rendered
	Changed  EventKind = "changed"  // something happened to an object
	Waiting  EventKind = "waiting"  // an object is not healthy yet
	Warning  EventKind = "warning"
)

// Event is progress of a pass, told while it happens. Change is set for Changed only.
type Event struct {
	Kind   EventKind
	App    string
	Listed bool // the app is one of those of a gitops.yaml
	Text   string
	Change *Change
}
