package render

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
	sigsyaml "sigs.k8s.io/yaml"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/envsubst"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
)

// The kustomize-controller of Flux writes each object as YAML, replaces expressions in this text, and reads it again. The YAML is that
// of sigs.k8s.io/yaml: keys are sorted, and only strings that YAML would read as something else have quotes. So a value decides
// itself whether it becomes a number, and may become a list.

const (
	maxFluxSteps  = 1 << 30 // about a second
	maxFluxLooked = 200     // how many fields of a render are looked up in files, for warnings
)

// fluxRun is the substitution in the objects of one render.
type fluxRun struct {
	*Substitute
	tree   *tree
	warn   func(text string)
	values map[string]string // as they are inserted
	budget envsubst.Budget
	kept   map[string]bool // variables that are not known
	looked int
}

// applyFlux substitutes in all objects as postBuild of a Flux Kustomization does.
func (s *Substitute) applyFlux(t *tree, objects []Object, warn func(text string)) error {
	values, err := s.inserted()
	if err != nil || len(values) == 0 && !s.Always && !s.Unread { // without any variable, Flux does not even read defaults
		return err
	}
	r := &fluxRun{Substitute: s, tree: t, warn: warn, values: values, kept: map[string]bool{},
		budget: envsubst.Budget{Bytes: int(t.limits.TotalBytes), Steps: maxFluxSteps}}
	for i, o := range objects {
		if disabledForFlux(o) || !holdsDollar(o.Object) {
			continue
		}
		after, problem := r.object(o)
		if problem != nil {
			t.problems = append(t.problems, *problem)
			continue
		}
		f := &filling{Substitute: s, object: o}
		onlyReferences := f.onlyReferences()
		o.Unstructured.Object = after
		objects[i].Sealed = o.Sealed || isSecret(o.Unstructured) && onlyReferences
	}
	if len(r.kept) > 0 {
		r.warn("the objects of substitute.from are not read here, so these variables stay as they are written: " + strings.Join(slices.Sorted(maps.Keys(r.kept)), ", "))
	}
	return nil
}

// disabledForFlux reports whether an object says that it is left alone. Flux reads its label, too, and no other spelling.
func disabledForFlux(o Object) bool {
	return strings.EqualFold(o.GetAnnotations()[substituteAnnotation], "disabled") ||
		o.GetAnnotations()[fluxSubstituteAnnotation] == "disabled" || o.GetLabels()[fluxSubstituteAnnotation] == "disabled"
}

// inserted returns the variables as texts. Flux removes line breaks, and accepts no name that a shell would not.
func (s *Substitute) inserted() (map[string]string, error) {
	values := make(map[string]string, len(s.Vars))
	for _, name := range slices.Sorted(maps.Keys(s.Vars)) {
		if err := envsubst.CheckName(name); err != nil {
			if from, is := s.Secret[name]; is {
				err = fmt.Errorf("%s: %w", "Secret/"+from, err)
			}
			return nil, hint.With(fmt.Errorf("variables: %w", err), "rename or remove the key: with the flux dialect each key of an object in substitute.from is a variable")
		}
		text, scalar := insertedText(s.Vars[name])
		if !scalar {
			return nil, fmt.Errorf("variable %s is %s, not a scalar", name, kindOf(s.Vars[name]))
		}
		values[name] = text
	}
	return values, nil
}

// holdsDollar reports whether anything in a value could be an expression, or the escape of one.
func holdsDollar(value any) bool {
	switch v := value.(type) {
	case string:
		return strings.Contains(v, "$")
	case []any:
		return slices.ContainsFunc(v, holdsDollar)
	case map[string]any:
		for key, inner := range v {
			if strings.Contains(key, "$") || holdsDollar(inner) {
				return true
			}
		}
	}
	return false
}

// lookup is an envsubst.Lookup. A variable that is not set is empty.
func (r *fluxRun) lookup(name string) (string, bool) {
	value, set := r.values[name]
	return value, set || !r.Unread
}

