package apply

import (
	"context"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

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

func uidOf(u *unstructured.Unstructured) types.UID {
	if u == nil {
		return ""
	}
	return u.GetUID()
}

// firstTime tells whether an object, if there is one, was never applied by us.
func firstTime(s *plan.Step) bool { return s.Row == nil || s.Row.UID == "" || s.State == live.Replaced }

// written is what came of one write.
type written struct {
	after   *unstructured.Unstructured
	created bool
	before  *unstructured.Unstructured // where the object had to be read
	dropped []fields.Leftover          // what went besides what Git says
	refused bool                       // it went because the server refuses Git's fields beside it
}
