package reconcile

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/desired"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/health"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/plan"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/apply"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/wait"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
)

// kindMoment is how long all CRDs together may take to be established before the objects that do not need them go on.
const kindMoment = 10 * time.Second

// lookAtKinds finds out which of the CRDs the API server does not serve yet, and applies what waited for the others. The
// first look after CRDs were applied gives them a moment: most take a few milliseconds. Those that are served already cost
// no request.
func (p *pass) lookAtKinds(ctx context.Context, crds []*desired.Object) error {
	until := p.Now()
	if !p.looked && slices.ContainsFunc(p.plan.Steps, func(s *plan.Step) bool { return desired.IsCRD(s.Ref.Kind) }) {
		until = until.Add(min(kindMoment, p.app.Timeout))
	}
	p.looked = true
	p.slow = map[record.Key]bool{}
	for _, o := range crds {
		established, err := p.establishedBy(ctx, o.Ref, until)
		if err != nil {
			return err
		}
		if !established {
			p.slow[o.Key()] = true
		}
	}
	return p.applyHeld(ctx)
}

// establishedBy waits until the API server serves a CRD, or a time is over. A CRD that is refused is not waited for.
func (p *pass) establishedBy(ctx context.Context, crd cluster.Ref, until time.Time) (bool, error) {
	k := record.KeyOf(crd)
	for pause, asked := wait.FirstPause/4, false; ; pause, asked = min(pause*2, wait.LongestPause), true {
		switch seen := p.track.After[k]; {
		case health.Established(seen):
			return true, nil
		case asked && (health.NamesRefused(seen) || !p.Now().Before(until)):
			return false, nil
		}
		if asked || p.Now().Before(until) {
			if wait.Sleep(ctx, min(pause, max(until.Sub(p.Now()), 0))) != nil {
				return false, wait.ErrInterrupted
			}
		}
		live, err := p.Cluster.Get(ctx, crd)
		if err != nil {
			return false, fmt.Errorf("%s: %w", crd, err)
		}
		p.track.After[k] = live
	}
}

// holdBack returns the steps whose kinds are served, and keeps the others for later: they are applied as soon as the kind
// is established, at the latest when all else is applied or needs them.
func (p *pass) holdBack(steps []*plan.Step) []*plan.Step {
	return slices.DeleteFunc(slices.Clone(steps), func(s *plan.Step) bool {
		slow := p.slow[desired.DefinedBy(s.Ref)]
		if slow {
			p.unserved = append(p.unserved, s)
		}
		return slow
	})
}

// applyHeld applies what waited for kinds that are established by now.
func (p *pass) applyHeld(ctx context.Context) error {
	rest := p.unserved
	p.unserved = nil
	for len(rest) > 0 {
		n := 1
		for n < len(rest) && rest[n].Stage == rest[0].Stage {
			n++
		}
		if p.applyStage(ctx, p.holdBack(rest[:n])); ctx.Err() != nil {
			return wait.ErrInterrupted
		}
		rest = rest[n:]
	}
	return nil
}

// lateKinds ends the waiting for kinds when all else of the app, and of the apps before it, is applied. In a loop it does
// not wait: a later pass applies what is of these kinds.
func (p *pass) lateKinds(ctx context.Context) error {
	if len(p.unserved) == 0 || p.opts.DryRun {
		return nil
	}
	if p.opts.Loop && slices.ContainsFunc(p.unserved, p.mayBeServed) && p.Now().Sub(p.rec.Applied) <= p.app.Timeout {
		p.postponed, p.unserved, p.deferred = len(p.unserved), nil, true
	} else if err := p.awaitKinds(ctx); err != nil {
		return err
	}
	if err := p.prune(ctx); err != nil {
		return err
	}
	return p.saveApplied(ctx)
}

// awaitKinds waits, within the budget of the app, for the kinds that steps still wait for, and applies them. What is of a
// kind that is not established then has failed.
func (p *pass) awaitKinds(ctx context.Context) error {
	until := p.started.Add(p.app.Timeout)
	for pause := wait.FirstPause; p.Now().Before(until) && slices.ContainsFunc(p.unserved, p.mayBeServed); pause = min(pause*2, wait.LongestPause) {
		for k := range p.slow {
			p.WaitingFor(k, p.track.Refs[k].String()+": "+p.notEstablished(k))
		}
		if wait.Sleep(ctx, pause) != nil {
			return wait.ErrInterrupted
		}
		for k := range p.slow {
			established, err := p.establishedBy(ctx, p.track.Refs[k], p.Now())
			if err != nil {
				return err
			}
			if established {
				delete(p.slow, k)
			}
		}
		if err := p.applyHeld(ctx); err != nil {
			return err
		}
	}
	for _, s := range p.unserved {
		crd := desired.DefinedBy(s.Ref)
		p.settle(s, apply.Outcome{Err: hint.With(fmt.Errorf("its kind is not served: %s: %s", p.track.Refs[crd], p.notEstablished(crd)),
			"`kubectl describe %s` says why", p.track.Refs[crd])})
	}
	p.unserved = nil
	return nil
}

// mayBeServed tells whether waiting for the kind of a step may help.
func (p *pass) mayBeServed(s *plan.Step) bool {
	return !health.NamesRefused(p.track.After[desired.DefinedBy(s.Ref)])
}

func (p *pass) notEstablished(crd record.Key) string {
	return cmp.Or(health.FailedCondition(p.track.After[crd]), "it is not established")
}

// needed lists what the objects of a stage depend on.
func (p *pass) needed(next desired.Stage) []record.Key {
	var keys []record.Key
	for _, s := range p.plan.Steps {
		if s.Stage != next {
			continue
		}
		for _, k := range s.Needs {
			if !p.failed[k] && !p.track.AssumedHealthy[k] && !p.ignored[k] && !slices.Contains(keys, k) {
				keys = append(keys, k)
			}
		}
	}
	return keys
}
