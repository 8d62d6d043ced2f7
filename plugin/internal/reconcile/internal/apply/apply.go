package apply

import (
	"context"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/app"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/fields"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/live"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/manifest"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/owners"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/plan"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/tell"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/wait"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
)

const (
	// AtOnce bounds how many objects are written at once.
	AtOnce = 16
	// UnrecordedAtOnce bounds how many whole answers of the server are held: the record needs little of them.
	UnrecordedAtOnce = 64
	// fieldKeeper holds the value of a field that we stop sending, so that the server does not reset it.
	fieldKeeper = "gitops-keeper"
)

// Applier applies and prunes objects of one app, one at a time or side by side.
type Applier struct {
	Client    *cluster.Client
	Now       func() time.Time
	Say       *tell.Teller
	Wait      *wait.Waiter
	Contested *Contested
	Set       string // ApplySet id of the app
	Foreign   app.ForeignFields
	DryRun    bool
	Record    *record.Record
	Promised  plan.Promised

	Unchanged     func(ctx context.Context) error                          // whether nobody has saved the record since
	Absent        func(cluster.Kind) bool                                  // the server does not serve the kind
	Text          func(manifest.Origin) []byte                             // of a file of the commit; nil where it cannot be read
	MayRecreate   func(ctx context.Context, s *plan.Step) error            // one that was not planned
	IsCredentials func(ctx context.Context, ref cluster.Ref) (bool, error) // of the instance
	MadeNamespace func(u *unstructured.Unstructured) bool                  // by a run, for this app
}

// Outcome is what one write did. after is the object as the server stored it.
type Outcome struct {
	After   *unstructured.Unstructured
	Before  *unstructured.Unstructured
	Created bool
	Skipped string
	from    string              // who made the object that was there before
	Former  []owners.Claim      // who it belonged to
	ahead   string              // which app before this one defines its kind, when the server does not yet
	gone    []fields.Difference // fields of others that were taken away
	dropped []fields.Leftover   // what made way for fields of Git's
	refused bool                // because the server refuses these beside it
	Left    bool                // it is create-only and exists: nothing was sent
	Anew    string              // why it was deleted and created anew
	Err     error
}

func (a *Applier) Apply(ctx context.Context, s *plan.Step) Outcome {
	if s.State == live.Terminating && s.Live != nil {
		return Outcome{Err: fmt.Errorf("is being deleted since %s; it is applied again when it is gone",
			wait.Age(a.Now().Sub(s.Live.GetDeletionTimestamp().Time)))}
	}
	ctx, cancel := wait.Lingering(ctx, wait.WriteGrace)
	defer cancel()
	if out, done := a.leaveAlone(ctx, s); done {
		return out
	}
	before := s.Live
	if a.DryRun && before == nil {
		live, err := a.Client.Get(ctx, s.Ref)
		if err != nil && !apierrors.IsNotFound(err) {
			return Outcome{Err: err}
		}
		before = live
	}
	if err := a.Contested.GiveUp(a.Now(), s); err != nil {
		return Outcome{Err: err}
	}
	s, err := a.underOneName(ctx, s, before)
	if err == nil {
		s, err = a.releaseFields(ctx, s)
	}
	if err != nil {
		return Outcome{Err: err}
	}
	if s.Recreate != "" || a.DryRun && IsReplaced(s) {
		return a.finishApply(ctx, s, a.recreateAsked(ctx, s))
	}
	w, err := a.write(ctx, s, before)
	after, created := w.after, w.created
	if undeclared(err) && a.renameVersion(ctx, s) {
		after, created, err = a.send(ctx, s, uidOf(s.Live))
	}
	if s.Live != nil && apierrors.IsConflict(err) && !ownedByOthers(err) {
		// It was deleted since the look: by somebody, then it comes back; or by another reconciler, that knows better.
		if err = a.Unchanged(ctx); err == nil {
			after, created, err = a.send(ctx, s, "")
		}
	}
	if err != nil && s.Policy.Recreate && refusesUpdate(err) {
		return a.finishApply(ctx, s, a.recreateRefused(ctx, s, err))
	}
	if a.DryRun && apierrors.IsNotFound(err) && a.Promised.WillExist(s) {
		return Outcome{After: s.Manifest, Created: true, ahead: a.Promised.DefinedAhead(s.Ref.Kind)}
	}
	if before == nil {
		before = w.before
	}
	return a.finishApply(ctx, s, Outcome{After: after, Before: before, Created: created, dropped: w.dropped, refused: w.refused, Err: err})
}

// finishApply does what follows an apply that went well: fields that are left to others are let go, what an object that
// is taken over has of its former tool ends, and what others added goes if the app says so.
func (a *Applier) finishApply(ctx context.Context, s *plan.Step, o Outcome) Outcome {
	if o.Err == nil && !o.Created {
		o.After, o.Err = a.oneShare(ctx, s, o.After)
	}
	if o.Err == nil && o.Created && len(s.First) > 0 && !a.DryRun {
		o.After, o.Err = a.releaseCreated(ctx, s, o.After)
	}
	if o.Err == nil && adopting(s, o.Created) {
		o.from, o.Former = owners.Former(s.Ref, o.After), owners.Claims(s.Ref, o.After)
	}
	switch {
	case o.Err == nil && !a.DryRun:
		o.After, o.Err = a.soleOwner(ctx, s, o.After, adopting(s, o.Created))
	case o.Err == nil && adopting(s, o.Created):
		o.After = unmarked(s, o.After)
	}
	if o.Err == nil && a.Foreign == app.ForeignRevert {
		o.After, o.gone, o.Err = a.dropForeign(ctx, s.Ref, o.After)
	}
	return o
}

// leaveAlone tells whether an object that is only to be created exists already. Then nothing is sent.
func (a *Applier) leaveAlone(ctx context.Context, s *plan.Step) (Outcome, bool) {
	if !s.Policy.CreateOnly {
		return Outcome{}, false
	}
	live, err := a.Client.Get(ctx, s.Ref)
	if apierrors.IsNotFound(err) {
		return Outcome{}, false
	}
	return Outcome{After: live, Left: err == nil, Err: err}, true
}
