package apply

import (
	"cmp"
	"context"
	"encoding/json"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/desired"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/plan"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/wait"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
)

// send applies one object. With a uid, the server refuses to create the object, or to change another object of its name, or one that
// is not at the version of the step. The
// server may need a moment to serve a kind whose CRD was just applied, or a field that the kind just got: send tries again
// for a few seconds.
func (a *Applier) send(ctx context.Context, s *plan.Step, uid types.UID) (*unstructured.Unstructured, bool, error) {
	body := s.Body
	if uid != "" {
		m := s.Manifest.DeepCopy()
		m.SetUID(uid)
		m.SetResourceVersion(s.Version)
		var err error
		if body, err = json.Marshal(m.Object); err != nil {
			return nil, false, err
		}
	}
	o := cluster.ApplyOptions{Manager: cmp.Or(s.Share, record.Manager), Force: !s.Policy.Yield, DryRun: a.DryRun, Unchecked: s.Policy.Unchecked}
	served, declared := a.Now().Add(10*time.Second), a.Now().Add(2*time.Second)
	for pause := 20 * time.Millisecond; ; pause *= 2 {
		after, created, err := a.Client.Apply(ctx, s.Ref, body, o)
		isLate := a.Promised.NewKinds[s.Ref.Kind] && NotServedYet(err) && a.Now().Before(served) ||
			isUnknownField(err) && a.Now().Before(declared) && a.changesKindOf(s.Ref)
		if !isLate || a.DryRun {
			return after, created, err
		}
		if err := wait.Sleep(ctx, pause); err != nil {
			return nil, false, err
		}
	}
}

// changesKindOf reports whether this run changes the CRD that defines the kind of an object.
func (a *Applier) changesKindOf(r cluster.Ref) bool {
	crd := desired.DefinedBy(r)
	return a.Promised.Has(func(s *plan.Step) bool { return s.Changed && s.Key() == crd })
}
