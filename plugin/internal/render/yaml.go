package render

import (
	"bytes"
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/safeyaml"
)

const masked = "***"

// YAML returns the objects as one stream of YAML documents, each under a comment with its origin. Values of Secrets, and
// those that Hidden lists, are replaced by ***; everything else can be given to kubectl apply. The objects are not changed.
func YAML(objs []Object) ([]byte, error) {
	var out bytes.Buffer
	for _, o := range objs {
		text, err := safeyaml.YAML(Masked(o))
		if err != nil {
			return nil, o.hidden.Error(fmt.Errorf("%s: %s: %w", o.Origin, o.ID(), err))
		}
		fmt.Fprintf(&out, "---\n# %s\n%s", o.Origin, text)
	}
	return out.Bytes(), nil
}

// Masked is the manifest of an object with values of Secrets, and those that Hidden lists, replaced by ***. The object is not
// changed.
func Masked(o Object) map[string]any { return o.hidden.Object(maskSecret(o.Unstructured)).Object }

func maskSecret(u *unstructured.Unstructured) *unstructured.Unstructured {
	if !isSecret(u) {
		return u
	}
	u = u.DeepCopy()
	for _, field := range []string{"data", "stringData"} {
		values, _ := u.Object[field].(map[string]any)
		for key := range values {
			values[key] = masked
		}
	}
	annotations := u.GetAnnotations()
	if _, ok := annotations[lastApplied]; ok {
		annotations[lastApplied] = masked
		u.SetAnnotations(annotations)
	}
	return u
}
