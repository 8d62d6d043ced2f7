package desired

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/app"
)

// Policy is what the annotations of an object ask a run to do with it. The zero value is the rule without annotations.
type Policy struct {
	Keep       bool // never pruned
	Recreate   bool // deleted and created again when the server refuses a change of it
	Replace    bool // fields that people and earlier tools added are removed when it changes
	CreateOnly bool // created when missing, and not changed after that
	Ignore     bool // neither applied nor pruned
	Yield      bool // a field that another manager owns is a failure, not taken over
	Unchecked  bool // fields that the kind does not have are dropped by the server, not refused
	Patient    bool // while its kind is unknown, it waits for a later run
}

// Names of the annotations that manifests may carry. Those of Argo CD, Flux and Helm that mean the same are understood too.
const (
	Prune          = "kubectl-gitops.dev/prune"
	Recreate       = "kubectl-gitops.dev/recreate"
	Replace        = "kubectl-gitops.dev/replace"
	CreateOnly     = "kubectl-gitops.dev/create-only"
	Ignore         = "kubectl-gitops.dev/ignore"
	Force          = "kubectl-gitops.dev/force-conflicts"
	Wave           = "kubectl-gitops.dev/wave"
	Hook           = "kubectl-gitops.dev/hook"
	HookDelete     = "kubectl-gitops.dev/hook-delete-policy"
	HookRun        = "kubectl-gitops.dev/hook-run"   // on the object of a hook: which run of the hook it belongs to
	HookApp        = "kubectl-gitops.dev/hook-app"   // on the object of a hook: the ApplySet id of its app
	Substitute     = "kubectl-gitops.dev/substitute" // read by package render, which replaces variables
	DependsOn      = "config.kubernetes.io/depends-on"
	ArgoHook       = "argocd.argoproj.io/hook"
	ArgoHookDelete = "argocd.argoproj.io/hook-delete-policy"
	HelmHook       = "helm.sh/hook"
	HelmHookDelete = "helm.sh/hook-delete-policy"
	HelmWeight     = "helm.sh/hook-weight"
	ArgoOptions    = "argocd.argoproj.io/sync-options"
	ArgoCompare    = "argocd.argoproj.io/compare-options"
	ArgoWave       = "argocd.argoproj.io/sync-wave"
	FluxPrune      = "kustomize.toolkit.fluxcd.io/prune"
	FluxForce      = "kustomize.toolkit.fluxcd.io/force"
	FluxApply      = "kustomize.toolkit.fluxcd.io/ssa"
	FluxReconcile  = "kustomize.toolkit.fluxcd.io/reconcile"
	FluxSubstitute = "kustomize.toolkit.fluxcd.io/substitute"
	HelmPolicy     = "helm.sh/resource-policy"
)

// understood is one annotation that manifests may carry.
type understood struct {
	name   string
	list   bool // a comma-separated list of values
	number bool // the value is a whole number
	free   bool // the value is checked where it is used
	values []meaning
}

// meaning is one value of an annotation, or of several that mean the same. A nil set changes nothing: the value is
// the default, or asks for what happens anyway.
type meaning struct {
	values []string
	text   string // for docs/annotations.md
	set    func(*Policy)
}

