package owners

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// State judges an owner by its definition, as its controller does.
func (c Claim) State(u *unstructured.Unstructured) report.OwnerState {
	if c.Kind == ArgoApplication {
		return c.stateOfApplication(u)
	}
	if suspended, _, _ := unstructured.NestedBool(u.Object, "spec", "suspend"); suspended {
		return report.OwnerAtRest // not even its deletion deletes anything
	}
	return report.OwnerActive
}

// stateOfApplication: without automated sync nothing happens unless somebody asks, but a deletion. With the annotation
// that says so Argo CD does not look at the Application at all.
func (c Claim) stateOfApplication(u *unstructured.Unstructured) report.OwnerState {
	if strings.EqualFold(u.GetAnnotations()["argocd.argoproj.io/skip-reconcile"], "true") {
		return report.OwnerAtRest
	}
	deletes := slices.ContainsFunc(u.GetFinalizers(), func(f string) bool { return strings.HasPrefix(f, "resources-finalizer.argocd.argoproj.io") })
	_, syncing := u.Object["operation"]
	switch {
	case automated(u), syncing:
		return report.OwnerActive
	case deletes && u.GetDeletionTimestamp() != nil:
		return report.OwnerActive
	case deletes && c.ByLabel: // the label stays on the objects, and so it would delete them one day
		return report.OwnerActive
	}
	return report.OwnerAtRest
}

// automated tells whether an Application is synced without being asked.
func automated(u *unstructured.Unstructured) bool {
	policy, found, _ := unstructured.NestedMap(u.Object, "spec", "syncPolicy", "automated")
	enabled, said := policy["enabled"].(bool)
	return found && (enabled || !said)
}

// lists tells whether the status of an Application lists an object.
func lists(app *unstructured.Unstructured, ref object.Ref) bool {
	list, _, _ := unstructured.NestedSlice(app.Object, "status", "resources")
	text := func(m map[string]any, key string) string { s, _ := m[key].(string); return s }
	return slices.ContainsFunc(list, func(item any) bool {
		m, _ := item.(map[string]any)
		ns := text(m, "namespace")
		return text(m, "group") == ref.Group && text(m, "kind") == ref.Kind.Kind && text(m, "name") == ref.Name && (ns == ref.Namespace || ref.Namespace == "")
	})
}

// deploysTo tells whether the destination of an Application may be where an object is.
func deploysTo(app *unstructured.Unstructured, ref object.Ref) bool {
	ns, _, _ := unstructured.NestedString(app.Object, "spec", "destination", "namespace")
	return ns == "" || ref.Namespace == "" || ns == ref.Namespace
}

// LetGoAdvice says how an active owner lets its objects go. It names commands that exist today.
func (c Claim) LetGoAdvice(u *unstructured.Unstructured) string {
	namespace, name := u.GetNamespace(), u.GetName()
	patch := func(text string) string {
		d := c.Kind.Definition()
		return fmt.Sprintf("kubectl patch %s.%s %s -n %s --type=merge -p '%s'", d.Resource, d.Group, name, namespace, text)
	}
	switch c.Kind {
	case FluxKustomization:
		return fmt.Sprintf("suspend it, and run this again: flux suspend kustomization %s -n %s, or %s; docs/from-flux.md shows how to hand over all its objects", name, namespace, patch(`{"spec":{"suspend":true}}`))
	case FluxHelmRelease:
		return fmt.Sprintf("suspend it, and run this again: flux suspend helmrelease %s -n %s, or %s; do not delete it before: that uninstalls the release", name, namespace, patch(`{"spec":{"suspend":true}}`))
	}
	if maker := makerOf(u); maker != "" {
		return fmt.Sprintf("%s creates it, and would switch its automated sync on again: remove it there first, see docs/from-argo-cd.md", maker)
	}
	text := `{"spec":{"syncPolicy":{"automated":null}}}`
	if c.ByLabel {
		text = `{"metadata":{"finalizers":null},"spec":{"syncPolicy":{"automated":null}}}`
	}
	return "switch its automated sync off, and run this again: " + patch(text) + "; docs/from-argo-cd.md shows how to hand over all its objects"
}

// StopCommand is what keeps an owner from writing its objects, "" when that cannot be said.
func (o Owner) StopCommand() string {
	switch {
	case o.Kind == FluxKustomization && o.Namespace != "":
		return fmt.Sprintf("flux suspend kustomization %s -n %s", o.Name, o.Namespace)
	case o.Kind == FluxHelmRelease && o.Namespace != "":
		return fmt.Sprintf("flux suspend helmrelease %s -n %s", o.Name, o.Namespace)
	case o.Kind == ArgoApplication:
		return fmt.Sprintf("argocd app set %s --sync-policy none", o.Name)
	}
	return ""
}

// makerOf names what makes an Application and would make it again: an ApplicationSet, or another Application.
func makerOf(app *unstructured.Unstructured) string {
	for _, o := range app.GetOwnerReferences() {
		if o.Kind == "ApplicationSet" {
			return "the ApplicationSet " + app.GetNamespace() + "/" + o.Name
		}
	}
	ref := object.Ref{Kind: ArgoApplication.Definition(), Namespace: app.GetNamespace(), Name: app.GetName()}
	for _, c := range Claims(ref, app) {
		if !c.Doubtful && c.Name != "" && (c.Owner.Kind != ArgoApplication || c.Name != app.GetName()) {
			return c.String()
		}
	}
	return ""
}
