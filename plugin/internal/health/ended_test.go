package health

import (
	"fmt"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func TestEnded(t *testing.T) {
	for text, want := range map[string]string{
		`{apiVersion: batch/v1, kind: Job, status: {}}`:                                                                                           "false ",
		`{apiVersion: batch/v1, kind: Job, status: {conditions: [{type: Complete, status: "True"}]}}`:                                             "true ",
		`{apiVersion: batch/v1, kind: Job, status: {conditions: [{type: Failed, status: "True", message: too often}]}}`:                           "true too often",
		`{apiVersion: batch/v1, kind: Job, status: {conditions: [{type: Failed, status: "True"}]}}`:                                               "true the Job failed",
		`{apiVersion: v1, kind: Pod, status: {phase: Running}}`:                                                                                   "false ",
		`{apiVersion: v1, kind: Pod, status: {phase: Succeeded}}`:                                                                                 "true ",
		`{apiVersion: v1, kind: Pod, status: {phase: Failed}}`:                                                                                    "true the Pod failed",
		`{apiVersion: v1, kind: ConfigMap}`:                                                                                                       "true ",
		`{apiVersion: example.com/v1, kind: Lamp, metadata: {generation: 2}, status: {observedGeneration: 1}}`:                                    "false ",
		`{apiVersion: apps/v1, kind: Deployment, status: {conditions: [{type: Progressing, status: "False", reason: ProgressDeadlineExceeded}]}}`: "true Progress deadline exceeded",
	} {
		var rules *Rules
		done, failure := rules.Ended(manifest(t, text))
		if got := fmt.Sprintf("%t %s", done, failure); got != want {
			t.Errorf("%s: got %q, want %q", text, got, want)
		}
	}
}

func TestPodTrouble(t *testing.T) {
	for text, want := range map[string]string{
		`{}`: "",
		`{containerStatuses: [{name: web, state: {waiting: {reason: ImagePullBackOff}}}]}`:                  "pod p, container web: ImagePullBackOff",
		`{initContainerStatuses: [{name: init, state: {waiting: {reason: CrashLoopBackOff}}}]}`:             "pod p, container init: CrashLoopBackOff",
		`{containerStatuses: [{name: web, state: {waiting: {reason: ContainerCreating}}}]}`:                 "",
		`{conditions: [{type: PodScheduled, status: "False", message: no node has room}]}`:                  "pod p is not scheduled: no node has room",
		`{conditions: [{type: PodScheduled, status: "True"}], containerStatuses: [{name: web, state: {}}]}`: "",
	} {
		if got := PodTrouble(manifest(t, "{apiVersion: v1, kind: Pod, metadata: {name: p}, status: "+text+"}")); got != want {
			t.Errorf("%s: got %q, want %q", text, got, want)
		}
	}
}

func TestDefinitionsThatAreServed(t *testing.T) {
	crd := func(conditions string) *unstructured.Unstructured {
		return manifest(t, "{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, status: {conditions: ["+conditions+"]}}")
	}
	for _, test := range []struct {
		crd                  *unstructured.Unstructured
		established, refused bool
		why                  string
	}{
		{nil, false, false, ""},
		{crd(""), false, false, ""},
		{crd(`{type: NamesAccepted, status: "True"}, {type: Established, status: "True"}`), true, false, ""},
		{crd(`{type: NamesAccepted, status: "True"}, {type: Established, status: "False", message: installing}`), false, false, "installing"},
		{crd(`{type: NamesAccepted, status: "False", message: taken}, {type: Established, status: "False", message: not yet}, 3`), false, true, "taken"},
	} {
		if Established(test.crd) != test.established || NamesRefused(test.crd) != test.refused || FailedCondition(test.crd) != test.why {
			t.Errorf("%v: %t, %t, %q", test.crd, Established(test.crd), NamesRefused(test.crd), FailedCondition(test.crd))
		}
	}
}

func TestRulesAreCompiledOnce(t *testing.T) {
	var c Cache
	if rules, err := c.Compile(nil); rules != nil || err != nil {
		t.Errorf("no rules: %v, %v", rules, err)
	}
	one, err := c.Compile([]Rule{{Kind: "Lamp", Healthy: "true"}})
	again, _ := c.Compile([]Rule{{Kind: "Lamp", Healthy: "true"}})
	if err != nil || one == nil || one != again {
		t.Errorf("%v and %v, %v", one, again, err)
	}
	if _, err := c.Compile([]Rule{{Kind: "Lamp", Healthy: "tru"}}); err == nil {
		t.Error("a rule that does not compile")
	}
}
