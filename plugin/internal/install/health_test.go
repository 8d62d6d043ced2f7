package install

import (
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

func parsed(t *testing.T, text string) *unstructured.Unstructured {
	t.Helper()
	u := &unstructured.Unstructured{}
	if err := yaml.Unmarshal([]byte(text), &u.Object); err != nil {
		t.Fatal(err)
	}
	return u
}

const (
	fromMinute = "metadata: {name: gitops, uid: c, creationTimestamp: '2026-01-01T09:00:00Z'}\nspec: {schedule: '* * * * *'}\n"
	failedJob  = `
metadata: {name: gitops-1, uid: j1, ownerReferences: [{uid: c, apiVersion: batch/v1, kind: CronJob, name: gitops}]}
status: {conditions: [{type: Failed, status: "True", message: Job has reached the specified backoff limit, lastTransitionTime: '2026-01-01T10:00:30Z'}]}`
	runningJob = `
metadata: {name: gitops-2, uid: j2, ownerReferences: [{uid: c, apiVersion: batch/v1, kind: CronJob, name: gitops}]}
status: {active: 1}`
	goodJob = `
metadata: {name: gitops-3, uid: j3}
status: {completionTime: '2026-01-01T10:02:30Z', conditions: [{type: Complete, status: "True", lastTransitionTime: '2026-01-01T10:02:30Z'}]}`
)

func pod(owner, status string) string {
	return "metadata: {name: p, ownerReferences: [{uid: " + owner + ", apiVersion: batch/v1, kind: Job, name: j}]}\nstatus: " + status
}

func TestFieldHealthOfTheCronJob(t *testing.T) {
	for _, test := range []struct {
		name, cron string
		jobs, pods []string
		looked     bool
		noSecret   string
		now        string
		state      State
		message    string
	}{
		{"M6 the last job succeeded", fromMinute + "status: {lastScheduleTime: '2026-01-01T10:00:00Z', lastSuccessfulTime: '2026-01-01T10:00:55Z'}", nil, nil, false, "", "10:01:10", Running, ""},
		{"M6 a job runs", fromMinute + "status: {lastScheduleTime: '2026-01-01T10:01:00Z', lastSuccessfulTime: '2026-01-01T10:00:55Z', active: [{name: x}]}", nil, nil, false, "", "10:01:30", Running, ""},
		{"M6 just installed", fromMinute, nil, nil, true, "", "09:00:20", Waiting, "has not started a job yet"},
		{"M6 just installed, without the Secret", fromMinute, nil, nil, true, "git", "09:00:20", Failing, "has no Secret git with its credentials; has not started a job yet"},
		{"M6 the controller is away", fromMinute + "status: {lastScheduleTime: '2026-01-01T10:00:00Z', lastSuccessfulTime: '2026-01-01T10:00:55Z'}", nil, nil, true, "", "10:12:00", Stalled, `has started no job since 2026-01-01 10:00 UTC, although its schedule is "* * * * *"`},
		{"M6 never a job", fromMinute, nil, nil, true, "", "09:30:00", Stalled, "has started no job since 2026-01-01 09:00 UTC"},
		{"M6 a schedule of once a day", strings.Replace(fromMinute, "* * * * *", "0 3 * * *", 1) + "status: {lastScheduleTime: '2026-01-01T01:00:00Z', lastSuccessfulTime: '2026-01-01T01:00:55Z'}", nil, nil, false, "", "20:00:00", Running, ""},
		{"M6 a schedule that cannot be read", strings.Replace(fromMinute, "* * * * *", "sometimes", 1) + "status: {lastScheduleTime: '2026-01-01T01:00:00Z', lastSuccessfulTime: '2026-01-01T01:00:55Z'}", nil, nil, false, "", "20:00:00", Running, ""},
		{"M6 a job of many minutes", fromMinute + "status: {lastScheduleTime: '2026-01-01T10:00:00Z', lastSuccessfulTime: '2026-01-01T09:59:55Z', active: [{name: x}]}", []string{runningJob}, nil, true, "", "10:12:00", Running, ""},
		{"M6 the last job failed", fromMinute + "status: {lastScheduleTime: '2026-01-01T10:00:00Z', lastSuccessfulTime: '2026-01-01T09:00:55Z'}",
			[]string{failedJob, runningJob}, []string{pod("j1", `{containerStatuses: [{state: {terminated: {reason: Error, message: "cart succeeded at main@1\nshop failed at main@1: no such file\n"}}}]}`)}, true, "", "10:01:10",
			Failing, "failed in job gitops-1 at 2026-01-01 10:00 UTC: shop failed at main@1: no such file"},
		{"M6 the last job was killed", fromMinute, []string{failedJob}, []string{pod("j1", `{containerStatuses: [{state: {terminated: {reason: OOMKilled}}}]}`)}, true, "", "10:01:10", Failing, "OOMKilled"},
		{"M6 the last job failed, its pod is gone", fromMinute, []string{failedJob}, nil, true, "", "10:01:10", Failing, "Job has reached the specified backoff limit"},
		{"M6 one failed before the last", fromMinute + "status: {lastScheduleTime: '2026-01-01T10:02:00Z'}", []string{failedJob, goodJob}, nil, true, "", "10:02:40", Running, ""},
		{"M6 the image cannot be pulled", fromMinute + "status: {lastScheduleTime: '2026-01-01T10:00:00Z', active: [{name: x}]}", []string{runningJob},
			[]string{pod("j2", `{containerStatuses: [{image: "ghcr.io/x:1", state: {waiting: {reason: ImagePullBackOff, message: Back-off pulling image}}}]}`)}, true, "", "10:01:10",
			Failing, "cannot start job gitops-2: ImagePullBackOff, image ghcr.io/x:1: Back-off pulling image"},
		{"M6 the container is being created", fromMinute + "status: {lastScheduleTime: '2026-01-01T10:00:00Z', active: [{name: x}]}", []string{runningJob},
			[]string{pod("j2", `{containerStatuses: [{state: {waiting: {reason: ContainerCreating}}}]}`)}, true, "", "10:00:10", Running, ""},
		{"M6 no node", fromMinute + "status: {lastScheduleTime: '2026-01-01T10:00:00Z', active: [{name: x}]}", []string{runningJob},
			[]string{pod("j2", `{conditions: [{type: PodScheduled, status: "False", message: 0/3 nodes are available}]}`)}, true, "", "10:00:10", Failing, "no node takes its pod: 0/3 nodes are available"},
		{"M6 suspended by suspend", strings.Replace(fromMinute, "spec: {", `  annotations: {kubectl-gitops.dev/suspended: '{"reason":"incident","by":"ada","since":"2026-01-01T09:30:00Z"}'}`+"\nspec: {suspend: true, ", 1)[0:], nil, nil, false, "", "10:00:00", Suspended,
			"is suspended by ada: incident, since 2026-01-01 09:30 UTC; it starts no jobs until `kubectl gitops resume`"},
		{"M6 resumed, the note stayed", strings.Replace(fromMinute, "spec: {", "spec: {suspend: false, ", 1) + "status: {lastScheduleTime: '2026-01-01T10:00:00Z', lastSuccessfulTime: '2026-01-01T10:00:55Z'}", nil, nil, false, "", "10:01:10", Running, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			text := test.cron
			if strings.Contains(text, "  annotations:") {
				text = strings.Replace(text, "metadata: {name: gitops, uid: c, creationTimestamp: '2026-01-01T09:00:00Z'}", "metadata:\n  name: gitops", 1)
			}
			f := cronFacts{cron: parsed(t, text), looked: test.looked, noSecret: test.noSecret}
			for _, j := range test.jobs {
				f.jobs = append(f.jobs, *parsed(t, j))
			}
			for _, p := range test.pods {
				f.pods = append(f.pods, *parsed(t, p))
			}
			now, err := time.Parse(time.RFC3339, "2026-01-01T"+test.now+"Z")
			if err != nil {
				t.Fatal(err)
			}
			h := f.health(now)
			if h.State != test.state || !strings.Contains(h.Message, test.message) || test.message == "" && h.Message != "" {
				t.Errorf("%s %q, want %s %q", h.State, h.Message, test.state, test.message)
			}
		})
	}
}

func TestFieldSuspendedByHand(t *testing.T) {
	t.Run("M6 by kubectl patch, with an old note of suspend", suspendedByHand)
}

func suspendedByHand(t *testing.T) {
	u := parsed(t, `
metadata:
  name: gitops
  annotations: {kubectl-gitops.dev/suspended: '{"by":"ada"}'}
  managedFields:
  - {manager: gitops-install, time: '2026-01-01T09:00:00Z', fieldsType: FieldsV1, fieldsV1: {"f:spec": {"f:schedule": {}}}}
  - {manager: kubectl-patch, time: '2026-01-01T09:30:00Z', fieldsType: FieldsV1, fieldsV1: {"f:spec": {"f:suspend": {}}}}
spec: {suspend: true, schedule: '* * * * *'}`)
	h := cronFacts{cron: u}.health(time.Now())
	if want := "is suspended by kubectl-patch, since 2026-01-01 09:30 UTC; it starts no jobs until `kubectl gitops resume`"; h.Message != want {
		t.Errorf("%q, want %q", h.Message, want)
	}
}
