// Package objecttest has the objects of tests: kinds, references and manifests.
package objecttest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/manifest"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
)

// Set is the id of an ApplySet.
const Set = "applyset-ours-v1"

// Kinds are kinds of objects by their name.
var Kinds = map[string]object.Kind{
	"Namespace":                      {Version: "v1", Kind: "Namespace", Resource: "namespaces"},
	"ConfigMap":                      {Version: "v1", Kind: "ConfigMap", Resource: "configmaps", Namespaced: true},
	"Secret":                         {Version: "v1", Kind: "Secret", Resource: "secrets", Namespaced: true},
	"Service":                        {Version: "v1", Kind: "Service", Resource: "services", Namespaced: true},
	"ServiceAccount":                 {Version: "v1", Kind: "ServiceAccount", Resource: "serviceaccounts", Namespaced: true},
	"Deployment":                     {Group: "apps", Version: "v1", Kind: "Deployment", Resource: "deployments", Namespaced: true},
	"HorizontalPodAutoscaler":        {Group: "autoscaling", Version: "v2", Kind: "HorizontalPodAutoscaler", Resource: "horizontalpodautoscalers", Namespaced: true},
	"ClusterRole":                    {Group: "rbac.authorization.k8s.io", Version: "v1", Kind: "ClusterRole", Resource: "clusterroles"},
	"CustomResourceDefinition":       {Group: "apiextensions.k8s.io", Version: "v1", Kind: "CustomResourceDefinition", Resource: "customresourcedefinitions"},
	"ValidatingWebhookConfiguration": {Group: "admissionregistration.k8s.io", Version: "v1", Kind: "ValidatingWebhookConfiguration", Resource: "validatingwebhookconfigurations"},
	"Widget":                         {Group: "example.com", Version: "v1", Kind: "Widget", Resource: "widgets", Namespaced: true},
}

// Ref names an object of one of Kinds, in the namespace shop where it has one.
func Ref(kind, name string) object.Ref {
	r := object.Ref{Kind: Kinds[kind], Name: name}
	if r.Namespaced {
		r.Namespace = "shop"
	}
	return r
}

// Manifest is the manifest of an object of one of Kinds, with annotations as name=value.
func Manifest(kind, name string, annotations ...string) *unstructured.Unstructured {
	ref := Ref(kind, name)
	u := &unstructured.Unstructured{Object: map[string]any{}}
	u.SetGroupVersionKind(ref.GVK())
	u.SetName(name)
	u.SetNamespace(ref.Namespace)
	u.SetAnnotations(Annotations(annotations...))
	return u
}

// Annotations reads pairs as name=value.
func Annotations(pairs ...string) map[string]string {
	set := map[string]string{}
	for _, p := range pairs {
		k, v, _ := strings.Cut(p, "=")
		set[k] = v
	}
	return set
}

// Rendered are objects of manifests in JSON, each a line of app.yaml.
func Rendered(t *testing.T, texts ...string) []manifest.Object {
	t.Helper()
	var out []manifest.Object
	for i, text := range texts {
		u := &unstructured.Unstructured{}
		if err := json.Unmarshal([]byte(text), &u.Object); err != nil {
			t.Fatal(err)
		}
		out = append(out, manifest.Object{Unstructured: u, Origin: manifest.Origin{File: "app.yaml", Line: i + 1}})
	}
	return out
}

// CRD is a CustomResourceDefinition as JSON. more continues its metadata.
func CRD(name, group, kind, plural, scope, more string) string {
	return fmt.Sprintf(`{"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{"name":%q%s},"spec":{"group":%q,
		"scope":%q,"names":{"kind":%q,"plural":%q},"versions":[{"name":"v1","served":true},{"name":"v1alpha1","served":false}]}}`, name, more, group, scope, kind, plural)
}

// Lines compares lines of text.
func Lines(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("got\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}
