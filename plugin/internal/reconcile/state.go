package reconcile

import (
	"sync"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/app"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/live"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/pass"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/source"
)

// run is one run over all apps of a target. The apps share the poll, the checkout, the list of records and one list
// per kind; what is done to the objects of each is the business of its pass.
type run struct {
	*Reconciler
	target Target
	opts   pass.Options

	commit     string
	revision   report.Revision
	tip        source.Revision // the commit, with its message
	lastRange  commitRange     // that was read last
	records    map[string]*record.Record
	ids        map[string]string // apps of the instance, by ApplySet id
	list       *record.AppList   // as recorded, nil when there is none
	own        bool              // there is no gitops.yaml: the app of the target is a run of one
	apps       []app.App         // of gitops.yaml
	revertOnly bool              // gitops.yaml cannot be used
	opening    sync.Mutex
	opened     map[string]opened // by commit

	passes []*pass.Pass // of all apps, those that left gitops.yaml last
	groups []*identity
	moves  []move
}

// identity is the passes that look at the cluster with the same rights. They share their lists.
type identity struct {
	*pass.Env
	passes []*pass.Pass
	live   *live.Snapshot
}

// move is a row of one app whose object another one holds according to Git.
type move struct {
	from, to *pass.Pass
	key      record.Key
}

// opened is the checkout of a commit, or why there is none.
type opened struct {
	tree *source.Tree
	err  error
}

// commitRange is a range of commits, and the paths that are known to be touched, or not, by each.
type commitRange struct {
	from, to string
	paths    []string
	commits  []source.Commit
}

// The stages of a run, each with what it does. What they share is in run.
type (
	finding    struct{ *run } // the commit, the records, and the apps
	observing  struct{ *run } // what the cluster holds, once for all apps with the same rights
	deciding   struct{ *run } // what is to be done for each app
	working    struct{ *run } // one app after the other
	concluding struct{ *run } // what concerns several apps is recorded
)

func (rd *run) finding() finding { return finding{rd} }

func (rd *run) observing() observing { return observing{rd} }

func (rd *run) deciding() deciding { return deciding{rd} }

func (rd *run) working() working { return working{rd} }

func (rd *run) concluding() concluding { return concluding{rd} }
