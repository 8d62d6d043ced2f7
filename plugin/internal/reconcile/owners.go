package reconcile

import (
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/fields"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
)

// ownerKind is what another tool calls the thing that its objects belong to.
type ownerKind string

const (
	fluxKustomization ownerKind = "Flux Kustomization"
	fluxHelmRelease   ownerKind = "Flux HelmRelease"
	argoApplication   ownerKind = "Argo CD application"
	helmRelease       ownerKind = "Helm release"
	fleetBundle       ownerKind = "Fleet bundle"
	kappApp           ownerKind = "kapp app"
)

// The labels and annotations by which other tools know their objects.
const (
	fluxGroup      = "kustomize.toolkit.fluxcd.io"
	fluxHelmGroup  = "helm.toolkit.fluxcd.io"
	argoGroup      = "argoproj.io"
	argoNamespace  = "argocd" // where Argo CD usually is
	argoTracking   = "argocd.argoproj.io/tracking-id"
	argoLabel      = "argocd.argoproj.io/instance"
	instanceLabel  = "app.kubernetes.io/instance"
	managedByLabel = "app.kubernetes.io/managed-by"
	helmName       = "meta.helm.sh/release-name"
	helmNamespace  = "meta.helm.sh/release-namespace"
	fleetID        = "objectset.rio.cattle.io/id"
	kappLabel      = "kapp.k14s.io/app"

	inLabels, inAnnotations = "labels", "annotations"
)

// owner names what an object belongs to according to another tool. An empty namespace is not known.
type otherOwner struct {
	kind            ownerKind
	namespace, name string
}

// ownership is one owner that an object names.
type ownership struct {
	otherOwner
	doubtful bool // the label may be any chart's: only the owner itself can tell
	byLabel  bool // it knows its objects by a label that stays on them
	letGo    bool // the object asks its owner to leave it alone

	markIn, mark string // "labels" or "annotations", and the key that names the owner
}

// String is the owner in a sentence.
func (o otherOwner) String() string {
	name := o.name
	if o.namespace != "" {
		name = o.namespace + "/" + name
	}
	return "the " + string(o.kind) + " " + name
}

// definition is the kind of the object that tells what the owner does, without a version. It is empty for tools without
// one.
func (k ownerKind) definition() cluster.Kind {
	switch k {
	case fluxKustomization:
		return cluster.Kind{Group: fluxGroup, Kind: "Kustomization", Resource: "kustomizations", Namespaced: true}
	case fluxHelmRelease:
		return cluster.Kind{Group: fluxHelmGroup, Kind: "HelmRelease", Resource: "helmreleases", Namespaced: true}
	case argoApplication:
		return cluster.Kind{Group: argoGroup, Kind: "Application", Resource: "applications", Namespaced: true}
	}
	return cluster.Kind{}
}

// claimsOf lists the owners that an object names, those that write it first. It makes no request.
func claimsOf(ref cluster.Ref, u metav1.Object) []ownership {
	l, a := u.GetLabels(), u.GetAnnotations()
	var out []ownership
	if name := l[fluxGroup+"/name"]; name != "" {
		out = append(out, ownership{otherOwner: otherOwner{fluxKustomization, l[fluxGroup+"/namespace"], name}, letGo: letGoByFlux(a), markIn: inLabels, mark: fluxGroup + "/name"})
	}
	if name := l[fluxHelmGroup+"/name"]; name != "" {
		out = append(out, ownership{otherOwner: otherOwner{fluxHelmRelease, l[fluxHelmGroup+"/namespace"], name}, markIn: inLabels, mark: fluxHelmGroup + "/name"})
	}
	if c, ok := argoClaim(ref, u); ok {
		out = append(out, c)
	}
	if name := a[helmName]; name != "" && l[fluxHelmGroup+"/name"] == "" {
		out = append(out, ownership{otherOwner: otherOwner{helmRelease, a[helmNamespace], name}, markIn: inAnnotations, mark: helmName})
		if id := a[fleetID]; id != "" {
			out[len(out)-1].otherOwner = otherOwner{fleetBundle, "", id}
		}
	}
	if name := l[kappLabel]; name != "" {
		out = append(out, ownership{otherOwner: otherOwner{kappApp, "", name}, markIn: inLabels, mark: kappLabel})
	}
	if len(out) == 0 && l[managedByLabel] == "Helm" && wroteIt(u, "helm") {
		out = append(out, ownership{otherOwner: otherOwner{kind: helmRelease}, markIn: inLabels, mark: managedByLabel})
	}
	return out
}

