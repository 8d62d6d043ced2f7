package apply

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/manifest"
)

const unknown = "unknown field"

// typedObject begins the answer to values that have the right type and still cannot be read. The answer does not say where
// they are.
const typedObject = "failed to convert new "

// typedPatch begins the answer to an apply that does not fit the schema. The rest names the object and lists the places.
const typedPatch = "failed to create typed patch object ("

// isMismatch reports whether the server refused a manifest that does not fit the schema.
func isMismatch(err error) bool {
	var api apierrors.APIStatus
	return errors.As(err, &api) && len(mismatches(api.Status().Message, nil)) > 0
}

// mismatches returns all places that the API server names in its answer about a manifest. The values come from the manifest:
// those in the answer are formatted for programmers, and may be secret.
func mismatches(message string, manifest map[string]any) []mismatch {
	var out []mismatch
	if i := strings.Index(message, typedPatch); i >= 0 {
		_, list, ok := strings.Cut(message[i:], "): ")
		if !ok {
			return nil
		}
		for line := range strings.SplitSeq(strings.TrimPrefix(list, "errors:"), "\n") {
			if line = strings.TrimSpace(line); strings.HasPrefix(line, ".") {
				out = append(out, mismatchIn(line, manifest))
			}
		}
		if len(out) == 0 {
			out = []mismatch{{text: "does not fit the schema of its kind"}}
		}
		return out
	}
	if i := strings.Index(message, typedObject); i >= 0 {
		return unconverted(message[i:], manifest)
	}
	for _, m := range strictField.FindAllStringSubmatch(message, -1) {
		names, at, value := resolve("."+m[1], manifest)
		out = append(out, mismatch{path: names, at: at, value: value, text: unknown})
	}
	return out
}

var (
	typeWanted = regexp.MustCompile(`^expected (string|numeric|boolean|map|list|any scalar)`)
	withoutKey = regexp.MustCompile(`^element (\d+): associative list with keys has an element that omits key field "([^"]+)"`)
)

// mismatchIn reads one line: a path, a colon, and what is wrong there.
func mismatchIn(line string, manifest map[string]any) mismatch {
	place, why := splitPlace(line)
	names, at, value := resolve(place, manifest)
	m := mismatch{path: names, at: at, value: value}
	switch w, k := typeWanted.FindStringSubmatch(why), withoutKey.FindStringSubmatch(why); {
	case why == "field not declared in schema":
		m.text = unknown
	case w != nil:
		m.text, m.advice = misfit(w[1], value, names != nil)
	case strings.HasPrefix(why, "duplicate entries for key"):
		m.again(strings.TrimSpace(strings.TrimPrefix(why, "duplicate entries for key")))
	case k != nil:
		if i, err := strconv.Atoi(k[1]); err == nil {
			m.path, m.at = append(m.path, i), fmt.Sprintf("%s[%d]", m.at, i)
			_, m.value = follow(manifest, m.path)
		}
		m.text, m.advice = "has no "+k[2], "give each item of the list a "+k[2]
	default:
		m.text = "does not fit the schema of its kind"
	}
	return m
}

// misfit returns the message and the hint for a value of the wrong type. The message names the type of the value, not the
// value.
func misfit(want string, value any, known bool) (text, advice string) {
	names := map[string]string{"string": "a string", "numeric": "a number", "boolean": "true or false", "map": "a mapping", "list": "a list", "any scalar": "a single value"}
	text = "must be " + names[want]
	if !known {
		return text, ""
	}
	text += ", not " + typeName(value)
	s, isText := value.(string)
	_, notANumber := strconv.ParseFloat(s, 64)
	switch {
	case want == "string" && (typeName(value) == "a number" || typeName(value) == "a boolean"):
		advice = fmt.Sprintf("put the value in quotes: %q", fmt.Sprint(value))
	case isText && want == "numeric" && notANumber == nil, isText && want == "boolean" && (s == "true" || s == "false"):
		advice = "write it without quotes: " + s
	case want == "map" || want == "list" || want == "any scalar" || want == "string":
		advice = "check the indentation, and the dashes (-) of lists"
	}
	return text, advice
}

func typeName(value any) string {
	switch value.(type) {
	case nil:
		return "null"
	case bool:
		return "a boolean"
	case int64, float64, json.Number:
		return "a number"
	case []any:
		return "a list"
	case map[string]any:
		return "a mapping"
	}
	return "a string"
}

// again turns m into the place of the second of two list items with the same key, which the server writes like [name="web"].
func (m *mismatch) again(key string) {
	list, _ := m.value.([]any)
	m.text = "has two items with the key " + keyWords(key)
	m.advice = "remove one of the two, or rename it"
	found := 0
	for i, item := range list {
		if !matches(item, key) {
			continue
		}
		if found++; found == 2 {
			m.path, m.value = append(m.path, i), item
			return
		}
	}
}

// splitPlace cuts a line behind its path. Keys of list items are quoted as Go strings, and may hold anything.
func splitPlace(line string) (place, why string) {
	inBrackets, inQuotes := 0, false
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case inQuotes && c == '\\':
			i++
		case c == '"' && inBrackets > 0:
			inQuotes = !inQuotes
		case inQuotes:
		case c == '[':
			inBrackets++
		case c == ']':
			inBrackets--
		case c == ':' && inBrackets == 0 && strings.HasPrefix(line[i:], ": "):
			return line[:i], line[i+2:]
		}
	}
	return line, ""
}

