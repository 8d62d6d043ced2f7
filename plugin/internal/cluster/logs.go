package cluster

import (
	"context"

	"k8s.io/client-go/rest"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
)

// LastLog returns the end of the log of a container: the last ten lines, at most 2 KiB.
func (c *Client) LastLog(ctx context.Context, namespace, pod, container string) (string, error) {
	raw, _, err := c.ask(ctx, func() (string, error) {
		return object.Path("api", "v1", "namespaces", namespace, "pods", pod, "log")
	}, func(path string) *rest.Request {
		return c.rest.Get().AbsPath(path).
			Param("container", container).Param("tailLines", "10").Param("limitBytes", "2048")
	})
	return string(raw), err
}
