package render

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/kustomize/api/resource"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/resid"
)

// survey reads what the overlay of k names, refuses what must not happen, and notes its steps. Without an overlay there is nothing to do.
func (l *layer) survey(s *survey, k *kustomization) error {
	if l == nil {
		return nil
	}
	// A kustomization at the root of the repository, which is written in gitops.yaml: so paths are those of any other one.
	from := &kustomization{dir: ".", shown: ".", file: l.at("").File, moved: map[string]string{}, lines: l.lines()}
	for i, name := range l.Components {
		if err := l.component(s, k, from, i, name); err != nil {
			return err
		}
	}
	k.loads, k.items = min(k.loads+from.loads, maxLoads+1), min(k.items+from.items, s.limits.Objects+1)
	for i, p := range l.Patches {
		if err := l.patch(s, from, fmt.Sprintf("patches[%d]", i), p); err != nil {
			return err
		}
	}
	l.single("namespace", l.Namespace)
	l.single("namePrefix", l.NamePrefix)
	l.single("nameSuffix", l.NameSuffix)
	for i, r := range l.Replicas {
		l.add(step{at: l.at(fmt.Sprintf("replicas[%d]", i)), field: "replicas", what: "replicas: no workload is called " + quote(r.Name),
			value: map[string]any{"name": r.Name, "count": r.Count}, only: r.Name})
	}
	for i, image := range l.Images {
		at := l.at(fmt.Sprintf("images[%d]", i))
		if pattern, err := imagePattern(image.Name); err != nil || pattern.MatchString("") {
			s.problems = append(s.problems, Problem{Origin: at, Message: fmt.Sprintf("%q is not the name of an image", image.Name), Hint: "write it without tag and digest"})
			continue
		}
		value := map[string]any{"name": image.Name}
		for field, text := range map[string]string{"newName": image.NewName, "newTag": image.NewTag, "digest": image.Digest} {
			if text != "" {
				value[field] = text
			}
		}
		l.add(step{at: at, field: "images", value: value, what: "images: no container has the image " + quote(image.Name)})
	}
	return nil
}

func quote(text string) string { return fmt.Sprintf("%q", text) }

func (l *layer) add(s step) { l.steps = append(l.steps, s) }

// single adds a field that holds one text.
func (l *layer) single(field, value string) {
	if value != "" {
		l.add(step{at: l.at(field), field: field, value: value})
	}
}

// lines finds the lines of the overlay by its texts, as those of a kustomization are found.
func (v *Overlay) lines() lineIndex {
	root := &yaml.Node{Kind: yaml.SequenceNode}
	note := func(place, text string, style yaml.Style) {
		root.Content = append(root.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: text, Line: v.at(place).Line, Style: style})
	}
	for i, name := range v.Components {
		note(fmt.Sprintf("components[%d]", i), name, 0)
	}
	for i, p := range v.Patches {
		if p.Path != "" {
			note(fmt.Sprintf("patches[%d]", i), p.Path, 0)
		} else {
			note(fmt.Sprintf("patches[%d].patch", i), p.Patch, yaml.LiteralStyle)
		}
	}
	return lineIndex{root: root, aliases: map[string]string{}}
}

// component surveys the directory of a component, which k builds.
func (l *layer) component(s *survey, k, from *kustomization, i int, name string) error {
	real, ok, err := s.locate(from, name)
	if err != nil || !ok {
		return err
	}
	refuse := func(hint, format string, args ...any) error {
		return s.refuse(from.problem(from.lines.of(name), hint, format, args...))
	}
	if !s.isDir(real) {
		return refuse("name the directory that its kustomization.yaml is in", "%q is a file, not the directory of a component", name)
	}
	before := len(s.problems)
	if err := s.base(from, name, real); err != nil || len(s.problems) > before {
		return err
	}
	if c := s.known(real); c != nil && c.spec.Kind != types.ComponentKind {
		return refuse("write apiVersion: kustomize.config.k8s.io/v1alpha1 and kind: Component into its kustomization", "%q is not a Component", name)
	}
	way, err := filepath.Rel(k.shown, cmp.Or(from.moved[name], path.Clean(name)))
	if err != nil {
		return err
	}
	if way = filepath.ToSlash(way); isRemote(way) {
		return refuse("give the directory another name", "Kustomize would read the way to %q as an address", name)
	}
	l.add(step{at: l.at(fmt.Sprintf("components[%d]", i)), field: "components", value: way})
	return nil
}

// patch reads and checks a patch.
func (l *layer) patch(s *survey, from *kustomization, place string, p OverlayPatch) error {
	at, text := l.at(place), []byte(p.Patch)
	refuse := func(hint, format string, args ...any) error {
		return s.refuse(Problem{Origin: at, Message: fmt.Sprintf(format, args...), Hint: hint})
	}
	before := len(s.problems)
	switch {
	case p.Path != "" && p.Patch != "":
		return refuse("keep one of the two", "the patch has both patch and path")
	case p.Path != "":
		data, err := s.file(from, p.Path)
		if err != nil || data == nil {
			return err
		}
		real, err := s.resolve(from.at(p.Path))
		if err != nil {
			return s.refuse(err)
		}
		if text, _, err = s.decryptFile(real, data); err != nil {
			return s.refuse(err)
		}
		s.syntax(from.at(p.Path), text, 0)
		if s.readable(real, text); s.plain[real] != nil {
			text = s.plain[real]
		}
	default:
		s.syntax(from.file, text, from.lines.ofText(p.Patch))
	}
	if err := p.Target.check(); err != nil {
		return refuse("names, kinds and namespaces are regular expressions; selectors are written as for kubectl -l", "the target of the patch cannot be read: %v", err)
	}
	if len(s.problems) > before {
		return nil
	}
	return l.documents(s, at, p, text)
}

