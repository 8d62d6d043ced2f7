// Package app says what an app is: its settings, what it may contain, and how much of it one run may delete.
//
// It does NOT know where apps are defined, nor how they are run.
package app

import (
	"cmp"
	"fmt"
	"slices"
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

	Content
	Treatment
}

// Content is what an app consists of besides, or instead of, the directory Path.
type Content struct {
	Chart     *Chart     `json:",omitempty"` // a chart from elsewhere; then Path is empty
	Source    *Source    `json:",omitempty"` // where Path is; nil for the repository of the instance
	Sources   []Part     `json:",omitempty"` // instead of Path, Chart, Source and Helm: several parts, rendered into one app
	Kustomize *Kustomize `json:",omitempty"` // an overlay over all that was rendered
}

// Treatment is how an app is treated other than most: its zero value applies each commit, waits for all objects, and reverts drift.
type Treatment struct {
	Wait          *Wait `json:",omitempty"` // what the app waits for; nil for all its objects
	Manual        bool  `json:",omitempty"` // only a person's reconcile applies it
	ReportDrift   bool  `json:",omitempty"` // drift is reported, and not reverted
	KeepOnRemoval bool  `json:",omitempty"` // its objects stay when the app leaves the list
	Recreate      bool  `json:",omitempty"` // objects with changed immutable fields are deleted and created anew
	Suspend       bool  `json:",omitempty"` // it is left alone
}

// Place is where the objects of the app come from, for messages: its directory, its chart, or its sources.
func (a App) Place() string {
	switch {
	case a.Chart != nil:
		return "chart " + a.Chart.Name
	case len(a.Sources) > 0:
		return fmt.Sprintf("%d sources", len(a.Sources))
	case a.Source != nil:
		return a.Path + " of " + cmp.Or(a.Source.Git, a.Source.OCI)
	}
	return a.Path
}

// Trees lists the sources of the app, those of its parts as well, each once.
func (a App) Trees() []Source {
	var all []Source
	add := func(s *Source) {
		if s == nil {
			return
		}
		bare := *s
		bare.Origin = manifest.Origin{}
		if !slices.Contains(all, bare) {
			all = append(all, bare)
		}
	}
	add(a.Source)
	for _, p := range a.Sources {
		add(p.Source)
	}
	return all
}

// RunsTests reports whether test hooks of a chart of the app run.
func (a App) RunsTests() bool {
	return a.Helm.Tests || slices.ContainsFunc(a.Sources, func(p Part) bool { return p.Helm.Tests })
}

// Directories lists the directories of the repository of the instance that the app is rendered from. They may be given twice.
func (a App) Directories() []string {
	var all []string
	if a.Path != "" && a.Source == nil {
		all = append(all, a.Path)
	}
	for _, p := range a.Sources {
		if p.Path != "" && p.Source == nil {
			all = append(all, p.Path)
		}
	}
	return all
}

// Helm are the settings of a chart.
type Helm struct {
	Release    string         // the name of the app when empty
	Values     []string       // files from the directory of the chart, later ones win
	Set        map[string]any // strings, booleans and whole numbers by path: "image.tag"
	Inline     *Inline        `json:",omitempty"` // values over those of the files
	ValuesFrom []ValuesFrom   `json:",omitempty"` // values from ConfigMaps and Secrets, later ones win
	CRDs       string         `json:",omitempty"` // CRDsCreate, CRDsSkip; "" replaces
	Generated  bool           `json:",omitempty"` // generated: keep: values that each render makes up anew are kept from the live objects
	Tests      bool           `json:",omitempty"` // test hooks run after a change
}

// ReadsCluster reports whether ConfigMaps and Secrets of the cluster decide what the app renders to.
func (a App) ReadsCluster() bool {
	return a.Substitute != nil && len(a.Substitute.From) > 0 || len(a.Helm.ValuesFrom) > 0
}

