package render

import "github.com/kubectl-gitops/kubectl-gitops/plugin/internal/manifest"

// Names of package manifest that this package uses on nearly every line. Other packages use manifest.
type (
	// Origin is manifest.Origin: the file and line of an object.
	Origin = manifest.Origin
	// Object is manifest.Object: a rendered object.
	Object = manifest.Object
	// Problem is manifest.Problem: why a file is refused.
	Problem = manifest.Problem
	// Problems is manifest.Problems: all reasons why a directory is refused.
	Problems = manifest.Problems
	// ObjectRule is manifest.ObjectRule: which objects a setting is about.
	ObjectRule = manifest.ObjectRule
	// Hook is manifest.Hook: when an object of a chart is created.
	Hook = manifest.Hook
)

// ErrElsewhere is manifest.ErrElsewhere: the cause of a problem lies outside the files.
var ErrElsewhere = manifest.ErrElsewhere

// DefinedVersions is manifest.DefinedVersions: the API versions and kinds that CRDs among objects define.
var DefinedVersions = manifest.DefinedVersions
