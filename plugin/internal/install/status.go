package install

import (
	"context"
	"time"

	"github.com/robfig/cron/v3"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile"
)

// CheckSchedule refuses what the CronJob controller does not understand.
func CheckSchedule(schedule string) error {
	if _, err := cron.ParseStandard(schedule); err != nil {
		return hint.Errorf("--schedule \""+schedule+"\" is not a schedule", "write five fields as cron does, such as '*/5 * * * *'")
	}
	return nil
}

// Status reads from the CronJob when the instance ran and will run; nil when there is none.
func (i *Instance) Status(ctx context.Context, now time.Time) (*reconcile.InstanceStatus, error) {
	u, err := i.CronJob(ctx)
	if u == nil || err != nil {
		return nil, err
	}
	return statusOf(u, now), nil
}

func statusOf(u *unstructured.Unstructured, now time.Time) *reconcile.InstanceStatus {
	s := &reconcile.InstanceStatus{CronJob: u.GetName(), Created: u.GetCreationTimestamp().Time}
	s.Schedule, _, _ = unstructured.NestedString(u.Object, "spec", "schedule")
	s.Suspended, _, _ = unstructured.NestedBool(u.Object, "spec", "suspend")
	s.Reason = u.GetAnnotations()[annotationReason]
	active, _, _ := unstructured.NestedSlice(u.Object, "status", "active")
	s.Running = len(active)
	s.LastRun, s.LastSuccess = timeAt(u, "lastScheduleTime"), timeAt(u, "lastSuccessfulTime")
	if containers, _, _ := unstructured.NestedSlice(u.Object, "spec", "jobTemplate", "spec", "template", "spec", "containers"); len(containers) > 0 {
		if c, ok := containers[0].(map[string]any); ok {
			s.Image, _ = c["image"].(string)
		}
	}
	if s.Suspended {
		return s
	}
	zone, _, _ := unstructured.NestedString(u.Object, "spec", "timeZone")
	location, err := time.LoadLocation(zone) // "" is UTC, which most controllers run in
	schedule, badSchedule := cron.ParseStandard(s.Schedule)
	if err != nil || badSchedule != nil {
		return s
	}
	s.NextRun = schedule.Next(now.In(location)).UTC()
	since := s.LastRun
	if since.IsZero() {
		since = s.Created
	}
	// A job may work longer than its minute, and then the next starts late: two that should have started are missing.
	due := schedule.Next(schedule.Next(since.In(location)))
	s.Overdue = s.Running == 0 && now.After(due)
	return s
}

func timeAt(u *unstructured.Unstructured, field string) time.Time {
	text, _, _ := unstructured.NestedString(u.Object, "status", field)
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}
	}
	return t
}
