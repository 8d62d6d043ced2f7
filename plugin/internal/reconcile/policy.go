package reconcile

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/render"
)

// policy is how the annotations of an object ask to treat it. The zero value is the rule without annotations.
type policy struct {
	keep       bool // never pruned
	recreate   bool // deleted and created anew when the server refuses a change of it
	replace    bool // what people and former tools added goes when it changes
	createOnly bool // created when missing, then left alone
	ignore     bool // neither applied nor pruned
	yield      bool // a field that another manager owns is a failure, not taken over
	unchecked  bool // fields that the kind does not have are dropped by the server, not refused
	patient    bool // its kind may be unknown yet: it is left to a later pass then
}

// Annotations that manifests may carry. Those of Argo CD, Flux and Helm that mean the same are understood too.
const (
	annotationPrune      = "kubectl-gitops.dev/prune"
	annotationRecreate   = "kubectl-gitops.dev/recreate"
	annotationReplace    = "kubectl-gitops.dev/replace"
	annotationCreateOnly = "kubectl-gitops.dev/create-only"
	annotationIgnore     = "kubectl-gitops.dev/ignore"
	annotationForce      = "kubectl-gitops.dev/force-conflicts"
	annotationWave       = "kubectl-gitops.dev/wave"
	annotationHook       = "kubectl-gitops.dev/hook"
	annotationHookDelete = "kubectl-gitops.dev/hook-delete-policy"
	annotationHookRun    = "kubectl-gitops.dev/hook-run" // on the object of a hook: tells one run from others
	dependsOn            = "config.kubernetes.io/depends-on"
	argoHook             = "argocd.argoproj.io/hook"
	argoHookDelete       = "argocd.argoproj.io/hook-delete-policy"
	helmHook             = "helm.sh/hook"
	helmHookDelete       = "helm.sh/hook-delete-policy"
	helmWeight           = "helm.sh/hook-weight"
	argoOptions          = "argocd.argoproj.io/sync-options"
	argoCompare          = "argocd.argoproj.io/compare-options"
	argoWave             = "argocd.argoproj.io/sync-wave"
	fluxPrune            = "kustomize.toolkit.fluxcd.io/prune"
	fluxForce            = "kustomize.toolkit.fluxcd.io/force"
	fluxApply            = "kustomize.toolkit.fluxcd.io/ssa"
	fluxReconcile        = "kustomize.toolkit.fluxcd.io/reconcile"
	helmPolicy           = "helm.sh/resource-policy"
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
	set    func(*policy)
}

