package render

import (
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/kustomize/api/resource"
	"sigs.k8s.io/kustomize/kyaml/yaml"
	sigsyaml "sigs.k8s.io/yaml"
)

// A chart that names no namespace is rendered for that of its kustomization, or of the nearest one above that has one.
// So a base with charts, used by two overlays, is two different things, while the library finds one directory. Each
// namespace after the first gets a variant of the base: a directory beside it that exists in this render only, whose
// files are those of the base, except for the kustomization and what its charts rendered.

// known returns the kustomization of a directory if it was surveyed for the namespace that it would inherit now.
func (s *survey) known(dir string) *kustomization {
	for _, k := range s.visited[dir] {
		if !k.inherits || k.inherited == s.namespace() {
			return k
		}
	}
	return nil
}

// place decides where the library finds a kustomization that was not surveyed for this namespace.
func (s *survey) place(k *kustomization) {
	k.inherited, k.shown, k.moved = s.namespace(), k.dir, map[string]string{}
	linked := len(s.stack) > 0 && path.Dir(k.file) != k.dir // another directory may have the same file
	if len(s.visited[k.dir]) == 0 && !linked {
		return
	}
	k.shown = path.Join(path.Dir(k.dir), fmt.Sprintf(".gitops-variant-%d-%s", len(s.variants)+1, path.Base(k.dir)))
	s.variants = append(s.variants, variant{k.shown, k.dir})
}

// namespace is that of the kustomization being visited, or of the nearest above that has one.
func (s *survey) namespace() string {
	if len(s.namespaces) == 0 {
		return ""
	}
	return s.namespaces[len(s.namespaces)-1]
}

// uses notes what follows for k from one of its bases.
func (k *kustomization) uses(base *kustomization, name string) error {
	if base.inherits && k.spec.Namespace == "" {
		k.inherits = true
	}
	if base.shown == base.dir {
		return nil
	}
	to, err := filepath.Rel(k.shown, base.shown)
	k.moved[name] = filepath.ToSlash(to)
	return err
}

// real returns the name in the checkout of what a variant shows; other names stay.
func (s *survey) real(name string) string {
	for _, v := range s.variants {
		if isWithin(name, v.shown) {
			return path.Join(v.dir, strings.TrimPrefix(name, v.shown))
		}
	}
	return name
}

// isVariant tells the directory of a variant from what it shows, which has its real name.
func (s *survey) isVariant(name string) bool {
	return slices.ContainsFunc(s.variants, func(v variant) bool { return v.shown == name })
}

// realNames puts the names of directories into a text in the place of their variants.
func (s *survey) realNames(text string) string {
	for _, v := range slices.Backward(s.variants) {
		text = strings.ReplaceAll(text, path.Base(v.shown), path.Base(v.dir))
	}
	return text
}

// publicOrigin makes of the annotation that traces an object, where the kustomization asks for it, what the library
// writes by itself: without variants, and with the generator of charts.
func (s *survey) publicOrigin(top *kustomization, u *unstructured.Unstructured) error {
	annotations := u.GetAnnotations()
	var from resource.Origin
	if err := sigsyaml.Unmarshal([]byte(annotations[originAnnotation]), &from); err != nil {
		return nil //nolint:nilerr // not the library's: it stays
	}
	k, isChart := s.generated[path.Join(top.dir, from.Path)]
	if !isChart && len(s.variants) == 0 {
		return nil
	}
	if isChart {
		file, err := filepath.Rel(top.dir, k.file)
		if err != nil {
			return err
		}
		from = resource.Origin{ConfiguredIn: filepath.ToSlash(file), ConfiguredBy: yaml.ResourceIdentifier{
			TypeMeta: yaml.TypeMeta{APIVersion: "builtin", Kind: "HelmChartInflationGenerator"}}}
	}
	from.Path, from.ConfiguredIn = s.realNames(from.Path), s.realNames(from.ConfiguredIn)
	text, err := from.String()
	if err != nil {
		return err
	}
	annotations[originAnnotation] = text
	if made, ok := annotations[transformerAnnotation]; ok {
		annotations[transformerAnnotation] = s.realNames(made)
	}
	u.SetAnnotations(annotations)
	return nil
}

// transformerAnnotation is what buildMetadata: [transformerAnnotations] leaves on an object.
const transformerAnnotation = "alpha.config.kubernetes.io/transformations"
