package gitopsyaml

import (
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/app"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/manifest"
)

// kustomize returns the overlay of an entry, with the lines of its parts.
func (l *loader) kustomize(k Kustomize, place string) *app.Kustomize {
	l.checkKustomize(k, place)
	out := &app.Kustomize{Namespace: k.Namespace, NamePrefix: k.NamePrefix, NameSuffix: k.NameSuffix, Labels: k.Labels, Annotations: k.Annotations,
		Origins: map[string]manifest.Origin{"": l.origin(place)}}
	for _, c := range k.Components {
		out.Components = append(out.Components, fromRoot(c))
	}
	for _, i := range k.Images {
		out.Images = append(out.Images, app.Image(i))
	}
	for _, p := range k.Patches {
		out.Patches = append(out.Patches, app.Patch{Patch: p.Patch, Path: fromRoot(p.Path), Target: app.PatchTarget(p.Target)})
	}
	for _, r := range k.Replicas {
		out.Replicas = append(out.Replicas, app.Replicas(r))
	}
	for part := range l.lines {
		name, below := strings.CutPrefix(part, place+".")
		if !below || !overlayPart.MatchString(name) {
			continue
		}
		at := l.origin(part)
		if strings.HasSuffix(name, "].patch") && !slices.Contains(l.blocks, part) {
			at.Line-- // the text begins in the line of its key
		}
		out.Origins[name] = at
	}
	return out
}

// overlayPart matches the parts of an overlay whose lines render.Overlay wants to know.
var overlayPart = regexp.MustCompile(`^(namespace|namePrefix|nameSuffix|(images|patches|components|replicas)\[[0-9]+\]|patches\[[0-9]+\]\.patch)$`)

// fromRoot takes the slash off a path that begins at the root of the repository, as values files may be written.
func fromRoot(name string) string { return strings.TrimPrefix(name, "/") }

// checkKustomize refuses what an overlay cannot mean. References to files and objects are checked when the app is rendered.
func (l *loader) checkKustomize(k Kustomize, place string) {
	l.label(join(place, "namespace"), k.Namespace)
	for name, value := range map[string]string{"namePrefix": k.NamePrefix, "nameSuffix": k.NameSuffix} {
		if !partOfName.MatchString(value) && !isReference(value) {
			l.at(join(place, name), "lower-case letters, digits, '-' and '.' only", "%q cannot be a part of names", value)
		}
	}
	for i, c := range k.Components {
		if slices.ContainsFunc(k.Components[:i], func(other string) bool { return path.Clean(fromRoot(other)) == path.Clean(fromRoot(c)) }) {
			l.at(fmt.Sprintf("%s.components[%d]", place, i), "keep one of the two", "the component %s is listed twice", c)
		}
	}
	for i, image := range k.Images {
		at := fmt.Sprintf("%s.images[%d]", place, i)
		if name := image.Name[strings.LastIndexByte(image.Name, '/')+1:]; strings.ContainsAny(name, ":@") {
			l.at(at+".name", "write it without tag and digest; all tags of the image are replaced", "%q is not the name of an image", image.Name)
		}
		if image.NewName+image.NewTag+image.Digest == "" {
			l.at(at, "give newName, newTag or digest", "the image stays as it is")
		}
	}
	for i, p := range k.Patches {
		at := fmt.Sprintf("%s.patches[%d]", place, i)
		switch {
		case p.Patch != "" && p.Path != "":
			l.at(at, "keep one of the two", "the patch has both patch and path")
		case p.Patch == "" && p.Path == "":
			l.at(at, "give patch, the text, or path, a file with it", "the patch has no text")
		}
	}
	for _, key := range slices.Sorted(maps.Keys(k.Labels)) {
		at := join(place, "labels."+key)
		if problems := validation.IsQualifiedName(key); len(problems) > 0 {
			l.at(at, "write name, or example.com/name", "%q cannot be the key of a label", key)
		}
		if problems := validation.IsValidLabelValue(k.Labels[key]); len(problems) > 0 && !isReference(k.Labels[key]) {
			l.at(at, "up to 63 letters, digits, '-', '_' and '.', with a letter or digit at both ends", "%q cannot be the value of a label", k.Labels[key])
		}
	}
	for _, key := range slices.Sorted(maps.Keys(k.Annotations)) {
		if problems := validation.IsQualifiedName(strings.ToLower(key)); len(problems) > 0 {
			l.at(join(place, "annotations."+key), "write name, or example.com/name", "%q cannot be the key of an annotation", key)
		}
	}
}

var partOfName = regexp.MustCompile(`^[a-z0-9.-]*$`)

// isReference reports whether substitute may make something else of a text.
func isReference(text string) bool { return strings.Contains(text, "${") }
