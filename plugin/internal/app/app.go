// Package app says what an app is: its settings, what it may contain, and how much of it one run may delete.
//
// It does NOT know where apps are defined, nor how they are run.
package app

import (
	"time"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/health"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/manifest"
)

// App is one named set of objects from one directory, and how to treat it. The flags of one app or an entry of
// gitops.yaml fill it.
type App struct {
	Name              string        // DNS label, unique in the instance
	Path              string        // from the repository root
	Namespace         string        // for namespaced objects that name none; created when missing
	DependsOn         []string      // apps that must be applied and healthy before this one is applied
	Timeout           time.Duration // budget to apply and become healthy
	KeepRemoved       bool          // prune: false
	AllowPlainSecrets bool
	Budget            Budget
	ServiceAccount    string // impersonated for everything this app does, in the namespace of the instance
	Ignore            []Ignore
	ForeignFields     ForeignFields
	Health            []HealthRule
	Allow             Allow
	Helm              Helm
	Substitute        *Substitute  // nil leaves ${NAME} as it is
	AgeKeys           []string     `json:",omitempty"` // names of the keys of SOPS that it may use; see App.Keys
	AllowSealedValues []ObjectRule `json:",omitempty"` // objects besides Secrets in which values of encrypted files and Secrets may stand
	Layout            string       `json:",omitempty"` // how a directory without a kustomization is read; see render.Options
}

// Helm are the settings of a chart in the app's directory.
type Helm struct {
	Release string         // the name of the app when empty
	Values  []string       // files from the directory of the chart, later ones win
	Set     map[string]any // strings, booleans and whole numbers by path: "image.tag"
}

// Substitute replaces ${NAME} in the manifests.
type Substitute struct {
	Vars map[string]any   // strings, booleans and whole numbers; wins over From
	From []SubstituteFrom // later ones win
}

// SubstituteFrom names a ConfigMap or Secret in the namespace of the instance. Plain names the values of a Secret that are none
// to hide; * and ? stand for any characters and for one.
type SubstituteFrom struct {
	Kind, Name string
	Plain      []string `json:",omitempty"`
}

// ObjectRule names objects by group, kind and name.
type ObjectRule = manifest.ObjectRule

// Ignore leaves fields to others: they are neither applied nor drift. An empty selector matches everything.
type Ignore struct {
	Group, Kind, Namespace, Name string
	Labels                       map[string]string
	Paths                        []string // JSON pointers, "*" stands for one element
	Managers                     []string // whatever these managers own
}

// ForeignFields says what happens to fields that others added to objects of the app.
type ForeignFields string

// What happens to such fields: they are reported, removed, or kept silently. "" is ForeignReport.
const (
	ForeignReport ForeignFields = "report"
	ForeignRevert ForeignFields = "revert"
	ForeignKeep   ForeignFields = "keep"
)

// HealthRule says in CEL how objects of a kind are doing.
type HealthRule = health.Rule

// Allow confines an app to namespaces and kinds ("Kind" or "Kind.group"). Empty allows all.
type Allow struct{ Namespaces, Kinds []string }

// Budget bounds how many objects one run may prune of an app: at most Count, and at most Percent of its objects. Up to Free
// deletions are always within Percent, so that a small app can lose an object.
type Budget struct{ Count, Percent, Free int }

// DefaultBudget is used by apps that set none.
var DefaultBudget = Budget{Count: 20, Percent: 30, Free: 5}

// DefaultTimeout is the budget of apps that set none.
const DefaultTimeout = 5 * time.Minute
