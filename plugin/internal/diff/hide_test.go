package diff_test

import (
	"strings"
	"testing"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/diff"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/sealed"
)

// A value that is hidden is masked in objects of every kind, and so is the one that it replaces.
func TestAttackHiddenValuesInDifferences(t *testing.T) {
	hidden := sealed.New(map[string]string{"hunter2-canary": ""})
	before := object(t, `apiVersion: v1
kind: Pod
metadata: {name: x, annotations: {a: old-canary, b: same}}
spec:
  containers:
  - {name: first, image: a}
  - name: c
    args: ["--password=old-canary", same]
    env: [{name: A, value: x}, {name: PW, value: old-canary}]
`)
	after := object(t, `apiVersion: v1
kind: Pod
metadata: {name: x, annotations: {a: hunter2-canary, b: same}}
spec:
  containers:
  - name: c
    args: ["--password=hunter2-canary", same]
    env: [{name: PW, value: "x hunter2-canary"}]
`)
	for name, text := range map[string]string{
		"changed":   diff.Text(before, after, diff.Options{Context: 3, Hidden: hidden}),
		"back":      diff.Text(after, before, diff.Options{Context: 3, Hidden: hidden}),
		"added":     diff.Text(nil, after, diff.Options{Hidden: hidden}),
		"removed":   diff.Text(after, nil, diff.Options{Hidden: hidden}),
		"file name": diff.Text(nil, after, diff.Options{Hidden: hidden, ToName: "hunter2-canary.yaml"}),
	} {
		if strings.Contains(text, "canary") || !strings.Contains(text, "***") {
			t.Errorf("%s:\n%s", name, text)
		}
	}
	if text := diff.Text(before, after, diff.Options{Hidden: hidden}); !strings.Contains(text, "*** (before)") || !strings.Contains(text, "*** (after)") {
		t.Errorf("it does not show that values differ:\n%s", text)
	}
	if before.GetAnnotations()["a"] != "old-canary" || after.GetAnnotations()["a"] != "hunter2-canary" {
		t.Error("the objects are changed")
	}
}

// What an object held when its values were encrypted cannot be recognised once they are gone. So nothing is shown that goes.
func TestAttackValuesThatLeaveGit(t *testing.T) {
	before := object(t, `apiVersion: v1
kind: ConfigMap
metadata: {name: x, namespace: y, labels: {a: same, b: old-canary}}
data: {mode: fast, app.yaml: "password: old-canary", other: old-canary}
list: [{name: a, value: old-canary}, {name: b, value: same}, old-canary]
`)
	after := object(t, `apiVersion: v1
kind: ConfigMap
metadata: {name: x, namespace: y, labels: {a: same}}
data: {mode: fast, other: new}
list: [{name: b, value: same}]
`)
	for name, text := range map[string]string{
		"changed": diff.Text(diff.HideBefore(before, after), after, diff.Options{Context: 9}),
		"removed": diff.Text(diff.HideBefore(before, nil), nil, diff.Options{}),
	} {
		if strings.Contains(text, "canary") || !strings.Contains(text, "***") || !strings.Contains(text, "name: x") {
			t.Errorf("%s:\n%s", name, text)
		}
	}
	if text := diff.Text(diff.HideBefore(before, after), after, diff.Options{Context: 9}); strings.Contains(text, "-  mode") || strings.Contains(text, "-    value: same") || !strings.Contains(text, "+  other: new") {
		t.Errorf("it hides what stays:\n%s", text)
	}
	if diff.HideBefore(nil, after) != nil || before.GetLabels()["b"] != "old-canary" {
		t.Error("the object is changed")
	}
}
