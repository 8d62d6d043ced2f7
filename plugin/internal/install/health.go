package install

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// State is how the CronJob of an instance is doing.
type State string

// The states of a CronJob.
const (
	Running   State = "Running"   // its last job succeeded, or still runs
	Waiting   State = "Waiting"   // it has not started a job yet
	Suspended State = "Suspended" // it starts no jobs
	Failing   State = "Failing"   // its last job failed, or cannot start
	Stalled   State = "Stalled"   // its schedule asks for jobs that do not come
	Missing   State = "Missing"   // it is gone, while the rest of the instance is there
)

// CronHealth is how the CronJob of an instance is doing, and why. Message is "" when all is well.
type CronHealth struct {
	State                     State
	Message, Schedule         string
	Suspended                 *report.Suspension
	LastSchedule, LastSuccess time.Time
}

// Health reads how the CronJob is doing: one request when all is well, up to four when not. known is false when nothing
// is installed, or the CronJob may not be read. What else may not be read is left out.
func (i *Instance) Health(ctx context.Context, now time.Time) (h CronHealth, known bool) {
	job, err := i.CronJob(ctx)
	switch {
	case err != nil:
		return h, false
	case job == nil:
		account, err := i.Cluster.Get(ctx, cluster.Ref{Kind: ServiceAccounts, Namespace: i.Namespace, Name: Name})
		if err != nil || account.GetLabels()[labelInstance] != i.Namespace {
			return h, false
		}
		return CronHealth{State: Missing, Message: "is missing, so nothing reconciles this instance; `kubectl gitops install` with its flags creates it again"}, true
	}
	f := cronFacts{cron: job}
	if h := f.health(now); h.State == Running || h.State == Suspended {
		return h, true
	}
	selector := labelInstance + "=" + i.Namespace
	f.jobs, _, _ = i.Cluster.List(ctx, Jobs, i.Namespace, selector) // what may not be read is not told
	if len(f.jobs) > 0 {
		f.pods, _, _ = i.Cluster.List(ctx, pods, i.Namespace, selector)
	}
	f.looked = true
	if name := settingsOf(job).Secret; name != "" && f.health(now).State != Running {
		_, err := i.Cluster.Get(ctx, cluster.Ref{Kind: secrets, Namespace: i.Namespace, Name: name})
		f.noSecret = map[bool]string{true: name}[apierrors.IsNotFound(err)]
	}
	return f.health(now), true
}

// cronFacts is what was read of a CronJob.
type cronFacts struct {
	cron       *unstructured.Unstructured
	jobs, pods []unstructured.Unstructured // read where the CronJob alone does not tell
	looked     bool                        // at jobs and pods
	noSecret   string                      // the Secret with credentials, when it is missing
}

// health judges what was read.
func (f cronFacts) health(now time.Time) CronHealth {
	h := CronHealth{State: Running, LastSchedule: timeIn(f.cron, "status", "lastScheduleTime"), LastSuccess: timeIn(f.cron, "status", "lastSuccessfulTime")}
	h.Schedule, _, _ = unstructured.NestedString(f.cron.Object, "spec", "schedule")
	if off, _, _ := unstructured.NestedBool(f.cron.Object, "spec", "suspend"); off {
		h.State, h.Suspended = Suspended, suspensionOf(f.cron)
		h.Message = "is " + h.Suspended.String()
		if !h.Suspended.Since.IsZero() {
			h.Message += ", since " + stamp(h.Suspended.Since)
		}
		h.Message += "; it starts no jobs until `kubectl gitops resume`"
		return h
	}
	f.judgeJobs(&h, now)
	if f.noSecret != "" {
		h.State = Failing
		h.Message = strings.TrimSuffix("has no Secret "+f.noSecret+" with its credentials; "+h.Message, "; ")
	}
	return h
}

