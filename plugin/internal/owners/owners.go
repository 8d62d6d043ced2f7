package owners

import (
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/fields"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
)

// Kind is what another tool calls the thing that its objects belong to.
type Kind string

// The kinds of owners, as messages name them.
const (
	FluxKustomization Kind = "Flux Kustomization"
	FluxHelmRelease   Kind = "Flux HelmRelease"
	ArgoApplication   Kind = "Argo CD application"
	helmRelease       Kind = "Helm release"
	fleetBundle       Kind = "Fleet bundle"
	KappApp           Kind = "kapp app"
)

// The labels and annotations by which other tools know their objects.
const (
	FluxGroup      = "kustomize.toolkit.fluxcd.io"
	FluxHelmGroup  = "helm.toolkit.fluxcd.io"
	argoGroup      = "argoproj.io"
	ArgoNamespace  = "argocd" // where Argo CD usually is
	ArgoTracking   = "argocd.argoproj.io/tracking-id"
	ArgoLabel      = "argocd.argoproj.io/instance"
	instanceLabel  = "app.kubernetes.io/instance"
	managedByLabel = "app.kubernetes.io/managed-by"
	HelmName       = "meta.helm.sh/release-name"
	HelmNamespace  = "meta.helm.sh/release-namespace"
	FleetID        = "objectset.rio.cattle.io/id"
	KappLabel      = "kapp.k14s.io/app"

	inLabels, InAnnotations = "labels", "annotations"
)

// Owner names what an object belongs to according to another tool. An empty namespace is not known.
type Owner struct {
	Kind            Kind
	Namespace, Name string
}

// Claim is one owner that an object names.
type Claim struct {
	Owner
	Doubtful bool // the label may be any chart's: only the owner itself can tell
	ByLabel  bool // it knows its objects by a label that stays on them
	LetGo    bool // the object asks its owner to leave it alone

	MarkIn, Mark string // "labels" or "annotations", and the key that names the owner
}

// String is the owner in a sentence.
func (o Owner) String() string {
	name := o.Name
	if o.Namespace != "" {
		name = o.Namespace + "/" + name
	}
	return "the " + string(o.Kind) + " " + name
}

// Definition is the kind of the object that tells what the owner does, without a version. It is empty for tools without
// one.
func (k Kind) Definition() object.Kind {
	switch k {
	case FluxKustomization:
		return object.Kind{Group: FluxGroup, Kind: "Kustomization", Resource: "kustomizations", Namespaced: true}
	case FluxHelmRelease:
		return object.Kind{Group: FluxHelmGroup, Kind: "HelmRelease", Resource: "helmreleases", Namespaced: true}
	case ArgoApplication:
		return object.Kind{Group: argoGroup, Kind: "Application", Resource: "applications", Namespaced: true}
	}
	return object.Kind{}
}

// Claims lists the owners that an object names, those that write it first. It makes no request.
func Claims(ref object.Ref, u metav1.Object) []Claim {
	l, a := u.GetLabels(), u.GetAnnotations()
	var out []Claim
	if name := l[FluxGroup+"/name"]; name != "" {
		out = append(out, Claim{Owner: Owner{FluxKustomization, l[FluxGroup+"/namespace"], name}, LetGo: letGoByFlux(a), MarkIn: inLabels, Mark: FluxGroup + "/name"})
	}
	if name := l[FluxHelmGroup+"/name"]; name != "" {
		out = append(out, Claim{Owner: Owner{FluxHelmRelease, l[FluxHelmGroup+"/namespace"], name}, MarkIn: inLabels, Mark: FluxHelmGroup + "/name"})
	}
	if c, ok := argoClaim(ref, u); ok {
		out = append(out, c)
	}
	if name := a[HelmName]; name != "" && l[FluxHelmGroup+"/name"] == "" {
		out = append(out, Claim{Owner: Owner{helmRelease, a[HelmNamespace], name}, MarkIn: InAnnotations, Mark: HelmName})
		if id := a[FleetID]; id != "" {
			out[len(out)-1].Owner = Owner{fleetBundle, "", id}
		}
	}
	if name := l[KappLabel]; name != "" {
		out = append(out, Claim{Owner: Owner{KappApp, "", name}, MarkIn: inLabels, Mark: KappLabel})
	}
	if len(out) == 0 && l[managedByLabel] == "Helm" && wroteIt(u, "helm") {
		out = append(out, Claim{Owner: Owner{Kind: helmRelease}, MarkIn: inLabels, Mark: managedByLabel})
	}
	return out
}

