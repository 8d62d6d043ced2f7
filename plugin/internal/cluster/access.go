package cluster

import (
	"context"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/rest"
)

// WhoAmI returns the name of the user whose credentials are used, "" when the server does not tell.
func (c *Client) WhoAmI(ctx context.Context) string {
	reviews := Kind{Group: "authentication.k8s.io", Version: "v1", Kind: "SelfSubjectReview", Resource: "selfsubjectreviews"}
	u, err := c.Create(ctx, Ref{Kind: reviews}, []byte(`{"apiVersion":"authentication.k8s.io/v1","kind":"SelfSubjectReview"}`), "")
	if err != nil {
		return ""
	}
	name, _, _ := unstructured.NestedString(u.Object, "status", "userInfo", "username")
	return name
}

// Version returns the resourceVersion of an object, by reading its metadata only.
func (c *Client) Version(ctx context.Context, r Ref) (string, error) {
	raw, _, err := c.do(ctx, func() *rest.Request {
		return c.rest.Get().AbsPath(r.path()).SetHeader("Accept", "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1")
	})
	if err != nil {
		return "", err
	}
	u, err := decode(raw)
	if err != nil {
		return "", err
	}
	return u.GetResourceVersion(), nil
}