// NamesInCluster returns the ConfigMaps and Secrets that must give values, each once, as "Secret/name": without the optional ones.
func (h Helm) NamesInCluster() []string {
	var names []string
	for _, v := range h.ValuesFrom {
		if name := v.Kind + "/" + v.Name; !v.Optional && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// What becomes of the files in crds/ of a chart. The default applies them as all others.
const (
	CRDsCreate = "create" // applied while they are missing, and never changed
	CRDsSkip   = "skip"   // left out
)

// Inline is a mapping of values as YAML, and where it is written.
type Inline struct {
	YAML   string
	Origin manifest.Origin `json:"-"`
}

// ValuesFrom takes values from a ConfigMap or Secret: the YAML text at Key, or with TargetPath one value for that path, which wins
// over Inline.
type ValuesFrom struct {
	Kind, Name      string
	Key, TargetPath string
	Optional        bool
	Origin          manifest.Origin `json:"-"`
}

// Chart names a chart elsewhere: Repo is the URL of a repository (https) or the part of an OCI address before the name (oci). Version is exact or
// a range. Secret names the Secret with credentials, "" for those of the instance.
type Chart struct {
	Repo, Name, Version string
	Secret              string          `json:",omitempty"`
	Origin              manifest.Origin `json:"-"` // where it is written
}

// Source is a tree of files elsewhere: either Git or OCI is its address. Ref is a branch, tag, commit, digest or range of
// versions, Layer the media type of the layer of an OCI artifact, Secret the name of the Secret with credentials.
type Source struct {
	Git, OCI           string
	Ref, Layer, Secret string          `json:",omitempty"`
	Origin             manifest.Origin `json:"-"` // where it is written
}

// Part is one of several places an app's objects come from. As is the name with which values files of other parts refer to its
// files: $as/path. A part with neither Path nor Chart renders nothing.
type Part struct {
	As     string  `json:",omitempty"`
	Source *Source `json:",omitempty"` // nil for the repository of the instance
	Path   string  `json:",omitempty"`
	Chart  *Chart  `json:",omitempty"`
	Helm   Helm
	Origin manifest.Origin `json:"-"` // where it is written
}

// Kustomize is an overlay over rendered objects. Files are named from the root of the repository. Labels and Annotations are set on the
// objects themselves alone.
type Kustomize struct {
	Namespace, NamePrefix, NameSuffix string            `json:",omitempty"`
	Images                            []Image           `json:",omitempty"`
	Patches                           []Patch           `json:",omitempty"`
	Components                        []string          `json:",omitempty"`
	Labels, Annotations               map[string]string `json:",omitempty"`
	Replicas                          []Replicas        `json:",omitempty"`

	// Origins says where its parts are written, by the names of render.Overlay.
	Origins map[string]manifest.Origin `json:"-"`
}

// Image replaces parts of an image's reference, as in a kustomization.
type Image struct {
	Name, NewName, NewTag, Digest string
}

// Patch is a strategic merge or JSON patch, as text or as the Path of a file. An empty Target takes the object that the patch itself names.
type Patch struct {
	Patch, Path string
	Target      PatchTarget
}

// PatchTarget selects objects as in a kustomization: all but the selectors are regular expressions.
type PatchTarget struct {
	Group, Version, Kind, Name, Namespace, LabelSelector, AnnotationSelector string
}

// Replicas sets the number of replicas of the workloads of one name.
type Replicas struct {
	Name  string
	Count int
}

// Wait says what an app waits for after it was applied: nothing when Objects is empty, otherwise these.
type Wait struct{ Objects []WaitFor }

// WaitFor names one object.
type WaitFor struct{ Group, Kind, Namespace, Name string }

// Substitute replaces ${NAME} in the manifests.
type Substitute struct {
	Vars    map[string]any   // strings, booleans and whole numbers; wins over From
	From    []SubstituteFrom // later ones win
	Dialect string           `json:",omitempty"` // DialectFlux, "" for the strict one
	Always  bool             `json:",omitempty"` // of DialectFlux: replace defaults and escapes even if there are no variables
}

// DialectFlux replaces text as Flux' postBuild does.
const DialectFlux = "flux"

// SubstituteFrom names a ConfigMap or Secret in the namespace of the instance. Plain names the values of a Secret that are none
// to hide; * and ? stand for any characters and for one.
type SubstituteFrom struct {
	Kind, Name string
	Plain      []string `json:",omitempty"`
	Optional   bool     `json:",omitempty"` // it may be missing
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
