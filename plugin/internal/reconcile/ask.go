package reconcile

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
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/live"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/plan"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/wait"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
)

// ask finds out, before the first write of the app, which changes of its objects the server refuses, and which objects are
// to be recreated. When a change is refused nothing of the commit is written: half of it may be worse than none. Drift is
// reverted all the same.
//
// It asks by dry runs, one for each object that exists and changes. What is created is not asked about: without it nothing
// is half switched. Neither is a change that comes alone: its write is the question.
func (p *pass) ask(ctx context.Context) error {
	if p.opts.DryRun {
		return nil
	}
	var anew []*plan.Step
	for _, s := range p.plan.Steps {
		if replacedAnew(s) {
			s.Recreate = anewAsAsked
		}
	}
	refused := p.askAbout(ctx, p.toAsk())
	if ctx.Err() != nil {
		return wait.ErrInterrupted
	}
	for _, s := range p.plan.Steps {
		if s.Recreate != "" {
			anew = append(anew, s)
		}
	}
	if err := p.guardRecreations(ctx, anew); err != nil || len(refused) == 0 {
		return err
	}
	return p.refuse(ctx, refused)
}

// toAsk lists the steps that a dry run is worth.
func (p *pass) toAsk() []*plan.Step {
	alone := len(p.plan.Steps)+len(p.plan.Prunes) == 1
	hooked := p.hooksDue() && len(p.hooksOf(desired.PreSync)) > 0 // they may change what the server says
	var out []*plan.Step
	for _, s := range p.plan.Steps {
		changes := s.Changed && s.Live != nil && s.State != live.Terminating && !s.Policy.CreateOnly
		if changes && (s.Policy.Recreate || !alone && !hooked) {
			out = append(out, s)
		}
	}
	return out
}

// refusedStep is a step with the answer that its write would get.
type refusedStep struct {
	*plan.Step
	outcome
}

// askAbout makes the dry runs. Those that were refused by a pass of this process before come first, and settle it alone
// while they still are: a commit that cannot be applied is tried again and again.
func (p *pass) askAbout(ctx context.Context, steps []*plan.Step) []refusedStep {
	before := p.memory().refusedBefore(p.app.Name)
	first := slices.DeleteFunc(slices.Clone(steps), func(s *plan.Step) bool { return !slices.Contains(before, s.Key()) })
	rest := slices.DeleteFunc(slices.Clone(steps), func(s *plan.Step) bool { return slices.Contains(before, s.Key()) })
	refused := p.dryRuns(ctx, first)
	if len(refused) == 0 {
		refused = p.dryRuns(ctx, rest)
	}
	var keys []record.Key
	for _, r := range refused {
		keys = append(keys, r.Key())
	}
	p.memory().keepRefused(p.app.Name, keys)
	return refused
}

// dryRuns does to each step, as a dry run, all that a write does. It notes what is to be recreated.
func (p *pass) dryRuns(ctx context.Context, steps []*plan.Step) []refusedStep {
	dry := *p
	dry.opts.DryRun = true
	outcomes := make([]outcome, len(steps))
	concurrent.Each(ctx, len(steps), writesInFlight, func(i int) { outcomes[i] = dry.applyOne(ctx, steps[i]) })
	var refused []refusedStep
	for i, s := range steps {
		s.Recreate = cmp.Or(outcomes[i].anew, s.Recreate)
		if err := outcomes[i].err; err != nil && p.isFinal(err, s) {
			refused = append(refused, refusedStep{s, outcomes[i]})
		}
	}
	return refused
}

// isFinal tells whether the answer to a dry run is the answer to the write as well. It is not where the dry run is what
// failed, or where an object that this pass applies before may change the server's mind. Then the write will tell.
func (p *pass) isFinal(err error, s *plan.Step) bool {
	var api apierrors.APIStatus
	if !errors.As(err, &api) {
		return false
	}
	st := api.Status()
	switch {
	case undryable(st), p.changes(func(o *plan.Step) bool { return o.Key() == definedBy(s.Ref) }):
		return false
	case ownedByOthers(err), isMismatch(err):
		return true
	case strings.Contains(st.Message, "ValidatingAdmissionPolicy") && p.changes(func(o *plan.Step) bool { return o.Ref.Kind.Kind == "ConfigMap" || o.Ref.Kind.Kind == "Secret" }):
		return false // its parameters
	case st.Code == 403, strings.Contains(st.Message, "ValidatingAdmissionPolicy"), strings.Contains(st.Message, "admission webhook"):
		return refusesUpdate(err) && !p.changes(func(o *plan.Step) bool { return admits(o.Ref.Kind) })
	}
	return refusesUpdate(err) || st.Code == 413
}

// changes tells whether the plan holds a step of a sort.
func (p *pass) changes(sort func(*plan.Step) bool) bool {
	return slices.ContainsFunc(p.plan.Steps, sort)
}

// admits tells whether objects of a kind have a say in what the server admits: rights, quotas, classes, policies, and
// custom resources, which may be policies of some engine.
func admits(k cluster.Kind) bool {
	switch k.Group {
	case "":
		return slices.Contains([]string{"Namespace", "ResourceQuota", "LimitRange", "ServiceAccount"}, k.Kind)
	case "apps", "batch", "autoscaling", "policy", "networking.k8s.io", "discovery.k8s.io":
		return false
	}
	return true
}

// refuse ends a pass some of whose changes the server refuses. What drifted is reverted.
func (p *pass) refuse(ctx context.Context, refused []refusedStep) error {
	steps := slices.DeleteFunc(slices.Clone(p.plan.Steps), func(s *plan.Step) bool { return s.Changed })
	for _, r := range refused {
		p.settle(r.Step, outcome{err: r.err})
	}
	err := p.firstFailure("nothing of this commit was written for the app: it is applied when the API server accepts all of it")
	if len(steps) == 0 {
		return err
	}
	if guard := p.checkCluster(ctx, false); guard != nil {
		return guard
	}
	failed := p.failed
	p.failed = map[record.Key]bool{} // what is refused holds up no revert
	for len(steps) > 0 {
		n := 1
		for n < len(steps) && steps[n].Stage == steps[0].Stage {
			n++
		}
		if p.applyStage(ctx, steps[:n]); ctx.Err() != nil {
			break
		}
		steps = steps[n:]
	}
	for k := range failed {
		p.failed[k] = true
	}
	return err
}

// refusedBefore returns what was refused of an app by the last pass of this process.
func (m *memory) refusedBefore(app string) []record.Key {
	keys, _ := m.refusals.Load(app)
	list, _ := keys.([]record.Key)
	return list
}

func (m *memory) keepRefused(app string, keys []record.Key) { m.refusals.Store(app, keys) }
