package cluster

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/version"
	"k8s.io/client-go/rest"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
)

// Named returns the kinds that a person may mean by a name: a kind, a resource or a short name, optionally followed by a dot
// and the group, such as deploy, deployments.apps and Deployment.apps. It returns one version of each kind, kinds of the core
// group first. It fails with a hint when no kind has that name. The server is asked only if it was not asked before.
func (c *Discovery) Named(ctx context.Context, name string) ([]Kind, error) {
	if _, err := c.Kind(ctx, schema.GroupVersionKind{Version: "v1", Kind: ""}); c.found == nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	plain, group, hasGroup := strings.Cut(strings.ToLower(name), ".")
	best := map[schema.GroupKind]Kind{}
	for gvk, k := range c.found.kinds {
		fits := plain == strings.ToLower(k.Kind) || plain == k.Resource || slices.Contains(c.found.short[gvk], plain)
		if !fits || hasGroup && group != k.Group {
			continue
		}
		if old, ok := best[gvk.GroupKind()]; !ok || version.CompareKubeAwareVersionStrings(k.Version, old.Version) > 0 {
			best[gvk.GroupKind()] = k
		}
	}
	if len(best) == 0 {
		return nil, hint.Errorf(fmt.Sprintf("the cluster has no kind %q", name), "see `kubectl api-resources`")
	}
	var kinds []Kind
	for _, k := range best {
		kinds = append(kinds, k)
	}
	slices.SortFunc(kinds, func(a, b Kind) int { return cmp.Or(cmp.Compare(a.Group, b.Group), cmp.Compare(a.Kind, b.Kind)) })
	return kinds, nil
}

// FindMetadata returns the metadata of the objects of a kind that have this name. An empty namespace stands for all
// namespaces. The result is empty when there is none.
func (c *Client) FindMetadata(ctx context.Context, k Kind, namespace, name string) ([]metav1.PartialObjectMetadata, error) {
	raw, _, err := c.ask(ctx, in(k, namespace), func(path string) *rest.Request {
		return c.rest.Get().AbsPath(path).SetHeader("Accept", acceptMetadata).
			Param("fieldSelector", fields.OneTermEqualSelector("metadata.name", name).String())
	})
	if err != nil {
		return nil, fmt.Errorf("find %s: %w", k.Resource, err)
	}
	var list metav1.PartialObjectMetadataList
	if err := decodeMetadata(raw, &list); err != nil {
		return nil, fmt.Errorf("find %s: %w", k.Resource, err)
	}
	return slices.DeleteFunc(list.Items, func(o metav1.PartialObjectMetadata) bool { return o.Name != name }), nil
}

// FindAll returns the objects of a kind that have this name, in all namespaces. The result is empty when there is none.
func (c *Client) FindAll(ctx context.Context, k Kind, name string) ([]*unstructured.Unstructured, error) {
	raw, _, err := c.ask(ctx, in(k, ""), func(path string) *rest.Request {
		return c.rest.Get().AbsPath(path).Param("fieldSelector", fields.OneTermEqualSelector("metadata.name", name).String())
	})
	if err != nil {
		return nil, fmt.Errorf("find %s: %w", k.Resource, err)
	}
	var list unstructured.UnstructuredList
	if err := list.UnmarshalJSON(raw); err != nil {
		return nil, fmt.Errorf("find %s: %w", k.Resource, err)
	}
	var out []*unstructured.Unstructured
	for i := range list.Items {
		if list.Items[i].GetName() == name {
			out = append(out, &list.Items[i])
		}
	}
	return out, nil
}

// OwnerKind returns the kind that an ownerReference names. Errors are those of Kind.
func (c *Discovery) OwnerKind(ctx context.Context, o metav1.OwnerReference) (Kind, error) {
	gvk := (&unstructured.Unstructured{Object: map[string]any{"apiVersion": o.APIVersion, "kind": o.Kind}}).GroupVersionKind()
	return c.Kind(ctx, gvk)
}