// judgeJobs judges the jobs that the schedule asks for.
func (f cronFacts) judgeJobs(h *CronHealth, now time.Time) {
	active, _, _ := unstructured.NestedSlice(f.cron.Object, "status", "active")
	schedule := scheduleOf(f.cron)
	began := latest(h.LastSchedule, f.cron.GetCreationTimestamp().Time, changedAt(f.cron, "suspend"))
	if why := f.cannotStart(); why != "" {
		h.State, h.Message = Failing, why
		return
	}
	if last := f.lastEnded(); last != nil {
		if _, err := finished(last); err != nil && ended(last).After(h.LastSuccess) {
			h.State, h.Message = Failing, fmt.Sprintf("failed in job %s at %s: %s", last.GetName(), stamp(ended(last)), f.lastLine(last, err))
			return
		}
		h.LastSuccess = latest(h.LastSuccess, ended(last))
	}
	missed := schedule != nil && now.After(schedule.Next(schedule.Next(began)).Add(startGrace))
	switch {
	case missed && len(active) == 0:
		h.State = Stalled
		h.Message = fmt.Sprintf("has started no job since %s, although its schedule is %q", stamp(began), h.Schedule)
	case h.LastSchedule.IsZero() && h.LastSuccess.IsZero() && len(f.jobs) == 0:
		h.State, h.Message = Waiting, "has not started a job yet"
	case !h.LastSuccess.Before(h.LastSchedule):
	case !f.looked && (schedule == nil || len(active) == 0 || schedule.Next(h.LastSuccess).Before(h.LastSchedule)):
		h.State = Waiting // for a look at the jobs
	}
}

// startGrace is how late a job may start.
const startGrace = 90 * time.Second

// scheduleOf is the schedule of a CronJob as its controller reads it, nil when it cannot be read.
func scheduleOf(job *unstructured.Unstructured) cron.Schedule {
	text, _, _ := unstructured.NestedString(job.Object, "spec", "schedule")
	zone, _, _ := unstructured.NestedString(job.Object, "spec", "timeZone")
	if zone != "" && !strings.Contains(text, "TZ=") {
		text = "TZ=" + zone + " " + text
	}
	s, err := cron.ParseStandard(text)
	if err != nil {
		return nil
	}
	return s
}

// lastEnded is the job that ended last, nil when none has.
func (f cronFacts) lastEnded() *unstructured.Unstructured {
	var last *unstructured.Unstructured
	for n := range f.jobs {
		if done, _ := finished(&f.jobs[n]); done && (last == nil || ended(&f.jobs[n]).After(ended(last))) {
			last = &f.jobs[n]
		}
	}
	return last
}

// ended is when a job ended.
func ended(job *unstructured.Unstructured) time.Time {
	at := timeIn(job, "status", "completionTime")
	for _, c := range items(job.Object["status"], "conditions") {
		if kind, _ := c["type"].(string); (kind == "Failed" || kind == "Complete") && c["status"] == "True" {
			text, _ := c["lastTransitionTime"].(string)
			if t, err := time.Parse(time.RFC3339, text); err == nil {
				at = latest(at, t)
			}
		}
	}
	return at
}

// lastLine is what the pod of a job that failed said last, or else why the job failed.
func (f cronFacts) lastLine(job *unstructured.Unstructured, failure error) string {
	for n := range f.pods {
		if !ownedBy(&f.pods[n], job) {
			continue
		}
		for _, c := range items(f.pods[n].Object["status"], "containerStatuses") {
			text, _, _ := unstructured.NestedString(c, "state", "terminated", "message")
			if line := tellingLine(text); line != "" {
				return line
			}
			reason, _, _ := unstructured.NestedString(c, "state", "terminated", "reason")
			if reason != "" && reason != "Error" { // such as OOMKilled
				return reason
			}
		}
	}
	_, why, _ := strings.Cut(failure.Error(), ": ")
	return cmp.Or(why, "no reason is known")
}

