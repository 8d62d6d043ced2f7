package apply

import (
	"errors"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/desired/desiredtest"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/live"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/plan"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
)

func TestClassifyNamesWhatHappened(t *testing.T) {
	state := func(value string) *unstructured.Unstructured {
		return &unstructured.Unstructured{Object: map[string]any{"metadata": map[string]any{"name": "x", "resourceVersion": value},
			"data": map[string]any{"a": value}, "status": value}}
	}
	sameValues := state("1")
	sameValues.SetResourceVersion("2")
	sameValues.Object["status"] = "other"
	known, ahead := &record.Row{UID: "u"}, &record.Row{}
	tests := []struct {
		name    string
		row     *record.Row
		changed bool
		state   live.State
		outcome Outcome
		want    string
	}{
		{"new", nil, true, live.NotApplied, Outcome{Created: true, After: state("1")}, "created"},
		{"written ahead, and then created", ahead, true, live.NotApplied, Outcome{Created: true, After: state("1")}, "created"},
		{"it was there before us", nil, true, live.NotApplied, Outcome{Before: state("0"), After: state("1")}, "configured, it existed before"},
		{"it was there before us, and equal", nil, true, live.NotApplied, Outcome{Before: state("1"), After: sameValues}, "unchanged"},
		{"Git changed it", known, true, live.InSync, Outcome{Before: state("0"), After: state("1")}, "configured"},
		{"Git changed only its text", known, true, live.InSync, Outcome{Before: state("1"), After: sameValues}, "unchanged"},
		{"somebody changed it", known, false, live.Drifted, Outcome{Before: state("0"), After: state("1")}, "reverted"},
		{"somebody changed what is not ours", known, false, live.Drifted, Outcome{Before: state("1"), After: sameValues}, "unchanged"},
		{"somebody deleted it", known, false, live.Missing, Outcome{Created: true, After: state("1")}, "reverted, it had been deleted"},
		{"somebody deleted it, and Git changed it", known, true, live.Missing, Outcome{Created: true, After: state("1")}, "created"},
		{"somebody removed its label", known, false, live.Missing, Outcome{Before: state("0"), After: state("1")}, "reverted, its label " + record.LabelPartOf + " had been removed"},
		{"somebody recreated it", known, false, live.Replaced, Outcome{Before: state("0"), After: state("1")}, "reverted, it had been deleted and recreated"},
		{"an immutable field changed", known, true, live.InSync, Outcome{Created: true, Before: state("0"), After: state("1"), Anew: anewImmutable},
			"configured, deleted and recreated, because an immutable field changed"},
		{"a run was cut off", ahead, true, live.NotApplied, Outcome{Before: state("0"), After: state("1")}, "configured"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := &plan.Step{Object: desiredtest.Object("ConfigMap", "x"), Row: test.row, Changed: test.changed, State: test.state}
			action, note := classify(s, test.outcome)
			if got := strings.TrimSuffix(string(action)+", "+note, ", "); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestErrorsOfTheServerAreExplained(t *testing.T) {
	forbiddenField := metav1.CauseType("FieldValueForbidden")
	tests := []struct {
		name          string
		err           error
		message, hint string
	}{
		{"immutable field",
			serverError(422, "Invalid", `Service "web" is invalid: spec.clusterIPs[0]: Invalid value: ["10.0.0.9"]: may not change once set`,
				metav1.StatusCause{Type: "FieldValueInvalid", Field: "spec.clusterIPs[0]", Message: `Invalid value: ["10.0.0.9"]: may not change once set`}),
			"spec.clusterIPs[0]: may not change once set",
			"revert that line, or annotate the object with kubectl-gitops.dev/recreate: enabled to allow delete and recreate"},
		{"immutable selector",
			serverError(422, "Invalid", `Deployment.apps "web" is invalid: spec.selector: Invalid value: {"matchLabels":{"app":"other"}}: field is immutable`,
				metav1.StatusCause{Type: "FieldValueInvalid", Field: "spec.selector", Message: `Invalid value: {"matchLabels":{"app":"other"}}: field is immutable`}),
			"spec.selector: field is immutable",
			"revert that line, or annotate the object with kubectl-gitops.dev/recreate: enabled to allow delete and recreate"},
		{"immutable StatefulSet",
			serverError(422, "Invalid", `StatefulSet.apps "db" is invalid: spec: Forbidden: updates to statefulset spec for fields other than 'replicas', 'template' are forbidden`,
				metav1.StatusCause{Type: forbiddenField, Field: "spec", Message: `Forbidden: updates to statefulset spec for fields other than 'replicas', 'template' are forbidden`}),
			"spec: Forbidden: updates to statefulset spec for fields other than 'replicas', 'template' are forbidden",
			"revert that line, or annotate the object with kubectl-gitops.dev/recreate: enabled to allow delete and recreate"},
		{"two invalid fields",
			serverError(422, "Invalid", `Service "web" is invalid: [spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive, spec.ports[0].name: Required value]`,
				metav1.StatusCause{Field: "spec.ports[0].port", Message: "Invalid value: 0: must be between 1 and 65535, inclusive"},
				metav1.StatusCause{Field: "spec.ports[0].name", Message: "Required value"}),
			"spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive; spec.ports[0].name: Required value", "correct the manifest at app.yaml:7"},
		{"unknown field of a built-in kind",
			serverError(500, "", `failed to create typed patch object (shop/web; apps/v1, Kind=Deployment): .spec.replica: field not declared in schema`),
			"app.yaml:7: unknown field spec.replica", "check the spelling and indentation at app.yaml:7"},
		{"unknown field of a custom resource",
			serverError(400, "BadRequest", `strict decoding error: unknown field "spec.sise", unknown field "spec.colour"`),
			"app.yaml:7: unknown field spec.sise; app.yaml:7: unknown field spec.colour", "check the spelling and indentation at app.yaml:7"},
		{"quota",
			serverError(403, "Forbidden", `configmaps "x" is forbidden: exceeded quota: few, requested: count/configmaps=1, used: count/configmaps=3, limited: count/configmaps=3`),
			`configmaps "x" is forbidden: exceeded quota: few, requested: count/configmaps=1, used: count/configmaps=3, limited: count/configmaps=3`,
			"raise the ResourceQuota, or ask for less"},
		{"RBAC",
			serverError(403, "Forbidden", `configmaps "x" is forbidden: User "eve" cannot patch resource "configmaps" in API group "" in the namespace "shop"`),
			`configmaps "x" is forbidden: User "eve" cannot patch resource "configmaps" in API group "" in the namespace "shop"`,
			"grant get, list, create, patch and delete on configmaps in namespace shop to this user"},
		{"namespace terminating",
			serverError(403, "Forbidden", `configmaps "x" is forbidden: unable to create new content in namespace shop because it is being terminated`,
				metav1.StatusCause{Type: "NamespaceTerminating", Field: "metadata.namespace", Message: "namespace shop is being terminated"}),
			"namespace shop is being terminated", "wait until it is gone; the next run applies the object again"},
		{"too large", serverError(413, "RequestEntityTooLarge", "etcdserver: request is too large"), "is larger than the API server takes", "split it"},
		{"webhook denies",
			serverError(403, "Forbidden", `admission webhook "policy.example.com" denied the request: no latest tags`),
			`admission webhook "policy.example.com" denied the request: no latest tags`, ""},
		{"anything else", serverError(409, "Conflict", "try again"), "try again", ""},
		{"no answer at all", errors.New("connection refused"), "connection refused", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			message, advice := explain(test.err, &plan.Step{Object: desiredtest.Object("ConfigMap", "x")}, nil)
			if message != test.message || advice != test.hint {
				t.Errorf("got %q, %q\nwant %q, %q", message, advice, test.message, test.hint)
			}
		})
	}
}

func TestErrorsHoldNoSecretValue(t *testing.T) {
	secret := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "Secret", "metadata": map[string]any{"name": "x"},
		"stringData": map[string]any{"password": "correct-horse-battery"}}}
	err := serverError(422, "Invalid", `Secret "x" is invalid: data: Invalid value: "correct-horse-battery": no`,
		metav1.StatusCause{Field: "data[password]", Message: `Invalid value: "correct-horse-battery": no`})
	if message, advice := explain(err, &plan.Step{Object: desiredtest.Object("Secret", "x")}, []*unstructured.Unstructured{secret}); strings.Contains(message+advice, "horse") {
		t.Errorf("the value is in %q, %q", message, advice)
	}
}

func TestA404IsReadClosely(t *testing.T) {
	for text, want := range map[string]bool{
		"the server could not find the requested resource": true,
		`configmaps "x" not found`:                         false,
		`namespaces "shop" not found`:                      false,
	} {
		if got := NotServedYet(serverError(404, "NotFound", text)); got != want {
			t.Errorf("%s: %t", text, got)
		}
	}
	if NotServedYet(errors.New("the server could not find the requested resource")) || NotServedYet(nil) {
		t.Error("only the server's own answer counts")
	}
}

// serverError is an answer of kube-apiserver 1.37, shortened where it repeats itself.
func serverError(code int, reason metav1.StatusReason, message string, causes ...metav1.StatusCause) error {
	return &apierrors.StatusError{ErrStatus: metav1.Status{Code: int32(code), Reason: reason, Message: message,
		Details: &metav1.StatusDetails{Causes: causes}}}
}

// parsed reads one object from YAML.
func parsed(t *testing.T, text string) *unstructured.Unstructured {
	t.Helper()
	u := &unstructured.Unstructured{}
	if err := yaml.Unmarshal([]byte(text), &u.Object); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return u
}
