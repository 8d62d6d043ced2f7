package reconcile

import (
	"sync"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/app"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/live"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/pass"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/source"
)

// run is one run over all apps of a target. The apps share the poll, the checkout, the records and one list per kind. A pass
// for each app does the rest.
type run struct {
	*Reconciler
	target Target
	opts   pass.Options

	commit     string
	revision   report.Revision
	tip        source.Revision   // the commit, with its message
	lastRange  commitRange       // the range of commits that was read last
	records    *record.Loaded    // nil until they are loaded
	ids        map[string]string // names of the apps of the instance, by ApplySet id
	list       *record.AppList   // as recorded, nil when there is none
	own        bool              // there is no gitops.yaml: the app of the target is a run of one
	apps       []app.App         // of gitops.yaml
	known      bool              // the records say all of apps: each is at the commit, or waits for somebody
	revertOnly bool              // gitops.yaml cannot be used: only drift is reverted
	opening    sync.Mutex
	opened     map[string]opened // by commit
	asked      resolver          // about sources

	passes []*pass.Pass // of all apps; those that left gitops.yaml come last
	groups []*identity
	moves  []move
}

// identity groups the passes that read the cluster with the same rights. They share their lists.
type identity struct {
	*pass.Env
	passes []*pass.Pass
	live   *live.Snapshot
}

// move is a row of one app whose object belongs to another app according to Git.
type move struct {
	from, to *pass.Pass
	key      object.Key
}

// opened is the checkout of a commit, or why there is none.
type opened struct {
	tree *source.Tree
	err  error
}

// commitRange is a range of commits, and the paths for which it is known which commits touch them.
type commitRange struct {
	from, to string
	paths    []string
	commits  []source.Commit
}

// The stages of a run, each with what it does. They share the state in run.
type (
	finding    struct{ *run } // the commit, the records, and the apps
	observing  struct{ *run } // what the cluster holds, once for all apps with the same rights
	deciding   struct{ *run } // what is to be done for each app
	working    struct{ *run } // one app after the other
	concluding struct{ *run } // records what concerns several apps
)

func (r *run) finding() finding { return finding{r} }

func (r *run) observing() observing { return observing{r} }

func (r *run) deciding() deciding { return deciding{r} }

func (r *run) working() working { return working{r} }

func (r *run) concluding() concluding { return concluding{r} }
