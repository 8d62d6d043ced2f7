package reconcile

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
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/apply"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/build"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/execute"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/preflight"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record/store"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/render"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/source"
)

// env is what the passes of one identity share: what they read and write with, and what they remember from pass to pass.
type env struct {
	Cluster *cluster.Client
	Records *store.Store
	Source  source.Source
	From    report.Source
	Tool    string
	Signed  bool
	Now     func() time.Time
	Events  func(report.Event)
	Render  func(ctx context.Context, root *os.Root, path string, o render.Options) ([]manifest.Object, error)

	home *cluster.Client // with the rights of the instance itself, of one that acts as a service account; else nil

	memory
}

// memory is what the passes of one process leave to the later ones.
type memory struct {
	renders   *build.Renders
	contested apply.Contested // what was reverted lately
	rules     health.Cache    // of apps
	reader    *observe.Reader // of the cluster
	rights    preflight.Rights
	refusals  execute.Refusals
	messages  allowances
	identity  preflight.Identity
	unowned   sync.Map // uids of objects with our labels that are not ours, told already
	owners    sync.Map // owners that objects were taken over from and that are not in the cluster, told already
}

// settings is a digest of everything but the commit that shapes what is applied: when it changes, all is planned anew.
// It covers every field of the app, and the version of what its variables come from, "" when they come from nowhere.
func (r *env) settings(a app.App, variables string) string {
	var substitute any
	if s := a.Substitute; s != nil {
		substitute = []any{s.Vars, variables}
	}
	raw, err := json.Marshal([]any{a, r.From.Repo, r.Tool, r.Signed, substitute})
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(raw)
	return base64.RawURLEncoding.EncodeToString(sum[:12])
}

// ownSettings is settings for an app that flags describe. Their time budget is that of one run.
func (r *env) ownSettings(a app.App) string {
	a.Timeout = 0
	return r.settings(a, "")
}