// annotations lists what is understood, others' first: ours have the last word. docs/annotations.md is generated from
// it. Values are compared without regard to case, as Flux does.
var annotations = []understood{
	{name: helmPolicy, values: []meaning{
		{[]string{"keep"}, "never pruned", func(p *policy) { p.keep = true }},
	}},
	{name: helmHook, list: true, free: true, values: []meaning{
		{[]string{"pre-install"}, "run before anything is applied, the first time", nil},
		{[]string{"pre-upgrade"}, "run before anything is applied, every later time that manifests changed", nil},
		{[]string{"post-install", "post-upgrade"}, "the same, when all is healthy", nil},
		{[]string{"pre-delete"}, "run when the app is removed, before anything of it is deleted", nil},
		{[]string{"post-delete"}, "run when all of it is deleted", nil},
		{[]string{"pre-rollback", "post-rollback", "test"}, "never run, and not applied", nil},
	}},
	{name: helmHookDelete, list: true, values: []meaning{
		{[]string{"before-hook-creation", "hook-succeeded", "hook-failed"}, "as kubectl-gitops.dev/hook-delete-policy", nil},
	}},
	{name: helmWeight, number: true, values: []meaning{{nil, "the wave of a hook", nil}}},
	{name: fluxPrune, values: []meaning{
		{[]string{"disabled"}, "never pruned", func(p *policy) { p.keep = true }},
		{[]string{"enabled"}, "the default", nil},
	}},
	{name: fluxForce, values: []meaning{
		{[]string{"enabled"}, "deleted and created anew when the API server refuses a change of it, and would create it", func(p *policy) { p.recreate = true }},
		{[]string{"disabled"}, "the default", nil},
	}},
	{name: fluxApply, values: []meaning{
		{[]string{"Override", "Merge"}, "the default: fields in Git are ours, others are left alone", nil},
		{[]string{"IfNotPresent"}, "created when missing, then left alone", func(p *policy) { p.createOnly = true }},
		{[]string{"Ignore"}, "neither applied nor pruned", func(p *policy) { p.ignore = true }},
	}},
	{name: fluxReconcile, values: []meaning{
		{[]string{"disabled"}, "neither applied nor pruned", func(p *policy) { p.ignore = true }},
		{[]string{"enabled"}, "the default", nil},
	}},
	{name: argoHook, list: true, free: true, values: []meaning{
		{[]string{"PreSync", "Sync", "PostSync", "SyncFail", "Skip", "PreDelete", "PostDelete"}, "as kubectl-gitops.dev/hook", nil},
	}},
	{name: argoHookDelete, list: true, values: []meaning{
		{[]string{"BeforeHookCreation", "HookSucceeded", "HookFailed"}, "as kubectl-gitops.dev/hook-delete-policy", nil},
	}},
	{name: argoWave, number: true, values: []meaning{{nil, "as kubectl-gitops.dev/wave", nil}}},
	{name: argoOptions, list: true, values: []meaning{
		{[]string{"Prune=false", "Prune=confirm", "Delete=false", "Delete=confirm"}, "never pruned: there is nobody to confirm",
			func(p *policy) { p.keep = true }},
		{[]string{"Replace=true"}, "what people and former tools added goes when it changes, what is left to others stays; with Force=true deleted and created anew, volumes and claims only when a change is refused",
			func(p *policy) { p.replace = true }},
		{[]string{"Force=true"}, "deleted and created anew when the API server refuses a change of it, and would create it", func(p *policy) { p.recreate = true }},
		{[]string{"Validate=false"}, "fields that the kind does not have are dropped instead of refused",
			func(p *policy) { p.unchecked = true }},
		{[]string{"SkipDryRunOnMissingResource=true"}, "while the cluster does not know its kind, the object waits for a later pass",
			func(p *policy) { p.patient = true }},
		{[]string{"ServerSideApply=true", "ServerSideApply=false", "ApplyOutOfSyncOnly=true", "ApplyOutOfSyncOnly=false",
			"CreateNamespace=true", "CreateNamespace=false", "PruneLast=true", "PruneLast=false", "RespectIgnoreDifferences=true",
			"RespectIgnoreDifferences=false", "FailOnSharedResource=true", "FailOnSharedResource=false",
			"ClientSideApplyMigration=true", "ClientSideApplyMigration=false", "PrunePropagationPolicy=background",
			"PrunePropagationPolicy=foreground", "PrunePropagationPolicy=orphan"},
			"nothing to do: apply is server-side, touches what differs only, prunes last and refuses objects of others; the app says the rest", nil},
		{[]string{"Prune=true", "Delete=true", "Replace=false", "Force=false", "Validate=true", "SkipDryRunOnMissingResource=false"},
			"the default", nil},
	}},
	{name: argoCompare, list: true, values: []meaning{
		{[]string{"IgnoreExtraneous", "IgnoreResourceUpdates=true", "IgnoreResourceUpdates=false", "ServerSideDiff=true",
			"ServerSideDiff=false", "IncludeMutationWebhook=true", "IncludeMutationWebhook=false"},
			"nothing to do: only fields that Git sets are compared, as the server stored them", nil},
	}},
	{name: annotationPrune, values: []meaning{
		{[]string{"disabled"}, "never pruned", func(p *policy) { p.keep = true }},
		{[]string{"enabled"}, "the default", func(p *policy) { p.keep = false }},
	}},
	{name: annotationRecreate, values: []meaning{
		{[]string{"enabled"}, "deleted and created anew when the API server refuses a change of it, and would create it", func(p *policy) { p.recreate = true }},
		{[]string{"disabled"}, "the default", func(p *policy) { p.recreate = false }},
	}},
	{name: annotationReplace, values: []meaning{
		{[]string{"enabled"}, "what people and former tools added goes when it changes, what is left to others stays; with recreate, deleted and created anew, volumes and claims only when a change is refused",
			func(p *policy) { p.replace = true }},
		{[]string{"disabled"}, "the default", func(p *policy) { p.replace = false }},
	}},
	{name: annotationCreateOnly, values: []meaning{
		{[]string{"enabled"}, "created when missing, then left alone: no change of it is drift", func(p *policy) { p.createOnly = true }},
		{[]string{"disabled"}, "the default", func(p *policy) { p.createOnly = false }},
	}},
	{name: annotationIgnore, values: []meaning{
		{[]string{"enabled"}, "neither applied nor pruned", func(p *policy) { p.ignore = true }},
		{[]string{"disabled"}, "the default", func(p *policy) { p.ignore = false }},
	}},
	{name: dependsOn, list: true, free: true, values: []meaning{
		{[]string{"group/namespaces/NAMESPACE/Kind/NAME", "group/Kind/NAME"}, "applied when that object of the same app is healthy, pruned before it", nil},
	}},
	{name: annotationForce, values: []meaning{
		{[]string{"disabled"}, "a field that another manager owns fails the object instead of being taken over",
			func(p *policy) { p.yield = true }},
		{[]string{"enabled"}, "the default", func(p *policy) { p.yield = false }},
	}},
	{name: annotationHook, list: true, free: true, values: []meaning{
		{[]string{"PreSync"}, "run when manifests of the app changed, and waited for, before anything is applied", nil},
		{[]string{"Sync"}, "run with the objects of its wave", nil},
		{[]string{"PostSync"}, "run when all is applied and healthy", nil},
		{[]string{"SyncFail"}, "run when one of these failed, or an object", nil},
		{[]string{"PreDelete"}, "run when the app is removed, and waited for, before anything of it is deleted", nil},
		{[]string{"PostDelete"}, "run when all of it is deleted", nil},
		{[]string{"Skip"}, "never run, and not applied", nil},
	}},
	{name: annotationHookDelete, list: true, values: []meaning{
		{[]string{"BeforeHookCreation"}, "the default: the object of a hook stays until its next run, or the end of its app", nil},
		{[]string{"HookSucceeded", "HookFailed"}, "it is deleted when the phase is over", nil},
	}},
	{name: annotationWave, number: true, values: []meaning{{nil, "applied when the objects of all lower waves are healthy; 0 without it", nil}}},
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

// policyOf reads the policy that annotations ask for.
func policyOf(set map[string]string) policy {
	var p policy
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

// misunderstood words what the annotations of an object say that means nothing here.
func misunderstood(o *object) []render.Problem {
	var out []render.Problem
	warn := func(format string, args ...any) {
		out = append(out, render.Problem{Origin: o.origin, Object: o.ID(), Message: fmt.Sprintf(format, args...)})
	}
	set := o.manifest.GetAnnotations()
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
	slices.SortFunc(out, func(a, b render.Problem) int { return strings.Compare(a.Message, b.Message) })
	return out
}

func (a understood) choices() string {
	var all []string
	for _, m := range a.values {
		all = append(all, m.values...)
	}
	return "understood: " + strings.Join(all, ", ")
}
