package render

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/generated"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/safeyaml"
)

// YAML returns objects as one stream of YAML documents, each with its origin in a comment above it. *** replaces values of
// Secrets, and values that Object.Hidden lists. kubectl apply accepts the rest as it is. The objects are not changed.
func YAML(objs []Object) ([]byte, error) {
	var out bytes.Buffer
	for _, o := range objs {
		text, err := safeyaml.YAML(Masked(o))
		if err != nil {
			return nil, o.Hidden.Error(fmt.Errorf("%s: %s: %w", o.Origin, o.ID(), err))
		}
		fmt.Fprintf(&out, "---\n# %s\n%s", o.Origin, text)
	}
	return out.Bytes(), nil
}

// Masked returns a copy of the manifest of an object. In the copy, *** replaces values of Secrets, and values that
// Object.Hidden lists.
func Masked(o Object) map[string]any { return o.Hidden.Object(maskSecret(o.Unstructured)).Object }

// maskSecret replaces the values of a Secret, of what somebody may have meant to be one, and of Secrets that lie inside another object.
// What is not an object's to have beside its values is masked too: it is a value in the wrong place.
func maskSecret(u *unstructured.Unstructured) *unstructured.Unstructured {
	if !holdsSecret(u.Object, 0) {
		return u
	}
	u = u.DeepCopy()
	maskWithin(u.Object, 0)
	return u
}

// maxNested is how deep Secrets are looked for in other objects.
const maxNested = 32

// meantAsSecret tells whether a mapping says that it is a Secret, with a slip in its apiVersion or kind or without.
func meantAsSecret(o map[string]any) bool {
	version, _ := o["apiVersion"].(string)
	kind, _ := o["kind"].(string)
	if kind == "" {
		return false
	}
	letters := strings.ToLower(strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) && r < unicode.MaxASCII {
			return r
		}
		return -1
	}, kind))
	return object.IsSecret(version, kind) || letters == "secret" || letters == "secrets" || letters == "secretlist"
}

// hasData tells an object from what only points to one.
func hasData(o map[string]any) bool {
	for field := range o {
		if strings.EqualFold(field, "data") || strings.EqualFold(field, "stringData") {
			return true
		}
	}
	return false
}

func holdsSecret(value any, depth int) bool {
	if depth > maxNested {
		return false
	}
	switch v := value.(type) {
	case map[string]any:
		if meantAsSecret(v) && (depth == 0 || hasData(v)) {
			return true
		}
		for _, inner := range v {
			if holdsSecret(inner, depth+1) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(v, func(inner any) bool { return holdsSecret(inner, depth+1) })
	}
	return false
}

func maskWithin(value any, depth int) {
	if depth > maxNested {
		return
	}
	switch v := value.(type) {
	case map[string]any:
		if meantAsSecret(v) && (depth == 0 || hasData(v)) {
			maskFields(v)
			return
		}
		for _, inner := range v {
			maskWithin(inner, depth+1)
		}
	case []any:
		for _, inner := range v {
			maskWithin(inner, depth+1)
		}
	}
}

// shownFields are those of a Secret that hold no values, and shownMetadata those of its metadata.
var (
	shownFields   = []string{"apiVersion", "kind", "metadata", "type", "immutable"}
	shownMetadata = []string{"name", "namespace", "generateName", "labels", "annotations", "finalizers", "ownerReferences", "creationTimestamp",
		"uid", "resourceVersion", "generation", "deletionTimestamp", "deletionGracePeriodSeconds", "selfLink"}
)

func maskFields(secret map[string]any) {
	for field, value := range secret {
		if !slices.Contains(shownFields, field) {
			secret[field] = maskValues(value)
		}
	}
	metadata, is := secret["metadata"].(map[string]any)
	if !is {
		if secret["metadata"] != nil {
			secret["metadata"] = masked
		}
		return
	}
	for field, value := range metadata {
		if !slices.Contains(shownMetadata, field) {
			metadata[field] = maskValues(value)
		}
	}
	annotations, _ := metadata["annotations"].(map[string]any)
	for key, value := range annotations {
		if text, _ := value.(string); key == lastApplied || isCopy(text) {
			annotations[key] = masked
		}
	}
}

// maskValues keeps the keys of mappings, how many items a list has, and that a value is generated.
func maskValues(value any) any {
	switch v := value.(type) {
	case map[string]any:
		for key, inner := range v {
			v[key] = maskValues(inner)
		}
		return v
	case []any:
		for i, inner := range v {
			v[i] = maskValues(inner)
		}
		return v
	}
	if value == generated.Shown {
		return value
	}
	return masked
}

// isCopy tells whether an annotation holds a Secret, as tools keep what they applied.
func isCopy(text string) bool {
	var copied map[string]any
	if !strings.HasPrefix(strings.TrimSpace(text), "{") || json.Unmarshal([]byte(text), &copied) != nil {
		return false
	}
	_, data := copied["data"]
	_, stringData := copied["stringData"]
	return data || stringData
}
