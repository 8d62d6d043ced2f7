package render

import (
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// maxRerenders is how often a chart is rendered again because it brings kinds itself that its templates ask about.
const maxRerenders = 3

// tellAsked tells Options.Asked what the chart may have asked about.
func (o Options) tellAsked(names []string) {
	if o.Asked != nil && len(names) > 0 {
		o.Asked(names)
	}
}

// DefinedVersions lists what the CustomResourceDefinitions among objects define, as Capabilities.APIVersions has it.
func DefinedVersions(objects []Object) []string {
	var names []string
	for _, o := range objects {
		if gvk := o.GroupVersionKind(); gvk.Group != "apiextensions.k8s.io" || gvk.Kind != "CustomResourceDefinition" {
			continue
		}
		group, _, _ := unstructured.NestedString(o.Object, "spec", "group")
		kind, _, _ := unstructured.NestedString(o.Object, "spec", "names", "kind")
		versions, _, _ := unstructured.NestedSlice(o.Object, "spec", "versions")
		for _, v := range versions {
			version, _ := v.(map[string]any)
			name, _ := version["name"].(string)
			if served, _ := version["served"].(bool); served {
				names = append(names, group+"/"+name, group+"/"+name+"/"+kind)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// unforeseen lists what the objects of a chart define, its templates may ask about, and it was not told.
func (h *helmRender) unforeseen(objects []Object) []string {
	return slices.DeleteFunc(DefinedVersions(objects), func(name string) bool {
		return !slices.Contains(h.asked, name) || slices.Contains(h.ownVersions, name) ||
			slices.Contains(h.options.Capabilities.APIVersions, name) || slices.Contains(h.moreVersions, name)
	})
}
