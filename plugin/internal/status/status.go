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

// List is what `status -o json` prints.
type List struct {
	metav1.TypeMeta `json:",inline"`
	Items           []App     `json:"items"`
	Limits          string    `json:"limits,omitempty"`   // what the user has no right to read, and what is not known therefore
	Instance        *Instance `json:"instance,omitempty"` // the CronJob of an installed instance, when the user may read it

	Instances []Instance `json:"instances,omitempty"` // with -A, the CronJobs of all instances
}

// Instance is the state of the CronJob of an instance.
type Instance struct {
	Namespace    string             `json:"namespace"`
	State        string             `json:"state"`             // Running, Waiting, Suspended, Failing, Stalled or Missing
	Message      string             `json:"message,omitempty"` // the reason, when the state is not Running
	Schedule     string             `json:"schedule,omitempty"`
	Suspended    *report.Suspension `json:"suspended,omitempty"`
	LastSchedule time.Time          `json:"lastSchedule,omitzero"` // time of the last start of a job
	LastSuccess  time.Time          `json:"lastSuccess,omitzero"`  // time of the end of the last job that succeeded
}

// App is the state of an app now: its record compared with the live objects. Resources is only there when the command names
// one app.
type App struct {
	Instance  string             `json:"instance,omitempty"` // namespace of its instance, with -A
	Name      string             `json:"name"`
	Sync      report.Sync        `json:"sync"`
	Health    health.State       `json:"health"`
	Message   string             `json:"message"`
	Suspended *report.Suspension `json:"suspended,omitempty"`
	Since     time.Time          `json:"since,omitzero"` // time since which the object of the message is not healthy
	Source    report.Source      `json:"source"`
	Revision  report.Revision    `json:"revision"`
	Objects   report.Objects     `json:"objects"`
	LastRun   LastRun            `json:"lastRun"`
	Resources []Resource         `json:"resources,omitempty"`
	Hooks     []Hook             `json:"hooks,omitempty"`
	Trees     []record.Tree      `json:"trees,omitempty"`  // sources of the applied revision, when the command names one app
	Charts    []record.Chart     `json:"charts,omitempty"` // charts that were fetched for the applied revision, when the command names one app
}

// Hook is the result of the last run of one hook. Result is empty while the hook runs.
type Hook struct {
	Phase   string        `json:"phase"`  // PreSync, Sync, PostSync, Test, SyncFail, PreDelete or PostDelete
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

// Resource is one object of an app. Sync is Synced, Drifted, Pending (not applied yet, or failed to apply) or Unknown.
// Message says why the object is not Healthy, or what drifted and who changed it.
type Resource struct {
	Object    string               `json:"object"` // group/Kind/namespace/name
	Short     string               `json:"-"`      // kind.group/name
	Where     string               `json:"-"`      // Short, with the namespace where the app has more than one
	Namespace string               `json:"namespace,omitempty"`
	Sync      report.Sync          `json:"sync"`
	Health    health.State         `json:"health"`
	Message   string               `json:"message,omitempty"`
	Since     time.Time            `json:"since,omitzero"`   // time since which it is not healthy, if the object says that
	Fields    []report.FieldChange `json:"fields,omitempty"` // what drifted: from is the recorded value if it is known, to is the live value

	shared bool // another tool applies it too
}

// History is what `history APP -o json` prints: the last runs, newest first.
type History struct {
	metav1.TypeMeta `json:",inline"`
	App             string       `json:"app"`
	Items           []report.Run `json:"items"`
}
