package render

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/sealed"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/sops"
)

// A value that SOPS encrypted may stand in data and stringData of a Secret. The library copies and moves values as a
// kustomization says, so where one of them went is found in what was rendered: by the values themselves. A variable from a
// Secret is filled in after that, see substitute.go, and so it is known where.

// mayHold reports whether values that are hidden may stand anywhere in an object of this name, which may still get it.
func mayHold(o Object, name string, rules []ObjectRule) bool {
	return slices.ContainsFunc(rules, func(r ObjectRule) bool {
		fits, err := path.Match(r.Name, name)
		return r.IsKind(o) && (r.Name == "" || err == nil && fits)
	})
}

// ruleHint says which setting lets an object hold such values.
func ruleHint(o Object) string {
	name := o.GetName()
	if hashed.MatchString(name) { // another one for other values
		name = hashed.ReplaceAllString(name, "-*")
	}
	return fmt.Sprintf("if that is meant, name it in allowSealedValues of the app in gitops.yaml: `- {kind: %s, name: %s}`", o.GetKind(), name)
}

// holdsValues tells whether a field of a Secret holds its values.
func holdsValues(field string) bool { return field == "data" || field == "stringData" }

// leavesOf returns what SOPS encrypted in a manifest, each value with the place it comes from. Without a rule SOPS encrypts a manifest
// as a whole; what identifies the object was not meant to be a secret.
func leavesOf(file string, doc document, leaves []sops.Leaf) map[string]string {
	values := map[string]string{}
	for _, l := range leaves {
		at := l.Path
		for len(at) > 1 && at[0] == "items" {
			at = at[1:]
		}
		switch at[0] {
		case "apiVersion", "kind", "metadata", "type", "immutable":
		default:
			values[l.Text] = fmt.Sprintf("%s of %s", strings.Join(l.Path, "."), Origin{File: file, Line: doc.start + l.Line - 1})
		}
	}
	return values
}

// hiddenValues are the values of variables from Secrets that may not be shown.
func (s *Substitute) hiddenValues() map[string]string {
	if s == nil {
		return nil
	}
	all := map[string]string{}
	for name, value := range s.Vars {
		if !s.hides(name) {
			continue
		}
		text := fmt.Sprint(value)
		if s.Dialect == DialectFlux {
			text, _ = insertedText(value)
		}
		all[text] = "variable " + name
	}
	maps.Copy(all, s.made)
	return all
}

// hasSecrets reports whether a render is given what may not be shown, or what decrypts it.
func (o Options) hasSecrets() bool {
	return o.AgeKeys != "" || len(o.Substitute.hiddenValues()) > 0 || slices.ContainsFunc(o.Values, func(g GivenValues) bool { return g.Secret })
}

// readable yields what everybody who may read Git can read of what the render was given: a value that stands there by itself is
// hidden from nobody. Files that are encrypted are among them as they lie in Git.
func (t *tree) readable(o Options) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for _, data := range slices.AppendSeq(slices.Clone(t.rendered), maps.Values(t.files)) {
			if !yield(string(data)) {
				return
			}
		}
		given := []any{o.Helm, o.Overlay}
		if o.Substitute != nil {
			for name, value := range o.Substitute.Vars {
				if !o.Substitute.hides(name) {
					given = append(given, value)
				}
			}
		}
		if text, err := json.Marshal(given); err == nil {
			yield(string(text))
		}
	}
}

// guard refuses objects that hold values where they do not belong, and returns the values that are to be masked in all that is
// shown of the objects.
func (t *tree) guard(objects []Object, o Options) *sealed.Values {
	known := sealed.New(t.guardCuts()).Without(t.readable(o))
	for _, rendered := range objects {
		if (known != nil || len(t.encrypted) > 0) && !mayHold(rendered, rendered.GetName(), t.mayHold) {
			t.guardObject(rendered, known)
		}
	}
	variables := sealed.New(sealed.Lines(o.Substitute.hiddenValues())).Without(t.readable(o))
	if variables != nil && o.Substitute.Dialect != DialectFlux { // which may put them into any object
		variables = variables.Without(t.public(objects))
	}
	return known.Join(variables).Join(t.lines(o))
}

// lines are those of values that have several: they are masked, and refused nowhere. A file in a Secret shares lines with others.
func (t *tree) lines(o Options) *sealed.Values {
	return sealed.New(sealed.Lines(t.known)).Without(t.readable(o))
}

