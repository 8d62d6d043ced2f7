package render

import (
	"errors"
	"fmt"
	"path"
	"regexp"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	kjson "sigs.k8s.io/json"
	sigsyaml "sigs.k8s.io/yaml"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/yamlerror"
)

// maxFileProblems is after how many a file is given up.
const maxFileProblems = 100

// decodeFile returns the objects of a file, in file order, Lists taken apart. Problems are about the file; objects
// themselves are checked later.
func decodeFile(file string, data []byte, limits Limits) ([]Object, Problems) {
	docs, problem := documents(file, data)
	if problem != nil {
		return nil, Problems{*problem}
	}
	return decodeDocuments(file, docs, limits)
}

func decodeDocuments(file string, docs []document, limits Limits) ([]Object, Problems) {
	var objects []Object
	var problems Problems
	refuse := func(line int, message, hint string) {
		problems = append(problems, Problem{Origin: Origin{File: file, Line: line}, Message: message, Hint: hint})
	}
	for _, doc := range docs {
		value, errs := decode(doc, limits)
		if len(errs) > 0 && !doc.json && path.Ext(file) == ".json" {
			if w, ok := yamlerror.JSON(doc.text); ok {
				errs = []lineError{{doc.start + w.Line - 1, w.Message, w.Hint}}
			}
		}
		if len(errs) == 0 {
			var found []*unstructured.Unstructured
			if found, errs = objectsOf(value, doc, limits.Depth); len(objects)+len(found) > limits.Objects {
				errs = []lineError{{doc.line, fmt.Sprintf("more than %d objects", limits.Objects), ""}}
			}
			for _, u := range found {
				objects = append(objects, Object{Unstructured: u, Origin: Origin{File: file, Line: doc.line}})
			}
		}
		for _, err := range errs {
			refuse(err.line, err.message, adviceFor(err, file))
		}
		if len(problems) >= maxFileProblems || len(problems) > 0 && len(objects) >= limits.Objects {
			break
		}
	}
	return objects, problems
}

// documents splits a file, or says at which line it cannot be read.
func documents(file string, data []byte) ([]document, *Problem) {
	text, err := checkText(data)
	var docs []document
	if err == nil {
		docs, err = split(text)
	}
	var at lineError
	if errors.As(err, &at) {
		return nil, &Problem{Origin: Origin{File: file, Line: at.line}, Message: at.message, Hint: adviceFor(at, file)}
	}
	return docs, nil
}

const notAnObject = "not a Kubernetes object"

// adviceFor is the hint of an error, which may need the name of the file.
func adviceFor(err lineError, file string) string {
	switch {
	case err.hint != "":
		return err.hint
	case err.message == errExpands.Error():
		return "write out what the aliases (*name) repeat, or leave it out"
	case strings.HasPrefix(err.message, notAnObject):
		return fmt.Sprintf("list %q in %s if it is meant for something else", path.Base(file), ignoreFile)
	}
	return ""
}

// decode reads one document exactly as kubectl does, but refuses duplicate keys. nil stands for an empty document.
func decode(doc document, limits Limits) (any, []lineError) {
	if doc.json {
		var value any
		strict, err := kjson.UnmarshalStrict(doc.text, &value, kjson.DisallowDuplicateFields)
		if err == nil {
			return value, append(inLine(doc, strict), tooDeep(doc, value, limits)...)
		}
	}
	return decodeYAML(doc, true, limits)
}

// decodeLoose reads a document as Helm does: the last of two equal keys counts.
func decodeLoose(doc document, limits Limits) (any, []lineError) {
	return decodeYAML(doc, false, limits)
}

func decodeYAML(doc document, strict bool, limits Limits) (any, []lineError) {
	value, err := toValue(doc.text, strict)
	if err != nil {
		return nil, yamlErrors(doc, err)
	}
	return value, tooDeep(doc, value, limits)
}

func inLine(doc document, strict []error) []lineError {
	var errs []lineError
	for _, err := range strict {
		errs = append(errs, lineError{doc.line, err.Error(), "keep one of the two"})
	}
	return errs
}

func tooDeep(doc document, value any, limits Limits) []lineError {
	if depthWithin(value, limits.Depth) {
		return nil
	}
	return []lineError{{doc.line, fmt.Sprintf("values are nested more than %d levels deep", limits.Depth), ""}}
}

