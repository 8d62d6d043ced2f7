package store

import (
	"encoding/json"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
)

// NewNamespace returns the manifest of a Namespace that a run creates for an app, or for the records of the instance.
func (s *Store) NewNamespace(name, app string) []byte {
	meta := map[string]any{"name": name}
	if name == s.Namespace {
		meta["labels"] = map[string]string{record.LabelName: record.Tool, record.LabelManagedBy: record.Tool, record.LabelInstance: name}
	} else {
		meta["labels"] = map[string]string{record.LabelCreatedBy: s.Namespace}
		meta["annotations"] = map[string]string{record.AnnotationCreatedFor: app}
	}
	body, _ := json.Marshal(map[string]any{"apiVersion": "v1", "kind": "Namespace", "metadata": meta}) // of strings
	return body
}

// CreatedFor returns the app that a run of the instance created a Namespace for, "" when none did.
func (s *Store) CreatedFor(ns metav1.Object) string {
	if ns.GetLabels()[record.LabelCreatedBy] != s.Namespace {
		return ""
	}
	return ns.GetAnnotations()[record.AnnotationCreatedFor]
}
