package reconcile

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/desired/desiredtest"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/plan"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/pass"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/tell"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/wait"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/sealed"
)

// TestAttackHiddenValuesLeaveNoPass: an object may hold a value if its app says so. What a pass says of it is masked at each place where
// text leaves the pass: changes, which become reports, records, Events and notifications; events; effects; errors.
func TestAttackHiddenValuesLeaveNoPass(t *testing.T) {
	const value, encoded = "hunter2-canary", "aHVudGVyMi1jYW5hcnk="
	var said []report.Event
	p := &pass.Pass{Env: &pass.Env{}, Teller: &tell.Teller{Emit: func(e report.Event) { said = append(said, e) }, Report: &report.App{Name: "app"}, Hidden: sealed.New(map[string]string{value: "x"})}}
	holder := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "c"}, "data": map[string]any{"a": "x " + value}}}
	p.Effects = []report.Effect{{Note: "rewritten: " + value, After: holder}}

	answer := &apierrors.StatusError{ErrStatus: metav1.Status{Status: metav1.StatusFailure, Code: 422, Reason: metav1.StatusReasonInvalid,
		Details: &metav1.StatusDetails{Causes: []metav1.StatusCause{{Field: "spec.externalName", Message: fmt.Sprintf("Invalid value: %q: no name", value)}}}}}
	message, advice := p.Applier().Explain(answer, &plan.Step{Object: desiredtest.Object("Service", "c")})
	p.Change(report.Change{Object: "v1/Service/x/" + value, Short: "service/" + value, Action: report.Failed, Error: message, Hint: advice, Note: "base64 " + encoded,
		Fields: []report.FieldChange{{Path: "data[" + value + "]", From: "the one before", To: "https://u:" + value + "@host"}, {Path: "spec", From: map[string]any{"a": value}, To: nil}, {Path: "spec.a", From: 1, To: 2}}})
	p.Say(report.Waiting, "pod x: it said: %s", "password="+value)
	p.Effects = p.ShownEffects()
	failure := p.Conceal(hint.With(fmt.Errorf("hook: %w: %s", wait.ErrInterrupted, value), "look for %s", encoded))

	all, err := json.Marshal([]any{p.Report, said, p.Effects[0].Note, p.Ending().ChangeLines(), message, advice, failure.Error(), hint.Of(failure)})
	if err != nil {
		t.Fatal(err)
	}
	if text := string(all); strings.Contains(text, value) || strings.Contains(text, encoded) || strings.Contains(text, "the one before") || strings.Count(text, "***") < 12 {
		t.Errorf("it is shown: %s", text)
	}
	if !errors.Is(failure, wait.ErrInterrupted) || p.Effects[0].Hidden != p.Hidden {
		t.Error("what else is known of it is lost")
	}
	if f := p.Report.Changes[0].Fields; f[2].From != 1 || f[1].To != nil {
		t.Errorf("more is masked than has to be: %v", f)
	}
}

// TestAttackHiddenHooksAreNotKept: the record keeps hooks for the removal of the app, and no value with them.
func TestAttackHiddenHooksAreNotKept(t *testing.T) {
	p := &pass.Pass{Env: &pass.Env{}, Teller: &tell.Teller{Hidden: sealed.New(map[string]string{"hunter2-canary": "x"})}}
	o := desiredtest.Object("Job", "j")
	o.Manifest = &unstructured.Unstructured{Object: map[string]any{"kind": "Job", "spec": map[string]any{"args": []any{"--password=hunter2-canary"}}}}
	if why := p.Reading().NotKept(o); !strings.Contains(why, "repeats a value of a Secret") {
		t.Errorf("it is kept: %q", why)
	}
	o.Manifest.Object["spec"] = map[string]any{"args": []any{"none"}}
	if why := p.Reading().NotKept(o); why != "" {
		t.Errorf("it is not kept: %q", why)
	}
}
