package reconcile

import "github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/preflight"

// OwnedError refuses to take objects over from owners that still apply them, or that may.
type OwnedError = preflight.OwnedError