// annotations lists what is understood, others' first: ours have the last word. docs/annotations.md is generated from
// it. Values are compared without regard to case, as Flux does.
var annotations = []understood{
	{name: HelmPolicy, values: []meaning{
		{[]string{"keep"}, "never pruned", func(p *Policy) { p.Keep = true }},
	}},
	{name: HelmHook, list: true, free: true, values: []meaning{
		{[]string{"pre-install"}, "runs before anything is applied, in the first run of the app", nil},
		{[]string{"pre-upgrade"}, "runs before anything is applied, in each later run in which manifests of the app changed", nil},
		{[]string{"post-install", "post-upgrade"}, "as pre-install and pre-upgrade, but after all objects are applied and healthy", nil},
		{[]string{"pre-delete"}, "runs when the app is removed, before any of its objects is deleted", nil},
		{[]string{"post-delete"}, "runs when the app is removed, after all its objects are deleted", nil},
		{[]string{"test"}, "with helm.tests: true of its app, runs when the post-install or post-upgrade hooks have succeeded; otherwise it never runs. It is not applied", nil},
		{[]string{"pre-rollback", "post-rollback"}, "never runs, and is not applied", nil},
	}},
	{name: HelmHookDelete, list: true, values: []meaning{
		{[]string{"before-hook-creation", "hook-succeeded", "hook-failed"}, "as kubectl-gitops.dev/hook-delete-policy", nil},
	}},
	{name: HelmWeight, number: true, values: []meaning{{nil, "the wave of a hook", nil}}},
	{name: FluxPrune, values: []meaning{
		{[]string{"disabled"}, "never pruned", func(p *Policy) { p.Keep = true }},
		{[]string{"enabled"}, "the default", nil},
	}},
	{name: FluxForce, values: []meaning{
		{[]string{"enabled"}, "a run deletes the object and creates it again when the API server refuses a change of it, but would accept a new one", func(p *Policy) { p.Recreate = true }},
		{[]string{"disabled"}, "the default", nil},
	}},
	{name: FluxApply, values: []meaning{
		{[]string{"Override", "Merge"}, "the default: a run applies the fields in Git, and leaves other fields as they are", nil},
		{[]string{"IfNotPresent"}, "created when missing, and not changed after that", func(p *Policy) { p.CreateOnly = true }},
		{[]string{"Ignore"}, "neither applied nor pruned", func(p *Policy) { p.Ignore = true }},
	}},
	{name: FluxReconcile, values: []meaning{
		{[]string{"disabled"}, "neither applied nor pruned", func(p *Policy) { p.Ignore = true }},
		{[]string{"enabled"}, "the default", nil},
	}},
	{name: FluxSubstitute, values: []meaning{
		{[]string{"disabled"}, "a run does not replace ${NAME} in the object", nil},
		{[]string{"enabled"}, "the default", nil},
	}},
	{name: ArgoHook, list: true, free: true, values: []meaning{
		{[]string{"PreSync", "Sync", "PostSync", "SyncFail", "Skip", "PreDelete", "PostDelete"}, "as kubectl-gitops.dev/hook", nil},
	}},
	{name: ArgoHookDelete, list: true, values: []meaning{
		{[]string{"BeforeHookCreation", "HookSucceeded", "HookFailed"}, "as kubectl-gitops.dev/hook-delete-policy", nil},
	}},
	{name: ArgoWave, number: true, values: []meaning{{nil, "as kubectl-gitops.dev/wave", nil}}},
	{name: ArgoOptions, list: true, values: []meaning{
		{[]string{"Prune=false", "Prune=confirm", "Delete=false", "Delete=confirm"}, "never pruned: nobody can confirm a deletion",
			func(p *Policy) { p.Keep = true }},
		{[]string{"Replace=true"}, "when the object changes, a run also removes the fields that people and earlier tools added; fields of controllers, autoscalers and ignore rules stay. With Force=true, the run deletes the object and creates it again, a volume or a claim only when a change is refused",
			func(p *Policy) { p.Replace = true }},
		{[]string{"Force=true"}, "a run deletes the object and creates it again when the API server refuses a change of it, but would accept a new one", func(p *Policy) { p.Recreate = true }},
		{[]string{"Validate=false"}, "the API server drops fields that the kind does not have, instead of refusing the object",
			func(p *Policy) { p.Unchecked = true }},
		{[]string{"SkipDryRunOnMissingResource=true"}, "while the cluster does not know the kind of the object, the object waits for a later run",
			func(p *Policy) { p.Patient = true }},
		{[]string{"ServerSideApply=true", "ServerSideApply=false", "ApplyOutOfSyncOnly=true", "ApplyOutOfSyncOnly=false",
			"CreateNamespace=true", "CreateNamespace=false", "PruneLast=true", "PruneLast=false", "RespectIgnoreDifferences=true",
			"RespectIgnoreDifferences=false", "FailOnSharedResource=true", "FailOnSharedResource=false",
			"ClientSideApplyMigration=true", "ClientSideApplyMigration=false", "PrunePropagationPolicy=background",
			"PrunePropagationPolicy=foreground", "PrunePropagationPolicy=orphan"},
			"no effect: a run always applies server-side, changes only objects that differ, prunes last and refuses objects of other apps; settings of the app decide the rest", nil},
		{[]string{"Prune=true", "Delete=true", "Replace=false", "Force=false", "Validate=true", "SkipDryRunOnMissingResource=false"},
			"the default", nil},
	}},
	{name: ArgoCompare, list: true, values: []meaning{
		{[]string{"IgnoreExtraneous", "IgnoreResourceUpdates=true", "IgnoreResourceUpdates=false", "ServerSideDiff=true",
			"ServerSideDiff=false", "IncludeMutationWebhook=true", "IncludeMutationWebhook=false"},
			"no effect: a run compares only fields that Git sets, with the values that the server stored", nil},
	}},
	{name: Prune, values: []meaning{
		{[]string{"disabled"}, "never pruned", func(p *Policy) { p.Keep = true }},
		{[]string{"enabled"}, "the default", func(p *Policy) { p.Keep = false }},
	}},
	{name: Recreate, values: []meaning{
		{[]string{"enabled"}, "a run deletes the object and creates it again when the API server refuses a change of it, but would accept a new one", func(p *Policy) { p.Recreate = true }},
		{[]string{"disabled"}, "the default", func(p *Policy) { p.Recreate = false }},
	}},
	{name: Replace, values: []meaning{
		{[]string{"enabled"}, "when the object changes, a run also removes the fields that people and earlier tools added; fields of controllers, autoscalers and ignore rules stay. With recreate, the run deletes the object and creates it again, a volume or a claim only when a change is refused",
			func(p *Policy) { p.Replace = true }},
		{[]string{"disabled"}, "the default", func(p *Policy) { p.Replace = false }},
	}},
	{name: CreateOnly, values: []meaning{
		{[]string{"enabled"}, "created when missing, and not changed after that: a change of it is no drift", func(p *Policy) { p.CreateOnly = true }},
		{[]string{"disabled"}, "the default", func(p *Policy) { p.CreateOnly = false }},
	}},
	{name: Ignore, values: []meaning{
		{[]string{"enabled"}, "neither applied nor pruned", func(p *Policy) { p.Ignore = true }},
		{[]string{"disabled"}, "the default", func(p *Policy) { p.Ignore = false }},
	}},
	{name: Substitute, values: []meaning{
		{[]string{"disabled"}, "a run does not replace ${NAME} in the object", nil},
		{[]string{"enabled"}, "the default", nil},
	}},
	{name: DependsOn, list: true, free: true, values: []meaning{
		{[]string{"group/namespaces/NAMESPACE/Kind/NAME", "group/Kind/NAME"}, "applied when that object of the same app is healthy; pruned before that object", nil},
	}},
	{name: Force, values: []meaning{
		{[]string{"disabled"}, "a field that another field manager owns makes the object fail; a run does not take the field over",
			func(p *Policy) { p.Yield = true }},
		{[]string{"enabled"}, "the default", func(p *Policy) { p.Yield = false }},
	}},
	{name: Hook, list: true, free: true, values: []meaning{
		{[]string{"PreSync"}, "runs when manifests of the app changed; the run waits for it before it applies anything", nil},
		{[]string{"Sync"}, "runs with the objects of its wave", nil},
		{[]string{"PostSync"}, "runs when all objects are applied and healthy", nil},
		{[]string{"SyncFail"}, "runs when one of these hooks or an object failed", nil},
		{[]string{"PreDelete"}, "runs when the app is removed; the run waits for it before it deletes any object of the app", nil},
		{[]string{"PostDelete"}, "runs when the app is removed, after all its objects are deleted", nil},
		{[]string{"Skip"}, "never runs, and is not applied", nil},
	}},
	{name: HookDelete, list: true, values: []meaning{
		{[]string{"BeforeHookCreation"}, "the default: the object of a hook stays until the hook runs again, or until the app is removed", nil},
		{[]string{"HookSucceeded", "HookFailed"}, "the object of the hook is deleted when the phase of the hook is over", nil},
	}},
	{name: Wave, number: true, values: []meaning{{nil, "applied when the objects of all lower waves are healthy; without the annotation, the wave is 0", nil}}},
}