// object returns the content of an object with its variables replaced.
func (r *fluxRun) object(o Object) (map[string]any, *Problem) {
	text, err := json.Marshal(o.Object)
	if err == nil {
		text, err = sigsyaml.JSONToYAML(text)
	}
	if err != nil {
		return nil, &Problem{Origin: o.Origin, Object: o.ID(), Message: "cannot be written as YAML"}
	}
	template, err := envsubst.Parse(string(text))
	if err != nil {
		return nil, r.wrong(o, string(text), err)
	}
	result, err := template.Expand(r.lookup, &r.budget)
	if err != nil {
		return nil, r.wrong(o, string(text), err)
	}
	after, err := readSubstituted(result.Text)
	if err != nil {
		return nil, r.unreadable(o, result, err)
	}
	if !depthWithin(after, r.tree.limits.Depth) {
		return nil, &Problem{Origin: o.Origin, Object: o.ID(), Message: fmt.Sprintf("with its variables replaced, values are nested more than %d levels deep", r.tree.limits.Depth)}
	}
	for _, name := range result.Kept {
		r.kept[name] = true
	}
	hiddenForms{r.Substitute, r.warn}.follow(o, result, after)
	r.noteTypes(o, o.Object, after, nil)
	return after, nil
}

// wrong says which expression cannot be replaced.
func (r *fluxRun) wrong(o Object, text string, err error) *Problem {
	p := &Problem{Origin: o.Origin, Object: o.ID(), Message: err.Error(), Hint: "write $${ for a ${ that should stay in the manifest, or switch substitution off for the object: annotation " + fluxSubstituteAnnotation + ": disabled"}
	var at *envsubst.Error
	if errors.As(err, &at) {
		p.Origin = r.tree.lineOf(o.Origin, expressionStart.FindString(text[at.At:]))
	}
	return p
}

var (
	expressionStart = regexp.MustCompile(`^\$\{#?\w*`)

	yamlPrefix = regexp.MustCompile(`^.*?yaml: (?:line (\d+): )?`)
	yamlQuoted = regexp.MustCompile("(?s)['`\"].*['`\"]")
)

// unreadable says that an object is no longer YAML, and which variables stand where the parser stopped. What the parser quotes may
// be a secret.
func (r *fluxRun) unreadable(o Object, result envsubst.Result, err error) *Problem {
	reason, line := err.Error(), 0
	if m := yamlPrefix.FindStringSubmatch(reason); m != nil {
		line, _ = strconv.Atoi(m[1])
		reason = reason[len(m[0]):]
	}
	reason = strings.TrimSpace(yamlQuoted.ReplaceAllString(reason, "..."))
	var names []string
	for _, near := range []int{0, -1, 1, math.MaxInt} {
		for _, p := range result.Places {
			at := 1 + strings.Count(result.Text[:p.Start], "\n")
			if p.Start < p.End && (near == math.MaxInt || at == line+near) && !slices.Contains(names, p.Names[0]) {
				names = append(names, p.Names[0])
			}
		}
		if len(names) > 0 {
			break
		}
	}
	p := &Problem{Origin: o.Origin, Object: o.ID(), Message: "with its variables replaced, the object is not valid YAML: " + reason,
		Hint: `the flux dialect inserts text into YAML, as Flux does: a value such as "a: b" needs quotes of its own, '"a: b"'`}
	if len(names) > 0 {
		p.Message = fmt.Sprintf("with ${%s} replaced, the object is not valid YAML: %s", strings.Join(names, "}, ${"), reason)
		p.Origin = r.tree.lineOf(o.Origin, "${"+names[0])
	}
	return p
}

// noteTypes warns of strings in quotes that are no strings any more.
func (r *fluxRun) noteTypes(o Object, before, after any, at []any) {
	switch b := before.(type) {
	case map[string]any:
		a, _ := after.(map[string]any)
		for _, key := range slices.Sorted(maps.Keys(b)) {
			if inner, stays := a[key]; stays {
				r.noteTypes(o, b[key], inner, append(at[:len(at):len(at)], key))
			}
		}
	case []any:
		if a, is := after.([]any); is && len(a) == len(b) {
			for i := range b {
				r.noteTypes(o, b[i], a[i], append(at[:len(at):len(at)], i))
			}
		}
	case string:
		if _, still := after.(string); still || !strings.Contains(b, "${") || r.looked == maxFluxLooked {
			return
		}
		r.looked++
		data, err := r.tree.readFile(o.Origin.File)
		if err != nil {
			return
		}
		line := locate(data, o.Origin.Line, at, func(n *yaml.Node) bool { return n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0 })
		if line > 0 {
			r.warn(fmt.Sprintf("%s: %s: %s becomes %s: as in Flux, the quotes around ${...} do not count; a value with quotes of its own, '\"8080\"', stays a string",
				Origin{File: o.Origin.File, Line: line}, o.ID(), fieldPath(at), kindOf(after)))
		}
	}
}