const matchesNothing = " matches no object"

const neitherHint = "begin it with apiVersion, kind and metadata.name, or with a list of op, path and value"

// documents adds a step for each document of a patch.
func (l *layer) documents(s *survey, at Origin, p OverlayPatch, text []byte) error {
	refuse := func(hint, message string) error {
		return s.refuse(Problem{Origin: at, Message: message, Hint: hint})
	}
	docs, problem := documents(at.File, text)
	switch {
	case problem != nil:
		return nil // it was reported
	case len(docs) == 0:
		return refuse("write the patch, or remove it", "the patch is empty")
	}
	hasTarget, name := p.Target != OverlayTarget{}, ""
	if p.Path != "" {
		name = p.Path + " "
	}
	for _, doc := range docs {
		value, err := toValue(doc.text, false)
		if err != nil {
			return nil //nolint:nilerr // it was reported
		}
		part := step{at: at, field: "patches", what: "the patch " + name + "for "}
		change := map[string]any{"patch": string(bytes.TrimSpace(doc.text))}
		_, isList := value.([]any)
		objects, err := parseObjects(doc.text)
		switch {
		case isList && bytes.HasPrefix(bytes.TrimSpace(doc.text), []byte("[")) && !json.Valid(doc.text):
			return refuse("write each operation after -, or put the keys in quotes", "Kustomize reads a patch that begins with [ as JSON, and it is not JSON")
		case isList && !hasTarget:
			return refuse("name the objects under target", "the JSON patch has no target")
		case hasTarget && len(docs) > 1:
			return refuse("write one patch for each, or leave out the target", "a patch with a target holds one document")
		case !isList && (err != nil || len(objects) == 0):
			return refuse(neitherHint, "the patch is neither an object (strategic merge patch) nor a list of operations (JSON patch)")
		case hasTarget:
			change["target"], part.target = p.Target.fields(), &p.Target
			part.value, part.what = change, part.what+p.Target.String()+matchesNothing
			l.add(part)
			continue
		}
		for _, o := range objects {
			if len(objects) > 1 { // a List
				asYAML, err := o.AsYAML()
				if err != nil {
					return refuse(neitherHint, "the patch is not what Kustomize reads")
				}
				change = map[string]any{"patch": string(asYAML)}
			}
			one := part
			one.value, one.only, one.what = change, o.OrgId().String(), part.what+nameOf(o)+matchesNothing
			l.add(one)
		}
	}
	return nil
}

// nameOf is "Deployment shop/web".
func nameOf(o *resource.Resource) string {
	if ns := o.GetNamespace(); ns != "" {
		return o.GetKind() + " " + ns + "/" + o.GetName()
	}
	return o.GetKind() + " " + o.GetName()
}

// parts are the fields of a target as a kustomization names them, in the order in which they are shown.
func (t OverlayTarget) parts() [][2]string {
	return [][2]string{{"group", t.Group}, {"version", t.Version}, {"kind", t.Kind}, {"name", t.Name}, {"namespace", t.Namespace},
		{"labelSelector", t.LabelSelector}, {"annotationSelector", t.AnnotationSelector}}
}

func (t OverlayTarget) fields() map[string]any {
	all := map[string]any{}
	for _, part := range t.parts() {
		if part[1] != "" {
			all[part[0]] = part[1]
		}
	}
	return all
}

// String is "kind Deployment, name web".
func (t OverlayTarget) String() string {
	var kept []string
	for _, part := range t.parts() {
		if part[1] != "" {
			kept = append(kept, part[0]+" "+part[1])
		}
	}
	return strings.Join(kept, ", ")
}

// check returns what is wrong with the expressions of a target.
func (t OverlayTarget) check() error {
	_, err := t.matcher()
	return err
}

// matcher returns a function that tells whether the target selects an object as it is before any change.
func (t OverlayTarget) matcher() (func(Object) bool, error) {
	selector := types.Selector{ResId: resid.ResId{Gvk: resid.Gvk{Group: t.Group, Version: t.Version, Kind: t.Kind}, Name: t.Name, Namespace: t.Namespace}}
	names, err := types.NewSelectorRegex(&selector)
	if err != nil {
		return nil, err
	}
	withLabels, err := labels.Parse(t.LabelSelector)
	if err != nil {
		return nil, err
	}
	withAnnotations, err := labels.Parse(t.AnnotationSelector)
	if err != nil {
		return nil, err
	}
	return func(o Object) bool {
		id := idOf(o)
		return names.MatchGvk(id.Gvk) && names.MatchName(id.Name) && names.MatchNamespace(id.EffectiveNamespace()) &&
			withLabels.Matches(labels.Set(o.GetLabels())) && withAnnotations.Matches(labels.Set(o.GetAnnotations()))
	}, nil
}

// idOf is how the library knows an object.
func idOf(o Object) resid.ResId {
	gvk := o.GroupVersionKind()
	return resid.NewResIdWithNamespace(resid.NewGvk(gvk.Group, gvk.Version, gvk.Kind), o.GetName(), o.GetNamespace())
}

// imagePattern matches references to an image, as the library matches them: with the name as an expression.
func imagePattern(name string) (*regexp.Regexp, error) {
	return regexp.Compile("^" + name + "(:[a-zA-Z0-9_.{}-]*)?(@sha256:[a-zA-Z0-9_.{}-]*)?$")
}