// resolve follows a path as the server writes it, .spec.ports[containerPort=80,protocol="TCP"].name, through a manifest.
// A name may hold dots: it is the longest one that the manifest has there. names is nil where the path leads to nothing.
func resolve(place string, manifest map[string]any) (names []any, at string, value any) {
	value, lost := any(manifest), false
	for rest := place; rest != ""; {
		if strings.HasPrefix(rest, "[") {
			end := closing(rest)
			key := rest[:end]
			list, _ := value.([]any)
			i := indexOfKey(list, key)
			if lost = lost || i < 0; !lost {
				names, value = append(names, i), list[i]
			}
			at, rest = at+"["+keyWords(key)+"]", rest[end:]
			continue
		}
		rest = strings.TrimPrefix(rest, ".")
		object, _ := value.(map[string]any)
		name := ""
		for k := range object {
			if after, ok := strings.CutPrefix(rest, k); ok && len(k) > len(name) && (after == "" || after[0] == '.' || after[0] == '[') {
				name = k
			}
		}
		if lost = lost || name == ""; lost {
			name = rest[:len(rest)-len(strings.TrimLeftFunc(rest, func(r rune) bool { return r != '.' && r != '[' }))]
			if name == "" {
				return nil, at + rest, nil
			}
		} else {
			names, value = append(names, name), object[name]
		}
		at, rest = dotted(at, name), rest[len(name):]
	}
	if lost {
		return nil, at, nil
	}
	return names, at, value
}

// indexOfKey finds the item of a list that the server names by its key or its index, -1 when there is none.
func indexOfKey(list []any, key string) int {
	if n, err := strconv.Atoi(strings.Trim(key, "[]")); err == nil && n >= 0 && n < len(list) {
		return n
	}
	return slices.IndexFunc(list, func(item any) bool { return matches(item, key) })
}

// closing is the length of the bracket that text begins with.
func closing(text string) int {
	inQuotes := false
	for i := 1; i < len(text); i++ {
		switch c := text[i]; {
		case inQuotes && c == '\\':
			i++
		case c == '"':
			inQuotes = !inQuotes
		case c == ']' && !inQuotes:
			return i + 1
		}
	}
	return len(text)
}

// keyFields reads [name="web"], [containerPort=80,protocol="TCP"] or [="finalizer"].
func keyFields(key string) [][2]string {
	var out [][2]string
	rest := strings.TrimSuffix(strings.TrimPrefix(key, "["), "]")
	for rest != "" {
		name, after, ok := strings.Cut(rest, "=")
		if !ok {
			break
		}
		quoted, err := strconv.QuotedPrefix(after)
		if err != nil {
			quoted, _, _ = strings.Cut(after, ",")
		}
		out = append(out, [2]string{name, quoted})
		rest = strings.TrimPrefix(after[len(quoted):], ",")
	}
	return out
}

// matches tells whether a list item has the key. A key field that the item leaves out has its default, whatever that is.
func matches(item any, key string) bool {
	fields := keyFields(key)
	for _, f := range fields {
		v := item
		if f[0] != "" {
			object, _ := item.(map[string]any)
			has := false
			if v, has = object[f[0]]; !has {
				continue
			}
		}
		raw, err := json.Marshal(v)
		if err != nil || string(raw) != f[1] {
			return false
		}
	}
	return len(fields) > 0
}

// keyWords writes a key as other messages do: the name alone, or name=value pairs.
func keyWords(key string) string {
	fields := keyFields(key)
	var parts []string
	for _, f := range fields {
		value := f[1]
		if text, err := strconv.Unquote(value); err == nil {
			value = text
		}
		if f[0] == "name" {
			return value
		}
		if f[0] != "" {
			value = f[0] + "=" + value
		}
		parts = append(parts, value)
	}
	if len(parts) == 0 {
		return strings.Trim(key, "[]")
	}
	return strings.Join(parts, ",")
}

func follow(at any, names []any) (bool, any) {
	for _, name := range names {
		switch name := name.(type) {
		case string:
			object, _ := at.(map[string]any)
			at = object[name]
		case int:
			list, _ := at.([]any)
			if name >= len(list) {
				return false, nil
			}
			at = list[name]
		}
	}
	return true, at
}

// wordMismatches returns the message for all places, each with the line that lineOf finds, 0 when it finds none. The hint is
// that of the first.
func wordMismatches(list []mismatch, origin manifest.Origin, lineOf func(mismatch) int) (message, advice string) {
	var texts []string
	first := origin
	for i, m := range list {
		at := origin
		if line := lineOf(m); line > 0 {
			at.Line = line
		}
		if i == 0 {
			first = at
		}
		text := strings.TrimSpace(m.at + " " + m.text)
		if m.text == unknown {
			text = unknown + " " + m.at
		}
		texts = append(texts, fmt.Sprintf("%s: %s", at, text))
		advice = cmp.Or(advice, m.advice)
	}
	if advice == "" {
		advice = "correct the manifest"
		if list[0].text == unknown {
			advice = "check the spelling and indentation"
		}
	}
	return strings.Join(texts, "; "), advice + " at " + first.String()
}
