package render

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	pathcontent "k8s.io/apimachinery/pkg/api/validate/content"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/safetext"
)

// Limits of the API server. Objects beyond them would fail half-way through an apply.
const (
	maxObjectBytes     = 3 << 20   // request body
	maxDataBytes       = 1_048_576 // values of one ConfigMap or Secret
	maxAnnotationBytes = 256 << 10 // keys and values of all annotations of one object
)

const (
	partOfLabel = "applyset.kubernetes.io/part-of"
	lastApplied = "kubectl.kubernetes.io/last-applied-configuration"
)

// check returns every reason not to apply the objects. It also normalises them: creationTimestamp: null is dropped,
// stringData of Secrets becomes data.
//
// lineOf finds the line of a value, see tree.valueLine.
func check(objects []Object, o Options, lineOf func(at Origin, path []any, value any) int) Problems {
	var problems Problems
	first := map[string]Object{}
	for _, object := range objects {
		c := checker{object: object, options: o, lineOf: lineOf}
		if c.identity() {
			c.duplicate(first)
		}
		c.foreign()
		c.contents()
		problems = append(problems, c.problems...)
	}
	return problems
}

type checker struct {
	object   Object
	options  Options
	problems Problems
	lineOf   func(at Origin, path []any, value any) int
}

func (c *checker) refuse(hint, format string, args ...any) {
	c.problems = append(c.problems, Problem{Origin: c.object.Origin, Object: safetext.Line(c.object.ID()), Message: fmt.Sprintf(format, args...), Hint: hint})
}

// misfit refuses a value that is no string, at its own line.
func (c *checker) misfit(field string, value any, path ...any) {
	advice := "put the value in quotes"
	if s := c.options.Substitute; s != nil && s.Dialect == DialectFlux {
		advice = `put the value in quotes; around ${...} they do not count with the flux dialect: give the variable a value with quotes of its own, '"8080"'`
	}
	c.refuse(advice, "%s is %s, not a string", field, kindOf(value))
	if line := c.lineOf(c.object.Origin, path, value); line > 0 {
		c.problems[len(c.problems)-1].Origin.Line = line
	}
}

// segments is a dotted path without list items.
func segments(field string) []any {
	var path []any
	for name := range strings.SplitSeq(field, ".") {
		path = append(path, name)
	}
	return path
}

// identity checks apiVersion, kind and metadata, and reports whether the object can be told from others.
func (c *checker) identity() bool {
	before := len(c.problems)
	version, kind := c.text("apiVersion", c.object.Object["apiVersion"], true), c.text("kind", c.object.Object["kind"], true)
	if version != "" && kind != "" {
		if _, err := object.ParseType(version, kind); err != nil {
			c.refuse("", "%s", err)
		}
	}
	metadata, ok := c.object.Object["metadata"].(map[string]any)
	if !ok && c.object.Object["metadata"] != nil {
		c.refuse("", "metadata is not a mapping")
		return false
	}
	if created, ok := metadata["creationTimestamp"]; ok && created == nil {
		delete(metadata, "creationTimestamp")
	}
	name := c.text("metadata.name", metadata["name"], metadata["generateName"] == nil)
	c.text("metadata.generateName", metadata["generateName"], false)
	for _, reason := range pathcontent.IsPathSegmentName(name) {
		c.refuse("", "metadata.name %q is not valid: %s", name, reason)
	}
	if name != "" && len(pathcontent.IsPathSegmentName(name)) == 0 && object.CheckName(name) != nil {
		c.refuse("", "metadata.name %+q is not valid: printable characters without blanks only, at most 253", name)
	}
	if namespace := c.text("metadata.namespace", metadata["namespace"], false); namespace != "" {
		if len(validation.IsDNS1123Label(namespace)) > 0 {
			c.refuse("", "metadata.namespace %q is not valid: lower-case letters, digits and '-' only, at most 63", namespace)
		}
	}
	c.texts("metadata.labels", metadata["labels"])
	c.texts("metadata.annotations", metadata["annotations"])
	return len(c.problems) == before
}

// text returns a string field. Absent is a problem only when required.
func (c *checker) text(field string, value any, required bool) string {
	switch v := value.(type) {
	case string:
		if v == "" && required {
			c.refuse("", "%s is empty", field)
		}
		return v
	case nil:
		if required {
			c.refuse("", "%s is missing", field)
		}
	default:
		c.misfit(field, value, segments(field)...)
	}
	return ""
}

// texts checks a mapping of strings and returns it, sorted keys first.
func (c *checker) texts(field string, value any) map[string]any {
	values, ok := value.(map[string]any)
	if !ok && value != nil {
		c.refuse("", "%s is %s, not a mapping", field, kindOf(value))
	}
	for _, key := range slices.Sorted(maps.Keys(values)) {
		if _, ok := values[key].(string); !ok && values[key] != nil {
			c.misfit(fmt.Sprintf("%s[%s]", field, key), values[key], append(segments(field), key)...)
		}
	}
	return values
}

func kindOf(value any) string {
	switch value.(type) {
	case nil:
		return "null"
	case bool:
		return "a boolean"
	case int64, float64:
		return "a number"
	case []any:
		return "a list"
	case map[string]any:
		return "a mapping"
	}
	return "a string"
}

