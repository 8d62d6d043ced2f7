package reconcile

import (
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/app"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/preflight"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/source"
)

// Types of packages app and source, which nearly every caller needs.
type (
	App            = app.App
	Substitute     = app.Substitute
	SubstituteFrom = app.SubstituteFrom
	Ignore         = app.Ignore
	ForeignFields  = app.ForeignFields
	HealthRule     = app.HealthRule
	Allow          = app.Allow
	Budget         = app.Budget
	Helm           = app.Helm
	ObjectRule     = app.ObjectRule
	Source         = source.Source
	Tree           = source.Tree
)

// Constants of package app.
const (
	ForeignReport  = app.ForeignReport
	ForeignRevert  = app.ForeignRevert
	ForeignKeep    = app.ForeignKeep
	DefaultTimeout = app.DefaultTimeout
)

// DefaultBudget is app.DefaultBudget.
var DefaultBudget = app.DefaultBudget

// OwnedError is preflight.OwnedError: another tool still applies objects that the run would take over.
type OwnedError = preflight.OwnedError
