package reconcile

import (
	"context"
	"encoding/json"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
)

// lingering returns a context that outlives ctx by grace: what was sent is waited for, so that the record is true.
func lingering(ctx context.Context, grace time.Duration) (context.Context, context.CancelFunc) {
	out, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(grace, cancel) })
	return out, func() { stop(); cancel() }
}

func uidOf(u *unstructured.Unstructured) types.UID {
	if u == nil {
		return ""
	}
	return u.GetUID()
}

// send applies one object. A uid makes the server refuse to create it, or to change another one of its name. A kind
// whose CRD was applied a moment ago may need another moment to be served.
func (p *pass) send(ctx context.Context, s *step, uid types.UID) (*unstructured.Unstructured, bool, error) {
	body := s.body
	if uid != "" {
		m := s.manifest.DeepCopy()
		m.SetUID(uid)
		var err error
		if body, err = json.Marshal(m.Object); err != nil {
			return nil, false, err
		}
	}
	o := cluster.ApplyOptions{Manager: firstOf(s.share, record.Manager), Force: !s.policy.Yield, DryRun: p.opts.DryRun, Unchecked: s.policy.Unchecked}
	deadline := p.Now().Add(10 * time.Second)
	for pause := 20 * time.Millisecond; ; pause *= 2 {
		after, created, err := p.Cluster.Apply(ctx, s.Ref, body, o)
		if !p.newKinds[s.Ref.Kind] || !notServedYet(err) || p.opts.DryRun || p.Now().After(deadline) {
			return after, created, err
		}
		if err := sleep(ctx, pause); err != nil {
			return nil, false, err
		}
	}
}
