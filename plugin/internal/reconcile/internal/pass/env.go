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

// Env is what the passes of one identity share: what they read and write with, and what they remember from pass to pass.
type Env struct {
	Cluster *cluster.Client
	Records *store.Store
	Source  source.Source
	From    report.Source
	Tool    string
	Signed  bool
	Now     func() time.Time
	Events  func(report.Event)
	Render  func(ctx context.Context, root *os.Root, path string, o render.Options) ([]manifest.Object, error)

	Home *cluster.Client // with the rights of the instance itself, of one that acts as a service account; else nil

	Memory
}

// Memory is what the passes of one process leave to the later ones.
type Memory struct {
	Renders   *build.Renders
	contested apply.Contested // what was reverted lately
	rules     health.Cache    // of apps
	Reader    *observe.Reader // of the cluster
	rights    preflight.Rights
	refusals  execute.Refusals
	messages  allowances
	identity  preflight.Identity
	unowned   sync.Map // uids of objects with our labels that are not ours, told already
	owners    sync.Map // owners that objects were taken over from and that are not in the cluster, told already
}

// Settings is a digest of everything but the commit that shapes what is applied: when it changes, all is planned anew.
// It covers every field of the app, and the version of what its variables come from, "" when they come from nowhere.
func (r *Env) Settings(a app.App, variables string) string {
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

// OwnSettings is settings for an app that flags describe. Their time budget is that of one run.
func (r *Env) OwnSettings(a app.App) string {
	a.Timeout = 0
	return r.Settings(a, "")
}

// allowances remembers what the messages of the range of commits allow that was asked for last. The zero value is ready to use.
type allowances struct {
	mu   sync.Mutex
	last map[[2]string]plan.Allowance // by the two ends of the range
}