// letGoByFlux tells whether annotations of the live object keep Flux from applying it again once its labels are gone.
func letGoByFlux(annotations map[string]string) bool {
	return strings.EqualFold(annotations[FluxGroup+"/reconcile"], "disabled") ||
		slices.ContainsFunc([]string{"Ignore", "IfNotPresent"}, func(v string) bool { return strings.EqualFold(annotations[FluxGroup+"/ssa"], v) })
}

// argoClaim reads how Argo CD tracks an object: by its annotation, which must be about this very object because people
// and controllers copy annotations, or else by a label. Helm charts set the usual label too.
func argoClaim(ref object.Ref, u metav1.Object) (Claim, bool) {
	l, a := u.GetLabels(), u.GetAnnotations()
	if id := a[ArgoTracking]; id != "" {
		name, of, _ := strings.Cut(id, ":")
		if of != fmt.Sprintf("%s/%s:%s/%s", ref.Group, ref.Kind.Kind, ref.Namespace, ref.Name) {
			return Claim{}, false
		}
		o := Owner{ArgoApplication, "", name}
		if ns, app, inNamespace := strings.Cut(name, "_"); inNamespace { // an Application outside Argo CD's own namespace
			o.Namespace, o.Name = ns, app
		}
		return Claim{Owner: o, MarkIn: InAnnotations, Mark: ArgoTracking}, true
	}
	if name := l[ArgoLabel]; name != "" {
		return Claim{Owner: Owner{ArgoApplication, "", name}, ByLabel: true, MarkIn: inLabels, Mark: ArgoLabel}, true
	}
	if name := l[instanceLabel]; name != "" {
		return Claim{Owner: Owner{ArgoApplication, "", name}, ByLabel: true, Doubtful: !wroteIt(u, "argocd-"), MarkIn: inLabels, Mark: instanceLabel}, true
	}
	return Claim{}, false
}

// wroteIt tells whether a field manager whose name begins like this has a share in u.
func wroteIt(u metav1.Object, prefix string) bool {
	return slices.ContainsFunc(u.GetManagedFields(), func(e metav1.ManagedFieldsEntry) bool {
		return strings.HasPrefix(strings.ToLower(e.Manager), prefix)
	})
}

// Former words who an object belonged to before, "" when that cannot be told.
func Former(ref object.Ref, u metav1.Object) string {
	for _, c := range Claims(ref, u) {
		switch {
		case c.Doubtful:
		case c.Name == "":
			return ", taken over from Helm"
		default:
			return ", taken over from " + c.String()
		}
	}
	return ""
}

// Also names the tool that writes an object of ours too: its marks go when an object is taken over, so that it has
// put them there since. Marks that Git itself sets do not count.
func Also(ref object.Ref, u *unstructured.Unstructured) (Owner, bool) {
	if u == nil {
		return Owner{}, false
	}
	ours, applied, err := fields.Applied(u, record.Manager)
	for _, c := range Claims(ref, u) {
		if c.Doubtful || c.ByLabel || c.Name == "" {
			continue
		}
		if applied && err == nil && fields.Holds(ours, "metadata", c.MarkIn, c.Mark) {
			continue
		}
		return c.Owner, true
	}
	return Owner{}, false
}

// ToolOf adds to the name of a field manager the tool whose name it does not say.
func ToolOf(manager string) string {
	for prefix, tool := range map[string]string{"kustomize-controller": "Flux", "helm-controller": "Flux", "flux": "Flux", "argocd-": "Argo CD",
		"fleetagent": "Fleet", "fleet-": "Fleet"} {
		if strings.HasPrefix(strings.ToLower(manager), prefix) {
			return tool + " (" + manager + ")"
		}
	}
	return manager
}

// Writer names who else writes an object, as far as the object tells: the owner that it names, or the newest field
// manager that is not ours.
func Writer(ref object.Ref, u *unstructured.Unstructured) (name string, is Owner) {
	if u == nil {
		return "", Owner{}
	}
	if o, ok := Also(ref, u); ok {
		return o.String(), o
	}
	if by := fields.Newest(u, record.Manager); by != nil {
		return ToolOf(by.Manager), Owner{}
	}
	return "", Owner{}
}
