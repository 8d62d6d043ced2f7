package render

import (
	"maps"
	"path"
	"strconv"
	"strings"
)

// Overlay changes everything that a render gave, as the keys of a kustomization do. A directory with a kustomization is built as if the
// keys stood in that file: lists are added to its own, a single value replaces its own. Other objects are built as the resources
// of a kustomization that has these keys.
//
// Labels and Annotations are set on the objects themselves, as Flux' commonMetadata does: neither on selectors nor on templates of pods.
// A patch, image or number of replicas that matches nothing is a warning.
type Overlay struct {
	Namespace, NamePrefix, NameSuffix string            `json:",omitempty"`
	Images                            []OverlayImage    `json:",omitempty"`
	Patches                           []OverlayPatch    `json:",omitempty"`
	Components                        []string          `json:",omitempty"` // directories, from the root of the repository
	Labels, Annotations               map[string]string `json:",omitempty"`
	Replicas                          []OverlayReplicas `json:",omitempty"`

	// Origins says where the parts of the overlay are written: "" the overlay, "patches[0]" its first patch, and so on; "patches[0].patch"
	// is the line before the first line of its text. They change nothing in what is rendered.
	Origins map[string]Origin `json:",omitempty"`
}

// OverlayImage replaces parts of the references of an image.
type OverlayImage struct {
	Name, NewName, NewTag, Digest string
}

// OverlayPatch is a strategic merge or JSON patch: its text, or the Path of a file from the root of the repository. An empty Target stands
// for the object that the patch itself names.
type OverlayPatch struct {
	Patch, Path string
	Target      OverlayTarget
}

// OverlayTarget selects objects as the target of a patch in a kustomization does: all of it but the selectors are regular expressions.
type OverlayTarget struct {
	Group, Version, Kind, Name, Namespace, LabelSelector, AnnotationSelector string
}

// OverlayReplicas sets the number of replicas of the workloads of one name.
type OverlayReplicas struct {
	Name  string
	Count int
}

// at returns where a part of the overlay is written.
func (v *Overlay) at(place string) Origin {
	if at, known := v.Origins[place]; known {
		return at
	}
	return v.Origins[""]
}

// isEmpty reports whether the overlay changes nothing.
func (v *Overlay) isEmpty() bool {
	return v == nil || v.Namespace+v.NamePrefix+v.NameSuffix == "" &&
		len(v.Images)+len(v.Patches)+len(v.Components)+len(v.Labels)+len(v.Annotations)+len(v.Replicas) == 0
}

// describe sets the labels and annotations of an object.
func (v *Overlay) describe(o Object) {
	if len(v.Labels) > 0 {
		labels := map[string]string{}
		maps.Copy(labels, o.GetLabels())
		maps.Copy(labels, v.Labels)
		o.SetLabels(labels)
	}
	if len(v.Annotations) > 0 {
		annotations := map[string]string{}
		maps.Copy(annotations, o.GetAnnotations())
		maps.Copy(annotations, v.Annotations)
		o.SetAnnotations(annotations)
	}
}

// overlayHome is the directory of the kustomization of an overlay over objects. It exists in a render only.
const overlayHome = ".gitops-overlay"

// isOfHome reports whether a name lies in that directory.
func isOfHome(name string) bool {
	clean := path.Clean(name)
	return clean == overlayHome || strings.HasPrefix(clean, overlayHome+"/")
}

// layer is an overlay on its way into a kustomization.
type layer struct {
	*Overlay
	steps []step // in the order in which the library takes them
}

// step is one change that a layer makes to the kustomization.
type step struct {
	at    Origin
	field string // of the kustomization
	value any    // a text, or what is added to a list
	what  string // what it is about, for warnings

	only   string         // the object that a strategic merge patch without a target is for, as the library writes it
	target *OverlayTarget // of a patch
}

// given are objects that another renderer gave. To the library each is a resource file, which exists in this render only: so
// the file that the library notes on an object leads back to it, with its line and its hook.
type given struct {
	objects []Object
	rounds  [][]int // which objects are built together, by number
}

// maxRounds bounds the objects of one name.
const maxRounds = 20

func fileOf(n int) string { return strconv.Itoa(n) + ".yaml" }

// number returns which object a file in the directory of the overlay is.
func (g *given) number(file string) (int, bool) {
	if g == nil || path.Dir(file) != overlayHome {
		return 0, false
	}
	n, err := strconv.Atoi(strings.TrimSuffix(path.Base(file), ".yaml"))
	return n, err == nil && n >= 0 && n < len(g.objects)
}

// numbered is the origin of a given object while it is built.
func numbered(n int) Origin { return Origin{File: overlayHome, Line: n + 1} }
