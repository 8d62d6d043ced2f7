package record

import (
	"encoding/json"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Labels and the annotation of Namespaces that a run creates. Those of the instance's own namespace are the ones that
// install gives it.
const (
	LabelInstance       = "kubectl-gitops.dev/instance"    // the namespace of the instance that an object of `install` belongs to
	LabelCreatedBy      = "kubectl-gitops.dev/created-by"  // on a Namespace that a run created for an app: the namespace of the instance
	annotationCreateFor = "kubectl-gitops.dev/created-for" // on such a Namespace: the name of the app
	labelManagedBy      = "app.kubernetes.io/managed-by"   // Tool
	labelName           = "app.kubernetes.io/name"         // Tool
)

// NewNamespace returns the manifest of a Namespace that a run creates for an app, or for the records of the instance.
func (s *Store) NewNamespace(name, app string) []byte {
	meta := map[string]any{"name": name}
	if name == s.Namespace {
		meta["labels"] = map[string]string{labelName: Tool, labelManagedBy: Tool, LabelInstance: name}
	} else {
		meta["labels"] = map[string]string{LabelCreatedBy: s.Namespace}
		meta["annotations"] = map[string]string{annotationCreateFor: app}
	}
	body, _ := json.Marshal(map[string]any{"apiVersion": "v1", "kind": "Namespace", "metadata": meta}) // of strings
	return body
}

// CreatedFor returns the app that a run of the instance created a Namespace for, "" when none did.
func (s *Store) CreatedFor(ns metav1.Object) string {
	if ns.GetLabels()[LabelCreatedBy] != s.Namespace {
		return ""
	}
	return ns.GetAnnotations()[annotationCreateFor]
}

// IsRecord tells whether labels are those of an object that holds records.
func IsRecord(labels map[string]string) bool {
	_, record := labels[labelApp]
	return record && labels[labelManagedBy] == Tool
}
