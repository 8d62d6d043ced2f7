package object

import (
	"fmt"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// UnknownKindError says that the API server does not serve a kind.
type UnknownKindError struct {
	GVK schema.GroupVersionKind
}

// Error names the kind as a manifest does.
func (e *UnknownKindError) Error() string {
	return fmt.Sprintf("the cluster has no kind %s in %s", e.GVK.Kind, e.GVK.GroupVersion())
}
