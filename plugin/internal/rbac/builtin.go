package rbac

import (
	"slices"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
)

// BuiltIn returns how Kubernetes itself serves a kind, without asking a cluster; false when the kind is not of
// Kubernetes' own groups.
func BuiltIn(gvk schema.GroupVersionKind) (cluster.Kind, bool) {
	groups := []string{"", "apps", "batch", "autoscaling", "policy", "admissionregistration.k8s.io", "apiextensions.k8s.io",
		"apiregistration.k8s.io", "certificates.k8s.io", "coordination.k8s.io", "discovery.k8s.io", "events.k8s.io",
		"flowcontrol.apiserver.k8s.io", "networking.k8s.io", "node.k8s.io", group, "resource.k8s.io", "scheduling.k8s.io", "storage.k8s.io"}
	return Guess(gvk), slices.Contains(groups, gvk.Group)
}

// Guess forms the resource of a kind as nearly all are formed. It takes a kind of an unknown group to be namespaced.
func Guess(gvk schema.GroupVersionKind) cluster.Kind {
	clusterScoped := []string{"Namespace", "Node", "PersistentVolume", "ClusterRole", "ClusterRoleBinding", "StorageClass",
		"CSIDriver", "CSINode", "VolumeAttachment", "VolumeAttributesClass", "PriorityClass", "RuntimeClass", "IngressClass",
		"IPAddress", "ServiceCIDR", "DeviceClass", "ResourceSlice", "CustomResourceDefinition", "APIService",
		"CertificateSigningRequest", "ClusterTrustBundle", "FlowSchema", "PriorityLevelConfiguration",
		"ValidatingWebhookConfiguration", "MutatingWebhookConfiguration", "ValidatingAdmissionPolicy",
		"ValidatingAdmissionPolicyBinding", "MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding"}
	plural, _ := meta.UnsafeGuessKindToResource(gvk)
	return cluster.Kind{Group: gvk.Group, Version: gvk.Version, Kind: gvk.Kind, Resource: plural.Resource,
		Namespaced: !slices.Contains(clusterScoped, gvk.Kind)}
}
