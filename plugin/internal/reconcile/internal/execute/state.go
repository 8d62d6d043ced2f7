package execute

import (
	"context"
	"sync"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/app"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/desired"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/owners"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/plan"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/apply"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/hooks"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
)

// Execution carries out the plan of one app.
type Execution struct {
	*apply.Applier
	Hooks   *hooks.Runner
	Plan    *plan.Plan
	Desired []*desired.Object
	Ignored map[record.Key]bool // in Git, and left alone altogether
	Loop    bool                // kinds that are not served yet are left to a later pass
	Budget  app.Budget

	Refusals     *Refusals
	Allowed      func(ctx context.Context) plan.Allowance // deletions, by commit messages
	CheckCluster func(ctx context.Context) error
	WarnMissing  func(owners.Claim)
	Applied      func(record.Key) // is told what was created

	Failed      map[record.Key]bool
	failedWaves bool // an object of an earlier wave failed
	kindState
	recreated  []*plan.Step // deleted and created anew, or to be
	unforeseen recreations  // of these, what was not foreseen
	Remarked   bool         // the record remembers something new that was told
}

// Refusals remembers what the API server refused, by app. The zero value is ready to use.
type Refusals struct{ keys sync.Map }

// recreations are steps that a pass recreates without having foreseen it.
type recreations struct {
	mu    sync.Mutex
	steps []*plan.Step
}

// kindState is what is known of kinds that the app defines.
type kindState struct {
	notEstablishedYet map[record.Key]bool // CRDs that are not established yet
	waitingForKind    []*plan.Step        // of their kinds: applied when they are established
	Postponed         int                 // how many of these are left to a later pass
	gaveMoment        bool                // the CRDs were given their moment
}
