package execute

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
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/plan"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/apply"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/wait"
)

// kinds applies objects whose kind the app itself defines, once the API server serves that kind.
type kinds struct{ *Execution }

// kindMoment is how long all CRDs together may take to be established before the objects that do not need them are applied.
const kindMoment = 10 * time.Second

// findServed finds out which of the CRDs the API server does not serve yet, and applies the objects that waited for the
// others. The first call after CRDs were applied waits for up to kindMoment, since most CRDs take a few milliseconds. A CRD
// that was served already costs no request.
func (e kinds) findServed(ctx context.Context, crds []*desired.Object) error {
	until := e.Now()
	if !e.gaveMoment && slices.ContainsFunc(e.Plan.Steps, func(s *plan.Step) bool { return desired.IsCRD(s.Ref.Kind) }) {
		until = until.Add(min(kindMoment, e.Wait.Timeout))
	}
	e.gaveMoment = true
	e.notEstablishedYet = map[object.Key]bool{}
	for _, o := range crds {
		established, err := e.establishedBy(ctx, o.Ref, until)
		if err != nil {
			return err
		}
		if !established {
			e.notEstablishedYet[o.Key()] = true
		}
	}
	return e.applyServed(ctx)
}

// establishedBy waits until the API server serves a CRD, or until the given time. It does not wait for a CRD whose names are
// refused.
func (e kinds) establishedBy(ctx context.Context, crd cluster.Ref, until time.Time) (bool, error) {
	k := object.KeyOf(crd)
	for pause, asked := wait.FirstPause/4, false; ; pause, asked = min(pause*2, wait.LongestPause), true {
		switch seen := e.Wait.Track.After[k]; {
		case health.Established(seen):
			return true, nil
		case asked && (health.NamesRefused(seen) || !e.Now().Before(until)):
			return false, nil
		}
		if asked || e.Now().Before(until) {
			if wait.Sleep(ctx, min(pause, max(until.Sub(e.Now()), 0))) != nil {
				return false, wait.ErrInterrupted
			}
		}
		live, err := e.Client.Get(ctx, crd)
		if err != nil {
			return false, fmt.Errorf("%s: %w", crd, err)
		}
		e.Wait.Track.After[k] = live
	}
}

// splitServed returns the steps whose kinds are served. It keeps the others in waitingForKind: they are applied once their
// kind is established, at the latest when all other steps are applied or a later stage needs them.
func (e kinds) splitServed(steps []*plan.Step) []*plan.Step {
	return slices.DeleteFunc(slices.Clone(steps), func(s *plan.Step) bool {
		slow := e.notEstablishedYet[desired.DefinedBy(s.Ref)]
		if slow {
			e.waitingForKind = append(e.waitingForKind, s)
		}
		return slow
	})
}

// applyServed applies the steps whose kinds are established by now.
func (e kinds) applyServed(ctx context.Context) error {
	rest := e.waitingForKind
	e.waitingForKind = nil
	for len(rest) > 0 {
		n := 1
		for n < len(rest) && rest[n].Stage == rest[0].Stage {
			n++
		}
		if e.applyStage(ctx, e.splitServed(rest[:n])); ctx.Err() != nil {
			return wait.ErrInterrupted
		}
		rest = rest[n:]
	}
	return nil
}

// awaitKinds waits, within the budget of the app, for the kinds that steps still need, and applies these steps. Steps whose
// kind is not established then have failed.
func (e kinds) awaitKinds(ctx context.Context) error {
	until := e.Wait.Started.Add(e.Wait.Timeout)
	for pause := wait.FirstPause; e.Now().Before(until) && slices.ContainsFunc(e.waitingForKind, e.mayBeServed); pause = min(pause*2, wait.LongestPause) {
		for k := range e.notEstablishedYet {
			e.Say.WaitingFor(k, e.Wait.Track.Refs[k].String()+": "+e.notEstablished(k))
		}
		if wait.Sleep(ctx, pause) != nil {
			return wait.ErrInterrupted
		}
		for k := range e.notEstablishedYet {
			established, err := e.establishedBy(ctx, e.Wait.Track.Refs[k], e.Now())
			if err != nil {
				return err
			}
			if established {
				delete(e.notEstablishedYet, k)
			}
		}
		if err := e.applyServed(ctx); err != nil {
			return err
		}
	}
	for _, s := range e.waitingForKind {
		crd := desired.DefinedBy(s.Ref)
		e.record(s, apply.Outcome{Err: hint.With(fmt.Errorf("its kind is not served: %s: %s", e.Wait.Track.Refs[crd], e.notEstablished(crd)),
			"`kubectl describe %s` says why", e.Wait.Track.Refs[crd])})
	}
	e.waitingForKind = nil
	return nil
}

// mayBeServed reports whether waiting for the kind of a step may help.
func (e kinds) mayBeServed(s *plan.Step) bool {
	return !health.NamesRefused(e.Wait.Track.After[desired.DefinedBy(s.Ref)])
}

// notEstablished returns why a CRD is not established.
func (e kinds) notEstablished(crd object.Key) string {
	return cmp.Or(health.FailedCondition(e.Wait.Track.After[crd]), "it is not established")
}

// needed lists the objects that the objects of a stage depend on.
func (e kinds) needed(next desired.Stage) []object.Key {
	var keys []object.Key
	for _, s := range e.Plan.Steps {
		if s.Stage != next {
			continue
		}
		for _, k := range s.Needs {
			if !e.Failed[k] && !e.Wait.Track.AssumedHealthy[k] && !e.Ignored[k] && !slices.Contains(keys, k) {
				keys = append(keys, k)
			}
		}
	}
	return keys
}

// WaitsForKinds reports whether steps are not applied yet because their kind is not served.
func (e *Execution) WaitsForKinds() bool { return len(e.waitingForKind) > 0 }

// EndKinds waits for the kinds that steps still need, and applies these steps. It is called when all other steps, and the
// apps before this one, are applied. In a loop it does not wait: it counts the steps in Postponed, and a later run applies
// them.
func (e *Execution) EndKinds(ctx context.Context) error {
	if e.Loop && slices.ContainsFunc(e.waitingForKind, kinds{e}.mayBeServed) && e.Now().Sub(e.Record.LastApplied) <= e.Wait.Timeout {
		e.Postponed, e.waitingForKind = len(e.waitingForKind), nil
		return nil
	}
	return kinds{e}.awaitKinds(ctx)
}
