package reconcile

import (
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/app"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/preflight"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/source"
)

// Names of package app that are used here on nearly every line.
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

const (
	ForeignReport  = app.ForeignReport
	ForeignRevert  = app.ForeignRevert
	ForeignKeep    = app.ForeignKeep
	DefaultTimeout = app.DefaultTimeout
)

// DefaultBudget is app.DefaultBudget.
var DefaultBudget = app.DefaultBudget

// OwnedError is preflight.OwnedError.
type OwnedError = preflight.OwnedError
