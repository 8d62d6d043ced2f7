package crossapp

import (
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/app"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/desired"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/live"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
)

// App is what is known of one app before anything is written.
type App struct {
	Name     string
	Set      string // ApplySet id
	Allow    app.Allow
	Record   *record.Record // nil when it could not be loaded, or is another list's
	Live     *live.Snapshot
	Desired  []*desired.Object
	Claims   []object.Key // what Git says that the app holds, as far as that is known
	Failed   bool         // its run has ended with an error
	LeftList bool         // gitops.yaml does not name it any more
	Waits    bool         // for a render that goes on: what it holds is not known yet
	Complete bool         // Claims are all that it holds by Git: other rows of the record left it
}

// known tells whether it is known what the app holds.
func (a App) known() bool {
	return a.Record != nil && (a.LeftList || !a.Failed && !a.Waits)
}

// mayContain tells whether an object could have moved to the app: one that is confined takes nothing over that it may not contain.
func (a App) mayContain(row record.Row) bool {
	why, _ := a.Allow.Refuses(row.Ref)
	return why == ""
}
