package status

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/health"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// APIVersion is that of every form that is printed.
const APIVersion = "kubectl-gitops.dev/v1alpha1"

// List is the form of `status -o json`.
type List struct {
	metav1.TypeMeta `json:",inline"`
	Items           []App     `json:"items"`
	Limits          string    `json:"limits,omitempty"`   // what the reader may not know, and why
	Instance        *Instance `json:"instance,omitempty"` // of an installed instance, for those who may read its CronJob

	Instances []Instance `json:"instances,omitempty"` // instead of instance, of all instances with -A
}

// Instance is how the CronJob of an instance is doing.
type Instance struct {
	Namespace    string             `json:"namespace"`
	State        string             `json:"state"`             // Running, Waiting, Suspended, Failing, Stalled or Missing
	Message      string             `json:"message,omitempty"` // why, when it is not Running
	Schedule     string             `json:"schedule,omitempty"`
	Suspended    *report.Suspension `json:"suspended,omitempty"`
	LastSchedule time.Time          `json:"lastSchedule,omitzero"` // when it started a job last
	LastSuccess  time.Time          `json:"lastSuccess,omitzero"`  // when a job ended well last
}

// App is what an app looks like now: the record compared with the live objects. Resources is filled when one app
// was asked for.
type App struct {
	Instance  string             `json:"instance,omitempty"` // its namespace, when all instances were asked for
	Name      string             `json:"name"`
	Sync      report.Sync        `json:"sync"`
	Health    health.State       `json:"health"`
	Message   string             `json:"message"`
	Suspended *report.Suspension `json:"suspended,omitempty"`
	Since     time.Time          `json:"since,omitzero"` // when the object that the message is about ceased to be healthy
	Source    report.Source      `json:"source"`
	Revision  report.Revision    `json:"revision"`
	Objects   report.Objects     `json:"objects"`
	LastRun   LastRun            `json:"lastRun"`
	Resources []Resource         `json:"resources,omitempty"`
	Hooks     []Hook             `json:"hooks,omitempty"`
	Charts    []record.Chart     `json:"charts,omitempty"` // fetched for the revision that is applied, when one app was asked for
}

// Hook is how the last run of one hook ended. Result is empty while it runs.
type Hook struct {
	Phase   string        `json:"phase"`  // PreSync, Sync, PostSync, SyncFail, PreDelete or PostDelete
	Object  string        `json:"object"` // group/Kind/namespace/name
	Commit  string        `json:"commit"`
	Result  report.Result `json:"result"`
	Message string        `json:"message,omitempty"`
}

// LastRun is the last run that changed something, or failed.
type LastRun struct {
	Result   report.Result   `json:"result"`
	Cause    report.Cause    `json:"cause"`
	Time     time.Time       `json:"time,omitzero"`
	Duration metav1.Duration `json:"duration"`
}

// Resource is one object of an app. Sync is Synced, Drifted, Pending (written ahead, or failed to apply) or
// Unknown; Message says why it is not Healthy, or what drifted and who changed it.
type Resource struct {
	Object    string               `json:"object"` // group/Kind/namespace/name
	Short     string               `json:"-"`      // kind.group/name
	Where     string               `json:"-"`      // Short, with the namespace where the app has more than one
	Namespace string               `json:"namespace,omitempty"`
	Sync      report.Sync          `json:"sync"`
	Health    health.State         `json:"health"`
	Message   string               `json:"message,omitempty"`
	Since     time.Time            `json:"since,omitzero"`   // when it ceased to be healthy, as far as it tells
	Fields    []report.FieldChange `json:"fields,omitempty"` // what drifted: from = recorded value when it is known, to = live

	shared bool // another tool applies it too
}

// History is the form of `history APP -o json`, newest first.
type History struct {
	metav1.TypeMeta `json:",inline"`
	App             string       `json:"app"`
	Items           []report.Run `json:"items"`
}
