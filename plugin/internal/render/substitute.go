package render

import (
	"bytes"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"
)

// Annotations that switch substitution off for one object.
const (
	substituteAnnotation     = "kubectl-gitops.dev/substitute"
	fluxSubstituteAnnotation = "kustomize.toolkit.fluxcd.io/substitute"
)

var (
	reference = regexp.MustCompile(`\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)([^}]*)(\}?)`)
	wholeRef  = regexp.MustCompile(`^\$\{([A-Za-z_][A-Za-z0-9_]*)\}$`)
)

// applyStrict substitutes in the values of all objects.
func (s *Substitute) applyStrict(t *tree, objects []Object) {
	misused := map[string][]string{} // variables, by the Secret that they come from
	before := len(t.problems)
	for i, o := range objects {
		annotations := o.GetAnnotations()
		if strings.EqualFold(annotations[substituteAnnotation], "disabled") || strings.EqualFold(annotations[fluxSubstituteAnnotation], "disabled") {
			continue
		}
		f := &filling{Substitute: s, object: o, problems: map[string]string{}}
		secret, allowed := isSecret(o.Unstructured), mayHold(o, fmt.Sprint(f.text(o.GetName())), t.mayHold)
		objects[i].Sealed = o.Sealed || secret && f.onlyReferences()
		for key, value := range o.Object {
			f.hidden = allowed || secret && holdsValues(key)
			o.Object[key] = f.value(value)
		}
		for _, variable := range slices.Sorted(maps.Keys(f.problems)) {
			t.problems = append(t.problems, Problem{Origin: t.lineOf(o.Origin, "${"+variable), Object: o.ID(),
				Message: f.problems[variable], Hint: notOurs})
			if from, is := s.Secret[variable]; is && !slices.Contains(misused[from], variable) {
				misused[from] = append(misused[from], variable)
			}
		}
	}
	for i := range t.problems[before:] {
		p := &t.problems[before+i]
		if from, is := s.Secret[misusedVariable(p.Message)]; is {
			p.Hint = fmt.Sprintf("if these values are no secrets, say so at `name: %s` in substitute.from of the app: `plain: [%s]`", from, strings.Join(slices.Sorted(slices.Values(misused[from])), ", "))
		}
	}
}

const (
	notOurs      = "write $${ for a ${ that should stay in the manifest"
	misusedStart = "variable "
	misusedEnd   = " comes from a Secret: it may be used in data and stringData of Secrets only"
)

// misusedVariable is the variable that a problem says to come from a Secret.
func misusedVariable(message string) string {
	name, found := strings.CutSuffix(strings.TrimPrefix(message, misusedStart), misusedEnd)
	if !found {
		return ""
	}
	return name
}

// filling is the substitution in one object.
type filling struct {
	*Substitute
	object   Object
	hidden   bool              // where it fills in, values that are hidden may stand
	problems map[string]string // by name
}

func (f *filling) value(value any) any {
	switch v := value.(type) {
	case map[string]any:
		for key, inner := range v {
			v[key] = f.value(inner)
		}
	case []any:
		for i, inner := range v {
			v[i] = f.value(inner)
		}
	case string:
		return f.text(v)
	}
	return value
}

func (f *filling) text(text string) any {
	if m := wholeRef.FindStringSubmatch(text); m != nil {
		if value, ok := f.lookup(m[1]); ok {
			return value
		}
		return text
	}
	if !strings.Contains(text, "${") {
		return text
	}
	return reference.ReplaceAllStringFunc(text, func(all string) string {
		if all == "$${" {
			return "${"
		}
		m := reference.FindStringSubmatch(all)
		name, rest := m[1], m[2]
		standIn, hasStandIn := strings.CutPrefix(rest, ":=")
		if !hasStandIn {
			standIn, hasStandIn = strings.CutPrefix(rest, ":-")
		}
		if m[3] == "" || rest != "" && !hasStandIn {
			f.problems[name+rest] = fmt.Sprintf("after ${%s, only } or := can follow", name)
			return all
		}
		if _, set := f.Vars[name]; !set && hasStandIn {
			return standIn
		}
		if value, ok := f.lookup(name); ok {
			return fmt.Sprint(value)
		}
		return all
	})
}

// lookup returns a variable, or says what is wrong with it.
func (f *filling) lookup(name string) (any, bool) {
	value, set := f.Vars[name]
	switch {
	case !set:
		message := "variable " + name + " is not set"
		if len(f.Vars) > 0 && len(f.Vars) <= 20 {
			message += "; known variables: " + strings.Join(slices.Sorted(maps.Keys(f.Vars)), ", ")
		}
		f.problems[name] = message
		return nil, false
	case !f.hidden && f.hides(name):
		f.problems[name] = misusedStart + name + misusedEnd
		return nil, false
	}
	switch v := value.(type) {
	case string, bool, int64:
		return v, true
	case int:
		return int64(v), true
	case float64:
		if v == math.Trunc(v) && math.Abs(v) < 1<<53 { // a whole number that went through JSON
			return int64(v), true
		}
		return v, true
	}
	f.problems[name] = "variable " + name + " is " + kindOf(value) + ", not a scalar"
	return nil, false
}

// onlyReferences reports whether all values of a Secret are references to variables from Secrets: then none of them can be read in Git.
func (f *filling) onlyReferences() bool {
	found := false
	for _, field := range []string{"data", "stringData"} {
		values, _ := f.object.Object[field].(map[string]any)
		for _, value := range values {
			text, _ := value.(string)
			m := wholeRef.FindStringSubmatch(text)
			if m == nil {
				return false
			}
			_, fromSecret := f.Secret[m[1]]
			if _, set := f.Vars[m[1]]; !fromSecret && (set || !f.Unread) {
				return false
			}
			found = true
		}
	}
	return found
}

// lineOf moves an origin down to the first line of the file that holds text; it stays when there is none.
func (t *tree) lineOf(at Origin, text string) Origin {
	data, err := t.readFile(at.File)
	if err != nil {
		return at
	}
	number := 0
	for line := range bytes.Lines(data) {
		if number++; number >= at.Line && bytes.Contains(line, []byte(text)) {
			return Origin{File: at.File, Line: number}
		}
	}
	return at
}
