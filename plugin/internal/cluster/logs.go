package cluster

import (
	"context"
	"net/url"

	"k8s.io/client-go/rest"
)

// LastLog returns the end of a container's log: its last ten lines, at most 2 KiB.
func (c *Client) LastLog(ctx context.Context, namespace, pod, container string) (string, error) {
	raw, _, err := c.do(ctx, func() *rest.Request {
		return c.rest.Get().AbsPath("/api/v1/namespaces/"+url.PathEscape(namespace)+"/pods/"+url.PathEscape(pod)+"/log").
			Param("container", container).Param("tailLines", "10").Param("limitBytes", "2048")
	})
	return string(raw), err
}
