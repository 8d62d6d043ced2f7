package render

import (
	"fmt"
	"regexp"
	"strings"
)

// words translates what the library says. The text of a match may hold no value: it goes through the mask afterwards.
type words struct {
	says *regexp.Regexp
	tell func(m []string) (message, hint string)
}

// fixed is a translation without parts.
func fixed(message, hint string) func([]string) (string, string) {
	return func([]string) (string, string) { return message, hint }
}

const pointerHint = "look at the path: / in a key is written ~1, and ~ is ~0; an element of a list is named by its number"

// listsNothing is said of a kustomization without resources.
const listsNothing = "the kustomization lists nothing"

var kustomizeWords = []words{
	{regexp.MustCompile(`no matches for Id (\S+?);? failed to find unique target for patch`), func(m []string) (string, string) {
		return fmt.Sprintf("a patch is for %s, which is not among the resources", plainID(m[1])),
			"correct the kind, name or namespace in the patch, or add the object to the resources"
	}},
	{regexp.MustCompile(`multiple matches for Id (\S+?);? failed to find unique target for patch`), func(m []string) (string, string) {
		return fmt.Sprintf("a patch is for %s, and more than one of the resources is that", plainID(m[1])), "add the namespace to the patch, or give it a target"
	}},
	{regexp.MustCompile(`unable to parse SM or JSON patch from`),
		fixed("a patch is neither an object (strategic merge patch) nor a list of operations (JSON patch)", "begin it with apiVersion, kind and metadata, or with a list of op, path and value")},
	{regexp.MustCompile(`^kustomization(\.ya?ml)? is empty|^Kustomization is empty|kustomization\.yaml is empty`), fixed(listsNothing, "list the manifests under resources")},
	{regexp.MustCompile(`external plugins disabled; unable to load external plugin '([^']*)'`), func(m []string) (string, string) {
		return fmt.Sprintf("%s is not a plugin that Kustomize has built in", m[1]), "only built-in generators, transformers and validators run: no program is started"
	}},
	{regexp.MustCompile(`invalid literal source .*, expected key=value`), fixed("a literal is not NAME=VALUE", "write each literal as NAME=VALUE")},
	{regexp.MustCompile(`error in (add|remove|replace|move|copy|test) for path: '([^']*)'`), func(m []string) (string, string) {
		return fmt.Sprintf("a JSON patch wants to %s %s, and nothing is there", m[1], m[2]), pointerHint
	}},
	{regexp.MustCompile(`(add|remove|replace|move|copy|test) operation does not apply: doc is missing (?:path|key): "?([^":]*)`), func(m []string) (string, string) {
		return fmt.Sprintf("a JSON patch wants to %s %s, and nothing is there", m[1], m[2]), pointerHint
	}},
	{regexp.MustCompile(`testing (?:path|value) "?([^" ]*)"? failed`), func(m []string) (string, string) {
		return fmt.Sprintf("a JSON patch tests %s, and the value is another one", m[1]), "change the test, or the resource"
	}},
	{regexp.MustCompile(`namespace transformation produces ID conflict`),
		fixed("with the namespace set, two objects have the same kind and name", "rename one of them, or leave one out")},
	{regexp.MustCompile(`nothing selected by`), fixed("the source of a replacement selects no object", "look at its kind, name and namespace, as they are in the resources")},
	{regexp.MustCompile(`multiple matches for selector`), fixed("the source of a replacement selects more than one object", "add a name or a namespace to the source")},
	{regexp.MustCompile("unable to find field \"?([^\"]*?)\"? in replacement target"), func(m []string) (string, string) {
		return fmt.Sprintf("the target of a replacement has no field %s", m[1]), "add options: {create: true} to the target, or correct its fieldPaths"
	}},
	{regexp.MustCompile("fieldPath `([^`]*)` is missing for replacement source"), func(m []string) (string, string) {
		return fmt.Sprintf("the source of a replacement has no field %s", m[1]), "correct its fieldPath"
	}},
	{regexp.MustCompile(`expected kind != 'Component' for path '([^']*)'`), func(m []string) (string, string) {
		return fmt.Sprintf("%q is a Component", strings.TrimPrefix(m[1], mountPoint+"/")), "list it under components, not under resources"
	}},
	{regexp.MustCompile(`expected kind 'Component' for path '([^']*)'`), func(m []string) (string, string) {
		return fmt.Sprintf("%q is not a Component", strings.TrimPrefix(m[1], mountPoint+"/")), "list it under resources, not under components"
	}},
	{regexp.MustCompile(`wrong [Nn]ode [Kk]ind for (\S+) expected: (\w+)Node was (\w+)Node`), func(m []string) (string, string) {
		return fmt.Sprintf("%s is %s, not %s", m[1], nodeWords[m[3]], nodeWords[m[2]]), "correct the resource or the patch"
	}},
}

var nodeWords = map[string]string{"Mapping": "a mapping", "Sequence": "a list", "Scalar": "a single value", "Alias": "an alias", "Document": "a document"}

// plainID makes "Deployment shop/web" of the library's Deployment.v1.apps/web.shop.
func plainID(id string) string {
	gvk, rest, found := strings.Cut(strings.Trim(id, `";`), "/")
	if !found {
		return id
	}
	kind, _, _ := strings.Cut(gvk, ".")
	at := strings.LastIndexByte(rest, '.')
	if at < 0 {
		return kind + " " + rest
	}
	name, namespace := rest[:at], rest[at+1:]
	if namespace == "[noNs]" || namespace == "" {
		return kind + " " + name
	}
	return kind + " " + namespace + "/" + name
}

// inWords translates a text of the library; ok is false when it has no words for it.
func inWords(text string) (message, hint string, ok bool) {
	for _, w := range kustomizeWords {
		if m := w.says.FindStringSubmatch(text); m != nil {
			message, hint = w.tell(m)
			return message, hint, true
		}
	}
	return "", "", false
}

var wrongType = regexp.MustCompile(`^(\w+) into Go struct field [^ ]*?\.?([A-Za-z0-9]+) of type (\S+)`)

// typeWords explains a field of a kustomization that has another type.
func typeWords(detail string) (field, message string) {
	m := wrongType.FindStringSubmatch(detail)
	if m == nil {
		return "", "wrong type: " + detail // type and field names, no values
	}
	got := map[string]string{"string": "a string", "array": "a list", "object": "a mapping", "number": "a number", "bool": "a boolean"}[m[1]]
	want := "of another type"
	switch t := m[3]; {
	case t == "[]string":
		want = "a list of strings"
	case strings.HasPrefix(t, "[]"):
		want = "a list"
	case t == "string", strings.HasSuffix(t, "PatchStrategicMerge"):
		want = "a string"
	case t == "bool":
		want = "true or false"
	case strings.HasPrefix(t, "int"):
		want = "a number"
	case strings.HasPrefix(t, "map["), strings.Contains(t, "types."):
		want = "a mapping"
	}
	if got == "" || want == got {
		return m[2], m[2] + " has a wrong type"
	}
	return m[2], fmt.Sprintf("%s is %s, not %s", m[2], got, want)
}
