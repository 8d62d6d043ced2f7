package execute

import (
	"context"
	"sync"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/app"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/desired"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/owners"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/plan"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/apply"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/hooks"
)

// Execution carries out the plan of one app in one run. Ask, Apply, Prune and EndKinds are called in this order, by one
// goroutine.
type Execution struct {
	*apply.Applier
	Hooks   *hooks.Runner       // runs the hooks of the app
	Plan    *plan.Plan          // what should happen
	Desired []*desired.Object   // all objects of the app, planned or not
	Ignored map[object.Key]bool // in Git, but an annotation says to leave the object alone
	Loop    bool                // objects of kinds that are not served yet are left to a later run
	Budget  app.Budget          // how many objects may be deleted without a trailer in the commit message

	Refusals     *Refusals                                // what the API server refused before, shared by the runs of a process
	Allowed      func(ctx context.Context) plan.Allowance // how many deletions commit messages allow
	CheckCluster func(ctx context.Context) error          // fails when the record was made in another cluster
	WarnMissing  func(owners.Claim)                       // receives the former owner of an object that was taken over
	Applied      func(object.Key)                         // receives each object that was created

	Failed      map[object.Key]bool // objects that failed or were skipped
	failedWaves bool                // an object of an earlier wave failed
	kindState
	recreated []*plan.Step // objects that were deleted and created anew, or would be in a dry run
	unplanned recreations  // those of them that were not planned
	Remarked  bool         // the record remembers a new remark and has to be saved
}

// Refusals remembers which objects the API server refused, by app. The zero value is ready to use, by several goroutines.
type Refusals struct{ keys sync.Map }

// recreations are steps that are recreated although that was not planned.
type recreations struct {
	mu    sync.Mutex
	steps []*plan.Step
}

// kindState is what is known of the kinds that the app itself defines.
type kindState struct {
	notEstablishedYet map[object.Key]bool // CRDs that are not established yet
	waitingForKind    []*plan.Step        // steps that are applied once their CRD is established
	Postponed         int                 // how many of these steps are left to a later run
	gaveMoment        bool                // the first wait for CRDs is over
}
