package plan

import (
	"encoding/json"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Fields is what the manifest of a step says, nil when there is none.
func (s *Step) Fields() map[string]any {
	if s.Object == nil || s.Manifest == nil {
		return nil
	}
	return s.Manifest.Object
}

// WasTold tells whether a list item of the live object was there, and reported as not in Git, before this pass.
func (s *Step) WasTold(at string) bool {
	return strings.Contains(s.Told, strings.TrimPrefix(at, "spec."))
}

// With is the step with another manifest.
func (s *Step) With(body []byte) (*Step, error) {
	u := &unstructured.Unstructured{}
	if err := json.Unmarshal(body, &u.Object); err != nil {
		return s, err
	}
	o, t := *s.Object, *s
	o.Manifest, o.Body = u, body
	t.Object = &o
	return &t, nil
}
