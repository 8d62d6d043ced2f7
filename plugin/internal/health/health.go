package health

import (
	"slices"
	"strings"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// State is the health of an object, or of a whole app.
type State string

// The health states, worst first.
const (
	Degraded    State = "Degraded"
	Missing     State = "Missing"
	Progressing State = "Progressing"
	Unknown     State = "Unknown"
	Suspended   State = "Suspended"
	Healthy     State = "Healthy"
)

// Of tells how an object is doing, and why; a Healthy object may come with a remark. nil is Missing. The rules
// are those of kstatus, and those of the kinds in healthByKind, which kstatus does not know or judges in a way that
// would make an app wait for ever. Degraded is only what waiting does not mend: it ends the wait for an app at once.
// A Job is Progressing until it is complete: what follows it may need what it does.
func Of(u *unstructured.Unstructured) (State, string) {
	if h, why, settled := healthOfAny(u); settled {
		return h, why
	}
	if rule := ruleFor(u); rule != nil {
		return rule(u)
	}
	return kstatus(u)
}

// healthOfAny settles what is the same for every kind: an object that is gone, going, suspended, or changed since its
// controller looked.
func healthOfAny(u *unstructured.Unstructured) (State, string, bool) {
	switch {
	case u == nil:
		return Missing, "not in the cluster", true
	case u.GetDeletionTimestamp() != nil:
		return Progressing, "terminating", true
	}
	if paused, _, _ := unstructured.NestedBool(u.Object, "spec", "paused"); paused && pausable[u.GetKind()] {
		return Suspended, "paused", true
	}
	if suspended, _, _ := unstructured.NestedBool(u.Object, "spec", "suspend"); suspended {
		return Suspended, "suspended", true
	}
	if seen, ok := observed(u.Object, "status", "observedGeneration"); ok && seen < u.GetGeneration() {
		return Progressing, "waiting for the controller", true
	}
	return "", "", false
}

// pausable are the kinds whose spec.paused stops them; elsewhere it may mean anything.
var pausable = map[string]bool{"Deployment": true, "Rollout": true}

func kstatus(u *unstructured.Unstructured) (State, string) {
	r, err := status.Compute(u)
	if err != nil {
		return Unknown, err.Error()
	}
	switch r.Status {
	case status.CurrentStatus:
		return Healthy, ""
	case status.InProgressStatus, status.TerminatingStatus:
		return Progressing, r.Message
	case status.FailedStatus:
		return Degraded, r.Message
	case status.NotFoundStatus:
		return Missing, r.Message
	}
	return Unknown, r.Message
}

// ruleFor finds the rule of a kind, or the one of all kinds of its group.
func ruleFor(u *unstructured.Unstructured) func(*unstructured.Unstructured) (State, string) {
	gvk := u.GroupVersionKind()
	if rule, ok := healthByKind[gvk.Kind+"."+gvk.Group]; ok {
		return rule
	}
	for _, g := range healthByGroup {
		if (gvk.Group == g.group || strings.HasSuffix(gvk.Group, "."+g.group)) && !slices.Contains(g.except, gvk.Kind) {
			return g.rule
		}
	}
	if hasCondition(u, "Synced") && hasCondition(u, "Ready") { // what Crossplane and those who follow it show
		return syncedAndReady
	}
	return nil
}