// AnnotationValue is one line of docs/annotations.md: values of an annotation, and what they ask for.
type AnnotationValue struct{ Name, Values, Meaning string }

// AnnotationValues lists what annotations of manifests can say.
func AnnotationValues() []AnnotationValue {
	var out []AnnotationValue
	for _, a := range annotations {
		for _, m := range a.values {
			v := AnnotationValue{a.name, "a whole number", m.text}
			switch {
			case len(m.values) > 0:
				v.Values = "`" + strings.Join(m.values, "`, `") + "`"
			case !a.number:
				v.Values = "a list"
			}
			out = append(out, v)
		}
	}
	return out
}

// PolicyOf reads the policy from the annotations of an object.
func PolicyOf(set map[string]string) Policy { return Policy{}.with(set) }

// PolicyIn is PolicyOf for an object of an app whose settings may ask for the same: the annotations win.
func PolicyIn(a app.App, set map[string]string) Policy {
	return Policy{Recreate: a.Recreate}.with(set)
}

// with returns the policy with what annotations ask for.
func (p Policy) with(set map[string]string) Policy {
	if len(set) == 0 {
		return p
	}
	for _, a := range annotations {
		text, ok := set[a.name]
		if !ok || a.number || a.free {
			continue
		}
		for _, value := range a.split(text) {
			if m := a.meaning(value); m != nil && m.set != nil {
				m.set(&p)
			}
		}
	}
	return p
}

