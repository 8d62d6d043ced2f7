package apply

import (
	"errors"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/desired"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/desired/desiredtest"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/plan"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
)

func TestFieldWhyKept(t *testing.T) {
	claim := cluster.Kind{Version: "v1", Kind: "PersistentVolumeClaim", Resource: "persistentvolumeclaims", Namespaced: true}
	for _, test := range []struct {
		name     string
		kind     cluster.Kind
		row      *record.Row
		from     *record.Row
		kept     string
		replaced bool // where it asks for that
	}{
		{"P7 a Deployment of the app", cluster.Kind{Group: "apps", Version: "v1", Kind: "Deployment"}, &record.Row{UID: "u"}, nil, "", true},
		{"P7 an adopted Deployment", cluster.Kind{Group: "apps", Version: "v1", Kind: "Deployment"}, &record.Row{UID: "u", Adopted: true}, nil, "", true},
		{"P7 somebody else's", cluster.Kind{Group: "apps", Version: "v1", Kind: "Deployment"}, nil, nil, "the object is not this app's", false},
		{"P7 written ahead, and perhaps somebody else's", cluster.Kind{Group: "apps", Version: "v1", Kind: "Deployment"}, &record.Row{}, nil, "the object is not this app's", false},
		{"P7 made again by somebody else", cluster.Kind{Group: "apps", Version: "v1", Kind: "Deployment"}, &record.Row{UID: "other"}, nil, "the object is not this app's", false},
		{"P7 handed over by another app", cluster.Kind{Group: "apps", Version: "v1", Kind: "Deployment"}, nil, &record.Row{UID: "u"}, "", true},
		{"P7 a claim of the app", claim, &record.Row{UID: "u"}, nil, "", false},
		{"P7 a claim that was there before", claim, &record.Row{UID: "u", Adopted: true}, nil, "it existed before the app, with its data", false},
		{"P7 a claim that another app adopted", claim, nil, &record.Row{UID: "u", Adopted: true}, "it existed before the app, with its data", false},
		{"P7 a volume that was there before", cluster.Kind{Version: "v1", Kind: "PersistentVolume"}, &record.Row{UID: "u", Adopted: true}, nil, "it existed before the app, with its data", false},
		{"P7 a Namespace", cluster.Kind{Version: "v1", Kind: "Namespace"}, &record.Row{UID: "u"}, nil, "everything in it would be deleted", false},
		{"P7 a definition", cluster.Kind{Group: "apiextensions.k8s.io", Version: "v1", Kind: "CustomResourceDefinition"}, &record.Row{UID: "u"}, nil, "everything in it would be deleted", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			live := &unstructured.Unstructured{Object: map[string]any{}}
			live.SetUID("u")
			s := &plan.Step{Object: &desired.Object{Ref: cluster.Ref{Kind: test.kind}, Policy: desired.Policy{Replace: true, Recreate: true}}, Row: test.row, Live: live}
			if test.from != nil {
				s.From = &plan.Handover{Row: *test.from}
			}
			if got := WhyKept(s, live); got != test.kept {
				t.Errorf("kept: %q, want %q", got, test.kept)
			}
			if IsReplaced(s) != test.replaced {
				t.Errorf("replaced anew: %v", !test.replaced)
			}
		})
	}
}

