package desired

import (
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/fields"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
)

// leaveToControllers takes out of a manifest what a controller fills in whatever Git says: the rules of an aggregated
// ClusterRole, and a caBundle that is only the place for one. It notes on o what Git says in vain.
func leaveToControllers(o *Object) {
	for _, f := range filledIn(o.Ref.Kind, o.Manifest) {
		Cut(o.Manifest.Object, fields.Pointer(f.pointer))
		o.Released = append(o.Released, f.pointer)
		if f.note != "" {
			o.Notes = append(o.Notes, f.note)
		}
	}
}

// filling is a field that a controller fills in: a JSON pointer, and what to say where Git has something there.
type filling struct{ pointer, note string }

// filledIn lists the fields of a manifest that are a controller's.
func filledIn(k object.Kind, u *unstructured.Unstructured) []filling {
	switch k.Group + "/" + k.Kind {
	case "rbac.authorization.k8s.io/ClusterRole":
		return aggregated(u)
	case "apiextensions.k8s.io/CustomResourceDefinition":
		return bundle(u.Object, "spec", "conversion", "webhook", "clientConfig")
	case "apiregistration.k8s.io/APIService":
		return bundle(u.Object, "spec")
	case "admissionregistration.k8s.io/ValidatingWebhookConfiguration", "admissionregistration.k8s.io/MutatingWebhookConfiguration":
		return bundles(u)
	}
	return nil
}

// aggregated is about a ClusterRole whose rules the controller gathers from others.
func aggregated(u *unstructured.Unstructured) []filling {
	rules, has := u.Object["rules"]
	if u.Object["aggregationRule"] == nil || !has {
		return nil
	}
	f := filling{pointer: "/rules"}
	if list, _ := rules.([]any); len(list) > 0 {
		f.note = "rules are not applied: a controller fills them in, as aggregationRule says"
	}
	return []filling{f}
}

// bundle is about the caBundle in the map at path.
func bundle(object map[string]any, path ...string) []filling {
	at, _, _ := unstructured.NestedFieldNoCopy(object, path...)
	config, _ := at.(map[string]any)
	value, has := config["caBundle"]
	if !has {
		return nil
	}
	placeholder, empty := isPlaceholder(value)
	if !placeholder {
		return nil
	}
	f := filling{pointer: "/" + strings.Join(append(path, "caBundle"), "/")}
	if !empty {
		f.note = "caBundle is not applied: it is no certificate, so it is left to whoever injects one"
	}
	return []filling{f}
}

// bundles is about the caBundle of each webhook, which is known by its name.
func bundles(u *unstructured.Unstructured) []filling {
	webhooks, _ := u.Object["webhooks"].([]any)
	var out []filling
	for _, w := range webhooks {
		hook, _ := w.(map[string]any)
		for _, f := range bundle(hook, "clientConfig") {
			f.pointer = "/webhooks/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(nameOf(w)) + f.pointer
			out = append(out, f)
		}
	}
	return out
}

// isPlaceholder tells whether a caBundle holds no certificate, and whether it holds nothing at all. What the API server
// takes for a bundle is PEM, in base64, with at least one certificate and none that cannot be read.
func isPlaceholder(value any) (placeholder, empty bool) {
	text, _ := value.(string)
	raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text))
	if err != nil {
		return true, false
	}
	empty = len(bytes.TrimSpace(raw)) == 0
	found := false
	for {
		var block *pem.Block
		if block, raw = pem.Decode(raw); block == nil {
			return !found, empty
		}
		if block.Type != "CERTIFICATE" || len(block.Headers) > 0 {
			continue
		}
		if _, err := x509.ParseCertificates(block.Bytes); err != nil {
			return true, false
		}
		found = true
	}
}