// guardObject refuses one object.
func (t *tree) guardObject(o Object, known *sealed.Values) {
	secret := isSecret(o.Unstructured)
	refuse := func(line int, format string, args ...any) {
		at := o.Origin
		if line > 0 {
			at.Line = line
		}
		t.problems = append(t.problems, Problem{Origin: at, Object: o.ID(), Message: fmt.Sprintf(format, args...),
			Hint: "only data and stringData of Secrets may hold it; " + ruleHint(o)})
	}
	own, isOwn := t.ownValues(o)
	if !secret && !isOwn && t.encrypted[o.Origin] != nil {
		refuse(0, "the manifest is encrypted with SOPS, and a %s is made of it", o.GetKind())
		return
	}
	var look func(value any, at []any)
	look = func(value any, at []any) {
		switch v := value.(type) {
		case map[string]any:
			for _, key := range slices.Sorted(maps.Keys(v)) {
				if known.In(key) {
					refuse(0, "a key of %s holds a value %s", fieldPath(at), whence(known.Of(key)))
				}
				if len(at) == 1 && secret && holdsValues(fmt.Sprint(at[0])) {
					continue
				}
				look(v[key], append(at[:len(at):len(at)], key))
			}
		case []any:
			for i, item := range v {
				look(item, append(at[:len(at):len(at)], i))
			}
		case string, int64, float64:
			text := sealed.Text(v)
			if at[0] != "metadata" {
				text = own.Mask(text)
			}
			if known.In(text) {
				refuse(t.fieldLine(o.Origin, at), "%s holds a value %s", fieldPath(at), whence(known.Of(text)))
			}
		}
	}
	look(o.Object, nil)
}

// whence says why a value is hidden.
func whence(from string) string {
	if strings.Contains(from, " of Secret/") {
		return "of a Secret: " + from
	}
	return "that is encrypted in Git: " + from
}

// fieldLine returns the line of a field of the object at an origin, whatever it holds there, 0 when the file does not show it.
func (t *tree) fieldLine(at Origin, path []any) int {
	data, err := t.readFile(at.File)
	if err != nil {
		return 0
	}
	return locate(data, at.Line, path, func(*yaml.Node) bool { return true })
}

// fieldPath writes a path as spec.containers[0].name.
func fieldPath(at []any) string {
	var out strings.Builder
	for i, step := range at {
		switch step := step.(type) {
		case int:
			fmt.Fprintf(&out, "[%d]", step)
		case string:
			if strings.ContainsAny(step, "./") {
				fmt.Fprintf(&out, "[%s]", step)
				continue
			}
			if i > 0 {
				out.WriteByte('.')
			}
			out.WriteString(step)
		}
	}
	return out.String()
}

// public yields the texts of objects that nobody hides: all but values of Secrets, of objects that may hold hidden ones, and of
// objects that were encrypted.
func (t *tree) public(objects []Object) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for _, o := range objects {
			if mayHold(o, o.GetName(), t.mayHold) {
				continue
			}
			own, _ := t.ownValues(o)
			shown := own.Object(o.Unstructured).Object
			if isSecret(o.Unstructured) {
				shown = maps.Clone(shown)
				delete(shown, "data")
				delete(shown, "stringData")
			}
			if text, err := json.Marshal(shown); err == nil && !yield(string(text)) {
				return
			}
		}
	}
}

// conceal masks the values in an error of the render.
func (t *tree) conceal(err error, o Options) error {
	from := o.Substitute.hiddenValues()
	if len(t.known)+len(from) == 0 {
		return err
	}
	hidden := sealed.New(sealed.Lines(from)).Join(sealed.New(sealed.Lines(t.known))).Without(t.readable(o))
	var needs *needsError
	if errors.As(err, &needs) {
		return err // it names charts, and nothing of what was decrypted
	}
	var problems Problems
	if !errors.As(err, &problems) {
		return hidden.Error(err)
	}
	masked := make(Problems, len(problems))
	for i, p := range problems {
		masked[i] = Problem{Origin: Origin{File: hidden.Mask(p.Origin.File), Line: p.Origin.Line}, Object: hidden.Mask(p.Object), Message: hidden.Mask(p.Message), Hint: hidden.Mask(p.Hint)}
	}
	return masked
}
