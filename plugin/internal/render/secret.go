package render

import (
	"encoding/base64"
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
)

func isCore(u *unstructured.Unstructured, kind string) bool {
	return object.Is(u.GetAPIVersion(), u.GetKind(), "", kind)
}

func isSecret(u *unstructured.Unstructured) bool {
	return object.IsSecret(u.GetAPIVersion(), u.GetKind())
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
		if err != nil {
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