func depthWithin(value any, levels int) bool {
	switch v := value.(type) {
	case map[string]any:
		for _, inner := range v {
			if levels == 0 || !depthWithin(inner, levels-1) {
				return false
			}
		}
	case []any:
		for _, inner := range v {
			if levels == 0 || !depthWithin(inner, levels-1) {
				return false
			}
		}
	}
	return true
}

var (
	quoted   = regexp.MustCompile("`[^`]*`") // a value
	yamlLine = regexp.MustCompile(`^(?:yaml: |  )line (\d+): (.*)$`)
	keyAgain = regexp.MustCompile(`^key (.*) already set in map$`)
)

// yamlErrors translates the errors of the YAML library, whose lines count from the start of the document.
func yamlErrors(doc document, err error) []lineError {
	// These quote the key, or even the value beside it, which may be a secret.
	if strings.Contains(err.Error(), "unsupported map key") || strings.Contains(err.Error(), "invalid map key") {
		w := yamlerror.Key(doc.text, doc.line-doc.start+1)
		return []lineError{{doc.start + w.Line - 1, w.Message, w.Hint}}
	}
	var errs []lineError
	for _, text := range strings.Split(err.Error(), "\n") {
		m := yamlLine.FindStringSubmatch(text)
		if m == nil {
			continue
		}
		line, convErr := strconv.Atoi(m[1])
		if convErr != nil {
			continue
		}
		errs = append(errs, doc.explain(line, m[2]))
	}
	if errs == nil {
		message, _, _ := strings.Cut(strings.TrimPrefix(err.Error(), "yaml: "), "\n")
		errs = []lineError{doc.explain(doc.line-doc.start+1, message)}
	}
	return errs
}

// explain words one message of the YAML library about a line of the document.
func (doc document) explain(line int, message string) lineError {
	message = quoted.ReplaceAllString(message, "`"+masked+"`")
	at := doc.start + line - 1
	switch again := keyAgain.FindStringSubmatch(message); {
	case again != nil:
		return lineError{at, "duplicate key " + again[1], "keep one of the two"}
	case strings.HasSuffix(message, "excessive aliasing"), message == errExpands.Error():
		return lineError{at, errExpands.Error(), ""}
	}
	w := yamlerror.Explain(doc.text, line, message)
	return lineError{doc.start + w.Line - 1, w.Message, w.Hint}
}

// objectsOf returns the object a document holds, or the items of a List.
func objectsOf(value any, doc document, depth int) ([]*unstructured.Unstructured, []lineError) {
	if value == nil {
		return nil, nil
	}
	fields, ok := value.(map[string]any)
	if !ok {
		return nil, []lineError{{doc.line, notAnObject, ""}}
	}
	if fields["apiVersion"] == nil && fields["kind"] == nil {
		if fields["sops"] != nil {
			return nil, []lineError{{doc.line, "the file is encrypted with SOPS, and holds no Kubernetes object", ""}}
		}
		return nil, []lineError{{doc.line, notAnObject + ": it has neither apiVersion nor kind", ""}}
	}
	kind, _ := fields["kind"].(string)
	items, isList := fields["items"].([]any)
	if !isList || !strings.HasSuffix(kind, "List") {
		return []*unstructured.Unstructured{{Object: fields}}, nil
	}
	if depth == 0 {
		return nil, []lineError{{doc.line, "Lists are nested too deep", ""}}
	}
	var objects []*unstructured.Unstructured
	var errs []lineError
	for i, item := range items {
		if inner, ok := item.(map[string]any); ok && kind != "List" && inner["kind"] == nil {
			inner["kind"] = strings.TrimSuffix(kind, "List")
			if inner["apiVersion"] == nil {
				inner["apiVersion"] = fields["apiVersion"]
			}
		}
		if item == nil {
			errs = append(errs, lineError{doc.line, fmt.Sprintf("items[%d] of the %s is empty", i, kind), "remove the item"})
			continue
		}
		found, bad := objectsOf(item, doc, depth-1)
		objects = append(objects, found...)
		errs = append(errs, bad...)
	}
	return objects, errs
}

// readSubstituted reads an object. Whole numbers stay exact, of which Flux rounds those beyond 2^53.
func readSubstituted(text string) (object map[string]any, err error) {
	asJSON, err := sigsyaml.YAMLToJSON([]byte(text))
	if err != nil {
		return nil, err
	}
	if err := kjson.UnmarshalCaseSensitivePreserveInts(asJSON, &object); err != nil || object == nil {
		return nil, errors.New("it is no mapping")
	}
	return object, nil
}
