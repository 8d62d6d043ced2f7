package cluster

import (
	"context"
	"encoding/json"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
)

// KindsAt asks the server which kinds it serves at one version of a group, such as example.com/v1. The result is empty when
// the server does not serve that version. It costs one request.
func (c *Discovery) KindsAt(ctx context.Context, version string) ([]string, error) {
	gv, err := schema.ParseGroupVersion(version)
	if err != nil {
		return nil, err
	}
	raw, _, err := c.ask(ctx, func() (string, error) { return object.Path("apis", gv.Group, gv.Version) },
		func(path string) *rest.Request { return c.rest.Get().AbsPath(path) })
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("kinds of %s: %w", version, err)
	}
	var list metav1.APIResourceList
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, fmt.Errorf("kinds of %s: %w", version, err)
	}
	var kinds []string
	for _, r := range list.APIResources {
		kinds = append(kinds, r.Kind)
	}
	return kinds, nil
}