func (a understood) split(text string) []string {
	if !a.list {
		return []string{strings.TrimSpace(text)}
	}
	var out []string
	for value := range strings.SplitSeq(text, ",") {
		if value = strings.TrimSpace(value); value != "" {
			out = append(out, value)
		}
	}
	return out
}

func (a understood) meaning(value string) *meaning {
	for i, m := range a.values {
		if slices.ContainsFunc(m.values, func(v string) bool { return strings.EqualFold(v, value) }) {
			return &a.values[i]
		}
	}
	return nil
}

// ownPrefix begins the annotations that are ours: what we do not know there is a typing error.
const ownPrefix = "kubectl-gitops.dev/"

// Misunderstood returns warnings, sorted, about annotations of an object that mean nothing here.
func Misunderstood(set map[string]string) []string {
	var out []string
	warn := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	for _, a := range annotations {
		text, ok := set[a.name]
		if !ok || a.free {
			continue
		}
		if a.number {
			if _, err := strconv.Atoi(text); err != nil {
				warn("annotation %s: %q is not a whole number, it counts as 0", a.name, text)
			}
			continue
		}
		for _, value := range a.split(text) {
			if a.meaning(value) == nil {
				warn("annotation %s: %q means nothing here; %s", a.name, value, a.choices())
			}
		}
	}
	for name := range set {
		if strings.HasPrefix(name, ownPrefix) && !slices.ContainsFunc(annotations, func(a understood) bool { return a.name == name }) {
			warn("annotation %s is not known", name)
		}
	}
	slices.Sort(out)
	return out
}

func (a understood) choices() string {
	var all []string
	for _, m := range a.values {
		all = append(all, m.values...)
	}
	return "understood: " + strings.Join(all, ", ")
}

// HookOf returns the annotation that makes an object a hook, and what it says: ours wins over Argo CD's, and that over
// Helm's. ok is false for an object that is applied. Helm 2 had CRDs installed by a hook: they are objects.
func HookOf(set map[string]string) (name, text string, ok bool) {
	for _, name = range []string{Hook, ArgoHook, HelmHook} {
		if text, ok = set[name]; ok {
			return name, text, HookWord(text) != "crdinstall"
		}
	}
	return "", "", false
}

// HookWord returns one word of a hook annotation in lower case, without dashes and surrounding spaces: "pre-install" becomes
// "preinstall".
func HookWord(text string) string {
	return strings.ToLower(strings.ReplaceAll(strings.TrimSpace(text), "-", ""))
}
