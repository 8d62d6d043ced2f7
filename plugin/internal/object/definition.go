package object

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Definitions is the group of CustomResourceDefinitions.
const Definitions = "apiextensions.k8s.io"

// IsDefinition tells whether a type is that of CustomResourceDefinitions.
func IsDefinition(group, kind string) bool {
	return group == Definitions && kind == "CustomResourceDefinition"
}

// Defined returns the kinds that a CustomResourceDefinition defines, one for each version that it serves. One that an API
// server would not take is an error: whatever it says about kinds is not believed.
func Defined(crd map[string]any) ([]Kind, error) {
	text := func(fields ...string) string {
		s, _, _ := unstructured.NestedString(crd, fields...)
		return s
	}
	group, kind, plural, scope := text("spec", "group"), text("spec", "names", "kind"), text("spec", "names", "plural"), text("spec", "scope")
	switch {
	case BuiltInGroup(group):
		return nil, fmt.Errorf("the group %s is Kubernetes' own: a CustomResourceDefinition defines nothing there", quoted(group))
	case !strings.Contains(group, "."):
		return nil, fmt.Errorf("spec.group %s is not valid: it needs a dot, such as in example.com", quoted(group))
	case text("metadata", "name") != plural+"."+group:
		return nil, fmt.Errorf("its name is not spec.names.plural, a dot and spec.group: %s", quoted(plural+"."+group))
	}
	if scope != "Namespaced" && scope != "Cluster" {
		return nil, nil // the server says so, and serves nothing
	}
	versions, _, _ := unstructured.NestedSlice(crd, "spec", "versions")
	var kinds []Kind
	for _, v := range versions {
		version, _ := v.(map[string]any)
		name, _ := version["name"].(string)
		k := Kind{Group: group, Version: name, Kind: kind, Resource: plural, Namespaced: scope == "Namespaced"}
		if err := k.Check(); err != nil {
			return nil, err
		}
		if served, _ := version["served"].(bool); served {
			kinds = append(kinds, k)
		}
	}
	return kinds, nil
}

// builtIn are Kubernetes' own groups. No CustomResourceDefinition is served there.
var builtIn = []string{"", "apps", "batch", "autoscaling", "extensions", "policy", "admission.k8s.io", "admissionregistration.k8s.io", Definitions,
	"apiregistration.k8s.io", "authentication.k8s.io", "authorization.k8s.io", "certificates.k8s.io", "coordination.k8s.io", "discovery.k8s.io",
	"events.k8s.io", "flowcontrol.apiserver.k8s.io", "imagepolicy.k8s.io", "internal.apiserver.k8s.io", "networking.k8s.io", "node.k8s.io",
	"rbac.authorization.k8s.io", "resource.k8s.io", "scheduling.k8s.io", "storage.k8s.io", "storagemigration.k8s.io"}

// BuiltInGroup tells whether a group is Kubernetes' own.
func BuiltInGroup(group string) bool { return slices.Contains(builtIn, group) }

// clusterScoped are the kinds of Kubernetes' own groups that lie in no namespace.
var clusterScoped = []string{"Namespace", "Node", "PersistentVolume", "ClusterRole", "ClusterRoleBinding", "StorageClass",
	"CSIDriver", "CSINode", "VolumeAttachment", "VolumeAttributesClass", "PriorityClass", "RuntimeClass", "IngressClass",
	"IPAddress", "ServiceCIDR", "DeviceClass", "ResourceSlice", "CustomResourceDefinition", "APIService",
	"CertificateSigningRequest", "ClusterTrustBundle", "FlowSchema", "PriorityLevelConfiguration",
	"ValidatingWebhookConfiguration", "MutatingWebhookConfiguration", "ValidatingAdmissionPolicy",
	"ValidatingAdmissionPolicyBinding", "MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding"}

// Guess forms the resource of a kind as nearly all are formed. It takes a kind of an unknown group to be namespaced.
func Guess(gvk schema.GroupVersionKind) Kind {
	plural, _ := meta.UnsafeGuessKindToResource(gvk)
	return Kind{Group: gvk.Group, Version: gvk.Version, Kind: gvk.Kind, Resource: plural.Resource,
		Namespaced: !slices.Contains(clusterScoped, gvk.Kind)}
}
