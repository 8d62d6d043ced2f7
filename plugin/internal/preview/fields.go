package preview

import (
	"maps"
	"reflect"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
)

// ImageChange is one image whose tag or digest changes. From and To are whole references.
type ImageChange struct {
	From string `json:"from"`
	To   string `json:"to"`
}

// imageChanges lists the images that change between two states, each once, and tells whether they are all that does.
// Only another tag or digest of the same repository counts: another repository is another program.
func imageChanges(before, after *unstructured.Unstructured) (images []ImageChange, only bool) {
	only = true
	plain := object.Is(before.GetAPIVersion(), before.GetKind(), "", "ConfigMap") || object.IsSecret(before.GetAPIVersion(), before.GetKind())
	walk(before.Object, after.Object, "", func(key string, b, a any) {
		from, isText := b.(string)
		to, areTexts := a.(string)
		if plain || key != "image" || !isText || !areTexts || repository(from) == "" || repository(from) != repository(to) {
			only = false
			return
		}
		if c := (ImageChange{from, to}); !slices.Contains(images, c) {
			images = append(images, c)
		}
	})
	slices.SortFunc(images, func(a, b ImageChange) int { return strings.Compare(a.From+" "+a.To, b.From+" "+b.To) })
	return images, only && len(images) > 0
}

// walk calls differs for each smallest part that differs, with the last key that leads to it.
func walk(before, after any, key string, differs func(key string, before, after any)) {
	if b, ok := before.(map[string]any); ok {
		if a, ok := after.(map[string]any); ok {
			for _, k := range keysOf(b, a) {
				walk(b[k], a[k], k, differs)
			}
			return
		}
	}
	if b, ok := before.([]any); ok {
		if a, ok := after.([]any); ok && len(a) == len(b) {
			for i := range b {
				walk(b[i], a[i], "", differs)
			}
			return
		}
	}
	if !reflect.DeepEqual(before, after) {
		differs(key, before, after)
	}
}

func keysOf(a, b map[string]any) []string {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return slices.Sorted(maps.Keys(all))
}

// repository is an image reference without tag and digest.
func repository(image string) string {
	image, _, _ = strings.Cut(image, "@")
	if colon := strings.LastIndex(image, ":"); colon > strings.LastIndex(image, "/") {
		image = image[:colon]
	}
	return image
}

// immutableFields are fields that the API server of Kubernetes does not let change, by kind.group. A field that is
// only set or only removed counts as well where the server defaults it.
var immutableFields = map[string][]string{
	"Deployment.apps":                              {"spec.selector"},
	"ReplicaSet.apps":                              {"spec.selector"},
	"DaemonSet.apps":                               {"spec.selector"},
	"Job.batch":                                    {"spec.selector", "spec.template", "spec.completionMode"},
	"StorageClass.storage.k8s.io":                  {"provisioner", "parameters", "reclaimPolicy", "volumeBindingMode"},
	"RoleBinding.rbac.authorization.k8s.io":        {"roleRef"},
	"ClusterRoleBinding.rbac.authorization.k8s.io": {"roleRef"},
	"PriorityClass.scheduling.k8s.io":              {"value", "preemptionPolicy"},
	"IngressClass.networking.k8s.io":               {"spec.controller"},
	"RuntimeClass.node.k8s.io":                     {"handler"},
	"CustomResourceDefinition.apiextensions.k8s.io": {"spec.group", "spec.scope", "spec.names.plural",
		"spec.names.kind"},
	"Secret":  {"type"},
	"Service": {"spec.clusterIP", "spec.clusterIPs"},
}

// mutableSpec are the kinds whose spec may change in these fields only.
var mutableSpec = map[string][]string{
	"StatefulSet.apps": {"replicas", "template", "updateStrategy", "minReadySeconds", "ordinals", "revisionHistoryLimit",
		"persistentVolumeClaimRetentionPolicy"},
	"PersistentVolumeClaim": {"resources", "volumeAttributesClassName", "volumeName"},
}

// immutableChanges lists the fields of after that the API server will refuse to change, sorted.
func immutableChanges(before, after *unstructured.Unstructured) []string {
	kind := strings.TrimSuffix(after.GetKind()+"."+after.GroupVersionKind().Group, ".")
	var found []string
	for _, field := range immutableFields[kind] {
		b, _, _ := unstructured.NestedFieldNoCopy(before.Object, strings.Split(field, ".")...)
		a, _, _ := unstructured.NestedFieldNoCopy(after.Object, strings.Split(field, ".")...)
		if kind == "Service" && (b == nil || a == nil) {
			continue // what Git stops or begins to set is the address that the cluster gave, or is refused when it is not
		}
		if !reflect.DeepEqual(b, a) {
			found = append(found, field)
		}
	}
	if mutable, ok := mutableSpec[kind]; ok {
		b, _, _ := unstructured.NestedMap(before.Object, "spec")
		a, _, _ := unstructured.NestedMap(after.Object, "spec")
		for _, k := range keysOf(b, a) {
			if !slices.Contains(mutable, k) && !reflect.DeepEqual(b[k], a[k]) {
				found = append(found, "spec."+k)
			}
		}
	}
	if frozen, _, _ := unstructured.NestedBool(before.Object, "immutable"); frozen && (kind == "Secret" || kind == "ConfigMap") {
		for _, k := range []string{"data", "stringData", "binaryData", "immutable"} {
			if !reflect.DeepEqual(before.Object[k], after.Object[k]) {
				found = append(found, k)
			}
		}
	}
	slices.Sort(found)
	return found
}