func TestFieldRefusals(t *testing.T) {
	conflict := apierrors.NewApplyConflict([]metav1.StatusCause{{Type: metav1.CauseTypeFieldManagerConflict, Field: ".data.a"}}, "conflict")
	for _, test := range []struct {
		name    string
		err     error
		others  []*desired.Object // of the same commit
		refuses bool              // the change: recreate answers it
		final   bool
	}{
		{"P7 M13 an immutable field", serverError(422, "Invalid", "spec.selector: Invalid value: field is immutable"), nil, true, true},
		{"P7 M13 a claim", serverError(422, "Invalid", "spec: Forbidden: spec is immutable after creation except resources.requests"), nil, true, true},
		{"P7 M13 a CEL rule", serverError(422, "Invalid", `spec: Invalid value: "object": a disk cannot shrink`), nil, true, true},
		{"P7 M13 a policy", serverError(422, "Invalid", "ValidatingAdmissionPolicy 'x' with binding 'x' denied request: frozen"), nil, true, true},
		{"P7 M13 a policy, whose parameters may change", serverError(422, "Invalid", "ValidatingAdmissionPolicy 'x' with binding 'x' denied request: frozen"), []*desired.Object{desiredtest.Object("ConfigMap", "x")}, true, false},
		{"P7 M13 a webhook", serverError(403, "Forbidden", `admission webhook "x" denied the request: frozen`), nil, true, true},
		{"P7 M13 a webhook, beside a policy of some engine", serverError(403, "Forbidden", `admission webhook "x" denied the request: frozen`), []*desired.Object{{Ref: cluster.Ref{Kind: cluster.Kind{Group: "example.com", Version: "v1", Kind: "Rule"}}}}, true, false},
		{"P7 M13 a webhook that answers 400", serverError(400, "BadRequest", `admission webhook "x" denied the request: frozen`), nil, true, true},
		{"P7 M13 a webhook that cannot be asked", serverError(400, "BadRequest", `admission webhook "x" does not support dry run`), nil, false, false},
		{"P7 M13 a webhook that fails", serverError(500, "InternalError", `failed calling webhook "x": no answer`), nil, false, false},
		{"P7 M13 missing rights", serverError(403, "Forbidden", `services "x" is forbidden: User "u" cannot patch resource "services"`), nil, false, false},
		{"P7 M13 a quota", serverError(403, "Forbidden", "exceeded quota: q"), nil, true, true},
		{"P7 M13 a quota that is raised", serverError(403, "Forbidden", "exceeded quota: q"), []*desired.Object{{Ref: cluster.Ref{Kind: cluster.Kind{Version: "v1", Kind: "ResourceQuota"}}}}, true, false},
		{"P7 M13 fields of others", conflict, nil, false, true},
		{"P7 M13 a conflict", serverError(409, "Conflict", "the object has been modified"), nil, false, false},
		{"P7 M13 a mismatch", serverError(500, "", typedPatch+"x/y; v1, Kind=Pod): .spec.a: expected string, got &{1}"), nil, false, true},
		{"P7 M13 a kind that is not served", serverError(404, "NotFound", "the server could not find the requested resource"), nil, false, false},
		{"P7 M13 too large", serverError(413, "RequestEntityTooLarge", "too large"), nil, false, true},
		{"P7 M13 no answer", errors.New("connection refused"), nil, false, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := &plan.Step{Object: desiredtest.Object("Service", "web")}
			a := &Applier{Promised: plan.Promised{Steps: []*plan.Step{s}}}
			for _, o := range test.others {
				a.Promised.Steps = append(a.Promised.Steps, &plan.Step{Object: o})
			}
			if got := refusesUpdate(test.err); got != test.refuses {
				t.Errorf("refuses the change: %v", got)
			}
			if got := a.isFinal(test.err, s); got != test.final {
				t.Errorf("final: %v", got)
			}
		})
	}
}

func TestFieldTakenByItself(t *testing.T) {
	live := &unstructured.Unstructured{Object: map[string]any{"kind": "Service", "spec": map[string]any{"clusterIP": "10.0.0.7", "ports": []any{map[string]any{"nodePort": int64(30080)}}}}}
	refusal := func(messages ...string) error {
		err := apierrors.NewInvalid(live.GroupVersionKind().GroupKind(), "web", nil)
		for _, m := range messages {
			err.ErrStatus.Details.Causes = append(err.ErrStatus.Details.Causes, metav1.StatusCause{Message: m})
		}
		return err
	}
	for _, test := range []struct {
		name string
		err  error
		want bool
	}{
		{"P7 its own port", refusal("Invalid value: 30080: provided port is already allocated"), true},
		{"P7 its own address", refusal(`Invalid value: ["10.0.0.7"]: failed to allocate IP 10.0.0.7: provided IP is already allocated`), true},
		{"P7 another's port", refusal("Invalid value: 30081: provided port is already allocated"), false},
		{"P7 its own port, and something else", refusal("Invalid value: 30080: provided port is already allocated", "Required value"), false},
		{"P7 something else", refusal("Required value"), false},
		{"P7 no reason", refusal(), false},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := takenByItself(test.err, live); got != test.want {
				t.Error(got)
			}
		})
	}
}
