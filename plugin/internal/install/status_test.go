package install

import (
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

func TestWhenTheCronJobRuns(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 30, 0, time.UTC)
	for name, tt := range map[string]struct {
		cronJob string
		next    string
		overdue bool
	}{
		"each minute":      {`{spec: {schedule: "* * * * *"}, status: {lastScheduleTime: "2026-03-01T12:00:00Z"}}`, "12:01:00", false},
		"a job takes long": {`{spec: {schedule: "* * * * *"}, status: {lastScheduleTime: "2026-03-01T11:50:00Z", active: [{name: a}]}}`, "12:01:00", false},
		"two are missing":  {`{spec: {schedule: "* * * * *"}, status: {lastScheduleTime: "2026-03-01T11:58:00Z"}}`, "12:01:00", true},
		"one is late":      {`{spec: {schedule: "* * * * *"}, status: {lastScheduleTime: "2026-03-01T11:59:00Z"}}`, "12:01:00", false},
		"never, new":       {`{metadata: {creationTimestamp: "2026-03-01T12:00:10Z"}, spec: {schedule: "*/5 * * * *"}}`, "12:05:00", false},
		"never, old":       {`{metadata: {creationTimestamp: "2026-03-01T11:00:00Z"}, spec: {schedule: "*/5 * * * *"}}`, "12:05:00", true},
		"suspended":        {`{metadata: {creationTimestamp: "2026-03-01T11:00:00Z"}, spec: {schedule: "* * * * *", suspend: true}}`, "00:00:00", false},
		"another zone":     {`{spec: {schedule: "0 14 * * *", timeZone: Europe/Berlin}, status: {lastScheduleTime: "2026-02-28T13:00:00Z"}}`, "13:00:00", false},
		"no schedule":      {`{spec: {schedule: "soon"}}`, "00:00:00", false},
	} {
		u := &unstructured.Unstructured{}
		if err := yaml.Unmarshal([]byte(tt.cronJob), &u.Object); err != nil {
			t.Fatal(err)
		}
		s := statusOf(u, now)
		if got := s.NextRun.Format(time.TimeOnly); got != tt.next || s.Overdue != tt.overdue {
			t.Errorf("%s: next %s, overdue %t", name, got, s.Overdue)
		}
	}
}
