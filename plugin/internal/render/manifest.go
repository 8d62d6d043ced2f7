package render

import "github.com/kubectl-gitops/kubectl-gitops/plugin/internal/manifest"

// The words for what a render gives, which this package uses on nearly every line. Others say manifest.
type (
	Origin     = manifest.Origin
	Object     = manifest.Object
	Problem    = manifest.Problem
	Problems   = manifest.Problems
	ObjectRule = manifest.ObjectRule
	Hook       = manifest.Hook
)

// ErrElsewhere is manifest.ErrElsewhere.
var ErrElsewhere = manifest.ErrElsewhere

// DefinedVersions is manifest.DefinedVersions.
var DefinedVersions = manifest.DefinedVersions
