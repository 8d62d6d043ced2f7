package desired

import (
	"encoding/json"
	"fmt"
	"path"
	"strconv"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/app"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/fields"
)

// ignoreFields takes what the rules leave to others out of the manifests. An object that is created gets it once.
func ignoreFields(rules []app.Ignore, objects []*Object) error {
	for _, o := range objects {
		if o.Hook != nil {
			continue
		}
		whole, err := json.Marshal(o.Manifest.Object)
		if err != nil {
			return fmt.Errorf("%s: %s: %w", o.Origin, o.ID(), err)
		}
		matched := false
		for _, r := range rules {
			if !ignores(r, o) {
				continue
			}
			matched = true
			o.Managers = append(o.Managers, r.Managers...)
			o.Released = append(o.Released, r.Paths...)
			for _, pointer := range r.Paths {
				Cut(o.Manifest.Object, fields.Pointer(pointer))
			}
		}
		if matched {
			o.First = whole
		}
	}
	return nil
}

// ignores tells whether a rule is about an object. Kind, group, namespace and name may hold "*".
func ignores(r app.Ignore, o *Object) bool {
	for _, pair := range [][2]string{{r.Group, o.Group}, {r.Kind, o.Ref.Kind.Kind}, {r.Namespace, o.Namespace}, {r.Name, o.Name}} {
		if ok, err := path.Match(pair[0], pair[1]); pair[0] != "" && (err != nil || !ok) {
			return false
		}
	}
	have := o.Manifest.GetLabels()
	for name, value := range r.Labels {
		if v, ok := have[name]; !ok || v != value {
			return false
		}
	}
	return true
}

// Cut removes what segments point at from v, and returns what is left of v.
func Cut(v any, segments []string) any {
	switch v := v.(type) {
	case map[string]any:
		for name, inner := range v {
			if segments[0] != "*" && segments[0] != name {
				continue
			}
			if len(segments) == 1 {
				delete(v, name)
			} else {
				v[name] = Cut(inner, segments[1:])
			}
		}
	case []any:
		var left []any
		for i, inner := range v {
			if segments[0] != "*" && segments[0] != strconv.Itoa(i) && segments[0] != nameOf(inner) {
				left = append(left, inner)
			} else if len(segments) > 1 {
				left = append(left, Cut(inner, segments[1:]))
			}
		}
		return left
	}
	return v
}

func nameOf(item any) string {
	switch item := item.(type) {
	case map[string]any:
		name, _ := item["name"].(string)
		return name
	case string:
		return item
	}
	return ""
}