// letGoByFlux tells whether annotations of the live object keep Flux from applying it again once its labels are gone.
func letGoByFlux(annotations map[string]string) bool {
	return strings.EqualFold(annotations[fluxGroup+"/reconcile"], "disabled") ||
		slices.ContainsFunc([]string{"Ignore", "IfNotPresent"}, func(v string) bool { return strings.EqualFold(annotations[fluxGroup+"/ssa"], v) })
}

// argoClaim reads how Argo CD tracks an object: by its annotation, which must be about this very object because people
// and controllers copy annotations, or else by a label. Helm charts set the usual label too.
func argoClaim(ref cluster.Ref, u metav1.Object) (ownership, bool) {
	l, a := u.GetLabels(), u.GetAnnotations()
	if id := a[argoTracking]; id != "" {
		name, of, _ := strings.Cut(id, ":")
		if of != fmt.Sprintf("%s/%s:%s/%s", ref.Group, ref.Kind.Kind, ref.Namespace, ref.Name) {
			return ownership{}, false
		}
		o := otherOwner{argoApplication, "", name}
		if ns, app, inNamespace := strings.Cut(name, "_"); inNamespace { // an Application outside Argo CD's own namespace
			o.namespace, o.name = ns, app
		}
		return ownership{otherOwner: o, markIn: inAnnotations, mark: argoTracking}, true
	}
	if name := l[argoLabel]; name != "" {
		return ownership{otherOwner: otherOwner{argoApplication, "", name}, byLabel: true, markIn: inLabels, mark: argoLabel}, true
	}
	if name := l[instanceLabel]; name != "" {
		return ownership{otherOwner: otherOwner{argoApplication, "", name}, byLabel: true, doubtful: !wroteIt(u, "argocd-"), markIn: inLabels, mark: instanceLabel}, true
	}
	return ownership{}, false
}

// wroteIt tells whether a field manager whose name begins like this has a share in u.
func wroteIt(u metav1.Object, prefix string) bool {
	return slices.ContainsFunc(u.GetManagedFields(), func(e metav1.ManagedFieldsEntry) bool {
		return strings.HasPrefix(strings.ToLower(e.Manager), prefix)
	})
}

// formerOwner words who an object belonged to before, "" when that cannot be told.
func formerOwner(ref cluster.Ref, u metav1.Object) string {
	for _, c := range claimsOf(ref, u) {
		switch {
		case c.doubtful:
		case c.name == "":
			return ", taken over from Helm"
		default:
			return ", taken over from " + c.String()
		}
	}
	return ""
}

// alsoOwned names the tool that writes an object of ours too: its marks go when an object is taken over, so that it has
// put them there since. Marks that Git itself sets do not count.
func alsoOwned(ref cluster.Ref, u *unstructured.Unstructured) (otherOwner, bool) {
	if u == nil {
		return otherOwner{}, false
	}
	ours, applied, err := fields.Applied(u, record.Manager)
	for _, c := range claimsOf(ref, u) {
		if c.doubtful || c.byLabel || c.name == "" {
			continue
		}
		if applied && err == nil && fields.Holds(ours, "metadata", c.markIn, c.mark) {
			continue
		}
		return c.otherOwner, true
	}
	return otherOwner{}, false
}

// toolOf adds to the name of a field manager the tool whose name it does not say.
func toolOf(manager string) string {
	for prefix, tool := range map[string]string{"kustomize-controller": "Flux", "helm-controller": "Flux", "flux": "Flux", "argocd-": "Argo CD",
		"fleetagent": "Fleet", "fleet-": "Fleet"} {
		if strings.HasPrefix(strings.ToLower(manager), prefix) {
			return tool + " (" + manager + ")"
		}
	}
	return manager
}

// otherWriter names who else writes an object, as far as the object tells: the owner that it names, or the newest field
// manager that is not ours.
func otherWriter(ref cluster.Ref, u *unstructured.Unstructured) (name string, is otherOwner) {
	if u == nil {
		return "", otherOwner{}
	}
	if o, ok := alsoOwned(ref, u); ok {
		return o.String(), o
	}
	if by := fields.Newest(u, record.Manager); by != nil {
		return toolOf(by.Manager), otherOwner{}
	}
	return "", otherOwner{}
}
