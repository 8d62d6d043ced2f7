package render

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
)

func isCore(u *unstructured.Unstructured, kind string) bool {
	return object.Is(u.GetAPIVersion(), u.GetKind(), "", kind)
}

func isSecret(u *unstructured.Unstructured) bool {
	return object.IsSecret(u.GetAPIVersion(), u.GetKind())
}

const masked = "***"