func (c *checker) duplicate(first map[string]Object) {
	if c.object.GetName() == "" || c.object.Hook != nil {
		return // generateName: each is a new object; a hook may be replaced by the next one, or by what it prepares
	}
	gk := c.object.GroupVersionKind().GroupKind()
	key := strings.Join([]string{gk.Group, gk.Kind, c.object.GetNamespace(), c.object.GetName()}, "/")
	if other, again := first[key]; again {
		c.refuse("keep one of the two", "defined twice: also at %s", other.Origin)
		return
	}
	first[key] = c.object
}

// foreign refuses what belongs to other tools, or to the API server.
func (c *checker) foreign() {
	metadata, _ := c.object.Object["metadata"].(map[string]any)
	for _, field := range []string{"managedFields", "resourceVersion", "uid"} {
		if metadata[field] != nil {
			c.refuse("remove what the cluster added to the manifest", "metadata.%s belongs to the API server", field)
		}
	}
	if set, ok := c.object.GetLabels()[partOfLabel]; ok {
		c.refuse("remove the label: it is set when the object is applied",
			"label %s says that the object belongs to another set, %q", partOfLabel, set)
	}
	if c.object.Object["sops"] != nil {
		c.refuse("encrypt a file of plain YAML, or a resource of a kustomization", "the object is encrypted with SOPS, which is not decrypted here")
	}
}

func (c *checker) contents() {
	annotations := 0
	for key, value := range c.object.GetAnnotations() {
		annotations += len(key) + len(value)
	}
	if annotations > maxAnnotationBytes {
		c.refuse("", "the annotations hold %s bytes, and the API server accepts %s", grouped(int64(annotations)), size(maxAnnotationBytes))
	}
	switch {
	case isSecret(c.object.Unstructured) && c.object.Object["sops"] == nil:
		c.secret()
	case isCore(c.object.Unstructured, "ConfigMap"):
		c.configMap()
	}
	if atMost(c.object.Object, maxObjectBytes) >= 0 {
		return // as almost every object
	}
	if text, err := json.Marshal(c.object.Object); err != nil {
		c.refuse("", "cannot be written as JSON")
	} else if len(text) > maxObjectBytes {
		c.refuse("", "the object has %s bytes, and the API server accepts %s", grouped(int64(len(text))), size(maxObjectBytes))
	}
}

// atMost returns what is left of budget after value was written as JSON, or less: every character counts as the longest
// escape. It is negative for what JSON may have no room or no words for.
func atMost(value any, budget int) int {
	switch v := value.(type) {
	case nil, bool, int64:
		return budget - 20
	case string:
		return budget - 6*len(v) - 3
	case []any:
		budget -= 2
		for _, inner := range v {
			if budget = atMost(inner, budget-1); budget < 0 {
				break
			}
		}
		return budget
	case map[string]any:
		budget -= 2
		for key, inner := range v {
			if budget = atMost(inner, budget-6*len(key)-4); budget < 0 {
				break
			}
		}
		return budget
	}
	return -1
}

func (c *checker) configMap() {
	size := 0
	for _, value := range c.texts("data", c.object.Object["data"]) {
		text, _ := value.(string)
		size += len(text)
	}
	for _, value := range c.texts("binaryData", c.object.Object["binaryData"]) {
		text, _ := value.(string)
		size += base64.StdEncoding.DecodedLen(len(text))
	}
	c.dataSize(size)
}

func (c *checker) dataSize(bytes int) {
	if bytes > maxDataBytes {
		c.refuse("split it, or mount the data in another way", "data holds %s bytes, and the API server accepts %s", grouped(int64(bytes)), size(maxDataBytes))
	}
}

const plainSecretHint = "encrypt it with SOPS, use a SealedSecret or an ExternalSecret, or allow it: --allow-plain-secrets, or allowPlainSecrets of its app in gitops.yaml"

// secret refuses a Secret whose values can be read in Git, unless they are allowed, and folds stringData into data:
// the server does the same and keeps no stringData, which could then never be compared. Messages name keys only.
func (c *checker) secret() {
	data := c.texts("data", c.object.Object["data"])
	plain := c.texts("stringData", c.object.Object["stringData"])
	readable := !c.options.AllowPlainSecrets && !c.object.Sealed
	if readable && len(data)+len(plain) > 0 {
		c.refuse(plainSecretHint,
			"a Secret with plain data does not belong in Git")
		return
	}
	if _, copied := c.object.GetAnnotations()[lastApplied]; copied && readable {
		c.refuse("remove the annotation", "annotation %s may hold plain values of the Secret", lastApplied)
	}
	size := 0
	for _, key := range slices.Sorted(maps.Keys(data)) {
		text, _ := data[key].(string)
		value, err := base64.StdEncoding.DecodeString(text)
		if err != nil && !c.options.Substitute.keeps(text) {
			c.refuse("encode it, or move it to stringData", "data[%s] is not base64", key)
		}
		size += len(value)
	}
	for _, key := range slices.Sorted(maps.Keys(plain)) {
		if _, both := data[key]; both {
			c.refuse("keep one of the two", "key %q is in both data and stringData", key)
			continue
		}
		text, _ := plain[key].(string)
		size += len(text)
		if data == nil {
			data = map[string]any{}
		}
		data[key] = base64.StdEncoding.EncodeToString([]byte(text))
	}
	if len(plain) > 0 {
		c.object.Object["data"] = data
	}
	delete(c.object.Object, "stringData")
	c.dataSize(size)
}