// tellingLine is the line about a failure, or else the last one.
func tellingLine(text string) string {
	lines := strings.FieldsFunc(text, func(r rune) bool { return r == '\n' })
	for _, line := range lines {
		if strings.Contains(line, " failed ") {
			return strings.TrimSpace(line)
		}
	}
	if len(lines) == 0 {
		return ""
	}
	return strings.TrimSpace(lines[len(lines)-1])
}

// cannotStart says why a pod of a running job does not start, "" when none is kept from it.
func (f cronFacts) cannotStart() string {
	for n := range f.jobs {
		if done, _ := finished(&f.jobs[n]); done {
			continue
		}
		for m := range f.pods {
			if !ownedBy(&f.pods[m], &f.jobs[n]) {
				continue
			}
			for _, c := range items(f.pods[m].Object["status"], "containerStatuses") {
				reason, _, _ := unstructured.NestedString(c, "state", "waiting", "reason")
				message, _, _ := unstructured.NestedString(c, "state", "waiting", "message")
				if reason == "" || reason == "ContainerCreating" || reason == "PodInitializing" {
					continue
				}
				text := fmt.Sprintf("cannot start job %s: %s", f.jobs[n].GetName(), reason)
				if strings.Contains(reason, "Image") {
					image, _ := c["image"].(string)
					text += ", image " + image
				}
				if line := tellingLine(message); line != "" {
					text += ": " + line
				}
				return text
			}
			for _, c := range items(f.pods[m].Object["status"], "conditions") {
				if c["type"] == "PodScheduled" && c["status"] == "False" {
					message, _ := c["message"].(string)
					return fmt.Sprintf("cannot start job %s: no node takes its pod: %s", f.jobs[n].GetName(), tellingLine(message))
				}
			}
		}
	}
	return ""
}

func ownedBy(u, owner *unstructured.Unstructured) bool {
	return slices.ContainsFunc(u.GetOwnerReferences(), func(o metav1.OwnerReference) bool { return o.UID == owner.GetUID() })
}

// suspensionOf tells who suspended a CronJob, since when and why: what `suspend` noted, or the field manager.
func suspensionOf(job *unstructured.Unstructured) *report.Suspension {
	s := &report.Suspension{Since: changedAt(job, "suspend")}
	noted := report.Suspension{}
	manager := changedBy(job, "suspend")
	if json.Unmarshal([]byte(job.GetAnnotations()[record.AnnotationSuspended]), &noted) == nil && (manager == "" || manager == Manager || strings.HasPrefix(manager, tool)) {
		return &noted
	}
	s.By = manager
	return s
}

// changedBy is the manager that set a field of the spec last, "" when that is not known; changedAt is when that was.
func changedBy(u *unstructured.Unstructured, field string) string {
	if e := setter(u, field); e != nil {
		return e.Manager
	}
	return ""
}

func changedAt(u *unstructured.Unstructured, field string) time.Time {
	if e := setter(u, field); e != nil && e.Time != nil {
		return e.Time.Time
	}
	return time.Time{}
}

// setter is the newest entry of managedFields that owns a field of the spec.
func setter(u *unstructured.Unstructured, field string) *metav1.ManagedFieldsEntry {
	var newest *metav1.ManagedFieldsEntry
	entries := u.GetManagedFields()
	for n, e := range entries {
		var set struct {
			Spec map[string]json.RawMessage `json:"f:spec"`
		}
		if e.FieldsV1 == nil || json.Unmarshal(e.FieldsV1.GetRawBytes(), &set) != nil || set.Spec["f:"+field] == nil {
			continue
		}
		if newest == nil || e.Time != nil && newest.Time != nil && e.Time.After(newest.Time.Time) {
			newest = &entries[n]
		}
	}
	return newest
}

func timeIn(u *unstructured.Unstructured, fields ...string) time.Time {
	text, _, _ := unstructured.NestedString(u.Object, fields...)
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}
	}
	return t
}

func latest(times ...time.Time) time.Time {
	return slices.MaxFunc(times, func(a, b time.Time) int { return a.Compare(b) })
}

// stamp is a time as messages have it.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 MST") }
