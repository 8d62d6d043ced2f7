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

// Bounds on parallel work.
const (
	// AtOnce is how many objects are written in parallel.
	AtOnce = 16
	// UnrecordedAtOnce is how many objects are held in memory between their write and their row in the record.
	UnrecordedAtOnce = 64
	// fieldKeeper is the field manager that owns fields which we stop sending, so that the server does not remove them.
	fieldKeeper = "gitops-keeper"
)

// Applier writes objects of one app. Several goroutines may write different objects; Result is for one goroutine at a time.
type Applier struct {
	Client    *cluster.Client   // sends the requests, with the rights of the app
	Now       func() time.Time  // the clock
	Say       *tell.Teller      // masks secret values, and receives remarks
	Wait      *wait.Waiter      // deletes an object and waits until it is gone
	Contested *Contested        // what was reverted lately, shared by the runs of a process
	Set       string            // ApplySet id of the app
	Foreign   app.ForeignFields // whether fields that other people added are reported, reverted or kept
	DryRun    bool              // the API server is asked and stores nothing
	Record    *record.Record    // read for its secret, with which digests of fields are made
	Promised  plan.Promised     // what the plan will create before an object is applied
	Shared    *SharedValues     // generated values of other objects; nil for none

	// Unchanged fails when somebody else has saved the record since it was loaded.
	Unchanged func(ctx context.Context) error
	// Absent reports whether the API server does not serve a kind.
	Absent func(cluster.Kind) bool
	// Text returns the text of a file of the commit, nil where it cannot be read.
	Text func(manifest.Origin) []byte
	// MayRecreate checks the deletion budget for a recreation that was not planned.
	MayRecreate func(ctx context.Context, s *plan.Step) error
	// IsCredentials reports whether the instance takes its credentials from an object.
	IsCredentials func(ctx context.Context, ref cluster.Ref) (bool, error)
	// MadeNamespace reports whether an earlier run created a Namespace for this app, before the app itself contained it.
	MadeNamespace func(u *unstructured.Unstructured) bool
}

// Outcome is the result of applying one object: skipped, failed, or the object after it.
type Outcome struct {
	After   *unstructured.Unstructured // the object as the server stored it, or would
	Before  *unstructured.Unstructured // the object before the write; nil when it did not exist or was not read
	Created bool                       // the object did not exist, or was recreated
	Skipped string                     // why nothing was sent
	from    string                     // who made the object that existed before, as text
	Former  []owners.Claim             // tools that the object belonged to
	ahead   string                     // which app before this one defines the kind, when the server does not serve it yet
	gone    []fields.Difference        // fields of others that were removed because the settings revert them
	dropped []fields.Leftover          // fields of others that were removed to apply Git's fields
	refused bool                       // dropped was removed because the server refuses Git's fields beside it
	Left    bool                       // it is create-only and exists: nothing was sent
	Anew    string                     // why it was deleted and recreated, "" when it was not
	Err     error                      // why it was not applied; Applier.Explain words it
	Sent    *plan.Step                 // what was sent, when it is not the step: with other generated values
}

func uidOf(u *unstructured.Unstructured) types.UID {
	if u == nil {
		return ""
	}
	return u.GetUID()
}

// firstTime reports whether we never applied the live object, if there is one.
func firstTime(s *plan.Step) bool { return s.Row == nil || s.Row.UID == "" || s.State == live.Replaced }

// written is the result of one write.
type written struct {
	after   *unstructured.Unstructured
	created bool
	before  *unstructured.Unstructured // the object before, where it had to be read
	dropped []fields.Leftover          // fields of others that were removed
	refused bool                       // they were removed because the server refuses Git's fields beside them
}
