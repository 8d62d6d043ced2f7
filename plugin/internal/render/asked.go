package render

import (
	"slices"
)

// maxRerenders is how often a chart is rendered again because it brings kinds itself that its templates ask about.
const maxRerenders = 3

// unforeseen lists what the objects of a chart define, its templates may ask about, and it was not told.
func (h *helmRender) unforeseen(objects []Object) []string {
	return slices.DeleteFunc(DefinedVersions(objects), func(name string) bool {
		return !slices.Contains(h.asked, name) || slices.Contains(h.ownVersions, name) ||
			slices.Contains(h.options.Capabilities.APIVersions, name) || slices.Contains(h.moreVersions, name)
	})
}
