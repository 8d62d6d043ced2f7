package apply

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/concurrent"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/desired"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/plan"
)

// Refused is a step that the API server would refuse. Its Outcome has the answer.
type Refused struct {
	*plan.Step
	Outcome
}

// Ask applies each step as a dry run, and returns those whose write would be refused. It sets Recreate of the steps whose
// object is to be deleted and recreated.
func (a *Applier) Ask(ctx context.Context, steps []*plan.Step) []Refused {
	dry := *a
	dry.DryRun = true
	outcomes := make([]Outcome, len(steps))
	concurrent.Each(ctx, len(steps), AtOnce, func(i int) { outcomes[i] = dry.Apply(ctx, steps[i]) })
	var refused []Refused
	for i, s := range steps {
		s.Recreate = cmp.Or(outcomes[i].Anew, s.Recreate)
		if err := outcomes[i].Err; err != nil && a.isFinal(err, s) {
			refused = append(refused, Refused{s, outcomes[i]})
		}
	}
	return refused
}

// isFinal reports whether the write would get the same answer as the dry run. It would not when the dry run itself is what
// failed, or when an object that is applied earlier may change the answer.
func (a *Applier) isFinal(err error, s *plan.Step) bool {
	var api apierrors.APIStatus
	if !errors.As(err, &api) {
		return false
	}
	st := api.Status()
	switch {
	case undryable(st), a.Promised.Has(func(o *plan.Step) bool { return o.Key() == desired.DefinedBy(s.Ref) }):
		return false
	case ownedByOthers(err), isMismatch(err):
		return true
	case strings.Contains(st.Message, "ValidatingAdmissionPolicy") && a.Promised.Has(func(o *plan.Step) bool { return o.Ref.Kind.Kind == "ConfigMap" || o.Ref.Kind.Kind == "Secret" }):
		return false // its parameters
	case st.Code == 403, strings.Contains(st.Message, "ValidatingAdmissionPolicy"), strings.Contains(st.Message, "admission webhook"):
		return refusesUpdate(err) && !a.Promised.Has(func(o *plan.Step) bool { return admits(o.Ref.Kind) })
	}
	return refusesUpdate(err) || st.Code == 413
}

// admits reports whether objects of a kind influence what the server admits: rights, quotas, classes, policies, and custom
// resources, which may be policies of some engine.
func admits(k cluster.Kind) bool {
	switch k.Group {
	case "":
		return slices.Contains([]string{"Namespace", "ResourceQuota", "LimitRange", "ServiceAccount"}, k.Kind)
	case "apps", "batch", "autoscaling", "policy", "networking.k8s.io", "discovery.k8s.io":
		return false
	}
	return true
}
