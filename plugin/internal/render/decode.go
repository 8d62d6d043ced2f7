package render

import (
	"bytes"
	"errors"
	"fmt"
	"path"
	"regexp"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	kjson "sigs.k8s.io/json"
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
		problems = append(problems, Problem{Origin: Origin{file, line}, Message: message, Hint: hint})
	}
	for _, doc := range docs {
		value, errs := decode(doc, limits)
		if len(errs) == 0 {
			var found []*unstructured.Unstructured
			if found, errs = objectsOf(value, doc, limits.Depth); len(objects)+len(found) > limits.Objects {
				errs = []lineError{{doc.line, fmt.Sprintf("more than %d objects", limits.Objects)}}
			}
			for _, u := range found {
				objects = append(objects, Object{Unstructured: u, Origin: Origin{file, doc.line}})
			}
		}
		for _, err := range errs {
			refuse(err.line, err.message, adviceFor(err.message, file, doc))
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
		return nil, &Problem{Origin: Origin{file, at.line}, Message: at.message, Hint: adviceFor(at.message, file, document{})}
	}
	return docs, nil
}

const notAnObject = "not a Kubernetes object"

func adviceFor(message, file string, doc document) string {
	switch {
	case bytes.HasPrefix(doc.text, []byte("version https://git-lfs")):
		return "the file is a Git LFS pointer, and LFS is not supported: commit the file itself"
	case strings.Contains(message, "UTF-8"), strings.Contains(message, "NUL"), message == hiddenMessage:
		return "save the file as UTF-8 text with LF line ends"
	case message == unknownAnchor:
		return "put a value that begins with * in quotes"
	case message == errExpands.Error():
		return "write out what the aliases (*name) repeat, or leave it out"
	case strings.HasPrefix(message, notAnObject):
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
		errs = append(errs, lineError{doc.line, err.Error()})
	}
	return errs
}

func tooDeep(doc document, value any, limits Limits) []lineError {
	if depthWithin(value, limits.Depth) {
		return nil
	}
	return []lineError{{doc.line, fmt.Sprintf("values are nested more than %d levels deep", limits.Depth)}}
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

// unknownAnchor stands in for a message that names the anchor: it may be a password that begins with a star.
const unknownAnchor = "an alias (*name) names no anchor"

var (
	quoted     = regexp.MustCompile("`[^`]*`") // a value
	yamlLine   = regexp.MustCompile(`^(?:yaml: |  )line (\d+): (.*)$`)
	keyAgain   = regexp.MustCompile(`^key (.*) already set in map$`)
	parserText = regexp.MustCompile(`^(did not find expected|could not find expected directive)`)
)

// yamlErrors translates the errors of the YAML library, whose lines count from the start of the document.
func yamlErrors(doc document, err error) []lineError {
	// These quote the key, or even the value beside it, which may be a secret.
	if strings.Contains(err.Error(), "unsupported map key") || strings.Contains(err.Error(), "invalid map key") {
		return []lineError{{doc.line, "a key of a mapping is neither a string nor a number nor a boolean"}}
	}
	last := doc.start + bytes.Count(bytes.TrimRight(doc.text, "\n"), []byte("\n"))
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
		message := m[2]
		if parserText.MatchString(message) {
			line++ // the library counts these from 0
		}
		message = quoted.ReplaceAllString(message, "`"+masked+"`")
		if again := keyAgain.FindStringSubmatch(message); again != nil {
			message = "duplicate key " + again[1]
		}
		errs = append(errs, lineError{min(doc.start+line-1, last), message})
	}
	if errs == nil {
		message, _, _ := strings.Cut(strings.TrimPrefix(err.Error(), "yaml: "), "\n")
		message = quoted.ReplaceAllString(message, "`"+masked+"`")
		if strings.HasPrefix(message, "unknown anchor") {
			message = unknownAnchor
		}
		if strings.HasSuffix(message, "excessive aliasing") {
			message = errExpands.Error()
		}
		errs = []lineError{{doc.line, message}}
	}
	return errs
}

// objectsOf returns the object a document holds, or the items of a List.
func objectsOf(value any, doc document, depth int) ([]*unstructured.Unstructured, []lineError) {
	if value == nil {
		return nil, nil
	}
	fields, ok := value.(map[string]any)
	if !ok {
		return nil, []lineError{{doc.line, notAnObject}}
	}
	if fields["apiVersion"] == nil && fields["kind"] == nil {
		if fields["sops"] != nil {
			return nil, []lineError{{doc.line, "the file is encrypted with SOPS, and holds no Kubernetes object"}}
		}
		return nil, []lineError{{doc.line, notAnObject + ": it has neither apiVersion nor kind"}}
	}
	kind, _ := fields["kind"].(string)
	items, isList := fields["items"].([]any)
	if !isList || !strings.HasSuffix(kind, "List") {
		return []*unstructured.Unstructured{{Object: fields}}, nil
	}
	if depth == 0 {
		return nil, []lineError{{doc.line, "Lists are nested too deep"}}
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
			errs = append(errs, lineError{doc.line, fmt.Sprintf("items[%d] of the %s is empty", i, kind)})
			continue
		}
		found, bad := objectsOf(item, doc, depth-1)
		objects = append(objects, found...)
		errs = append(errs, bad...)
	}
	return objects, errs
}
