package pass

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"os"
	"sync"
	"time"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/app"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/health"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/manifest"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/observe"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/plan"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/apply"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/build"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/execute"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/preflight"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record/store"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/render"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/source"
)

// Env is what the passes of one identity share: clients, and what is remembered from run to run. An identity is the instance
// itself, or a service account that it acts as. A process keeps one Env for each.
type Env struct {
	Cluster *cluster.Client                                                                                    // reads and writes objects, with the rights of the identity
	Records *store.Store                                                                                       // loads and saves records, with the rights of the instance
	Source  source.Source                                                                                      // commits and checkouts
	From    report.Source                                                                                      // names Source in records; Path is set per app
	Tool    string                                                                                             // our version
	Signed  bool                                                                                               // Source shows signed commits only
	Now     func() time.Time                                                                                   // the clock
	Events  func(report.Event)                                                                                 // receives events; may be nil
	Render  func(ctx context.Context, root *os.Root, path string, o render.Options) ([]manifest.Object, error) // renders a directory of the checkout; nil stands for render.Dir

	Home *cluster.Client // reads with the rights of the instance; nil unless Cluster acts as a service account

	// What is remembered from one run to the next.
	Renders   *build.Renders       // results of renders, by app
	contested apply.Contested      // which fields were reverted lately
	rules     health.Cache         // compiled health rules of the apps
	Reader    *observe.Reader      // which lists the API server refuses
	rights    preflight.Rights     // which rights the user has
	refusals  execute.Refusals     // what the API server refused to apply, by app
	messages  preflight.Allowances // what commit messages allow
	identity  preflight.Identity   // which cluster this is
	unowned   sync.Map             // uids of objects with our label that are not ours, and were warned of
	owners    sync.Map             // former owners of objects that are not in the cluster, and were warned of
}

// Settings returns a digest of everything but the commit that shapes what is applied. When it changes, the app is planned anew.
// It covers the settings of the app, the repository, the version of the tool, and variables, which is the version of the
// ConfigMaps and Secrets that variables come from, "" for none.
func (e *Env) Settings(a app.App, variables string) string {
	a.Suspend = false // it shapes nothing
	var substitute any
	if s := a.Substitute; s != nil {
		substitute = []any{s.Vars, variables}
	} else if variables != "" {
		substitute = variables
	}
	raw, err := json.Marshal([]any{a, e.From.Repo, e.Tool, e.Signed, substitute})
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(raw)
	return base64.RawURLEncoding.EncodeToString(sum[:12])
}

// OwnSettings is Settings for an app that flags describe. Its timeout is left out, since a flag sets it for one run only.
func (e *Env) OwnSettings(a app.App) string {
	a.Timeout = 0
	return e.Settings(a, "")
}

// Allowed returns the deletions that the commits since bases allow, up to to; see preflight.Allowances.
func (r *Env) Allowed(ctx context.Context, tip source.Revision, to string, bases ...string) plan.Allowance {
	return r.messages.Of(ctx, r.Source, tip, to, bases...)
}

// instance knows which objects belong to the instance itself.
func (r *Env) instance() preflight.Instance {
	return preflight.Instance{Cluster: r.Cluster, Records: r.Records}
}
