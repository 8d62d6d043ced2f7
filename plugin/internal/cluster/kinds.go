package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/version"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
)

// discovered is what one discovery run found.
type discovered struct {
	kinds  map[schema.GroupVersionKind]Kind
	short  map[schema.GroupVersionKind][]string // their short names and singulars
	failed map[schema.GroupVersion]error        // groups whose server did not answer: unknown, not absent
}

// UnknownKindError is object.UnknownKindError: the server does not serve a kind.
type UnknownKindError = object.UnknownKindError

// Learn notes kinds that the caller knows, for example from a record. They are not asked for again.
func (c *Discovery) Learn(kinds ...Kind) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, k := range kinds {
		c.kinds[k.GVK()] = k
	}
}

// GroupVersions returns the preferred version of each API group that the server serves, by group. It costs one request unless
// the server was asked before.
func (c *Discovery) GroupVersions(ctx context.Context) (map[string]string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.groups != nil {
		return c.groups, nil
	}
	raw, _, err := c.do(ctx, func() *rest.Request { return c.rest.Get().AbsPath("/apis") })
	if err != nil {
		return nil, fmt.Errorf("list API groups: %w", err)
	}
	var list metav1.APIGroupList
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, fmt.Errorf("list API groups: %w", err)
	}
	c.noteGroups(&list)
	return c.groups, nil
}

func (c *Discovery) noteGroups(list *metav1.APIGroupList) {
	c.groups = make(map[string]string, len(list.Groups))
	for _, g := range list.Groups {
		c.groups[g.Name] = g.PreferredVersion.Version
	}
}

// Forget drops everything that Discovery has found or learned. The next Kind asks the server again.
func (c *Discovery) Forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.kinds, c.found, c.groups = map[schema.GroupVersionKind]Kind{}, nil, nil
}

// Kind returns how the server serves a kind. For a kind that is not known yet, it asks the server what it serves: once, in two
// requests. The error is an *UnknownKindError, with a hint, when the server does not serve the kind.
func (c *Discovery) Kind(ctx context.Context, gvk schema.GroupVersionKind) (Kind, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if k, ok := c.kinds[gvk]; ok {
		return k, nil
	}
	found, err := c.foundOnce(ctx)
	if err != nil {
		return Kind{}, err
	}
	if k, ok := found.kinds[gvk]; ok {
		c.kinds[gvk] = k
		return k, nil
	}
	if err, ok := found.failed[gvk.GroupVersion()]; ok {
		return Kind{}, fmt.Errorf("the server of %s does not answer: %w", gvk.GroupVersion(), err)
	}
	return Kind{}, hint.With(&UnknownKindError{GVK: gvk}, "%s", found.near(gvk))
}

// KindOr is Kind, and also finds kinds that only CustomResourceDefinitions of the repository define. It uses a definition only
// if the server serves nothing of the kind, and fails if the definition contradicts what the server serves.
func (c *Discovery) KindOr(ctx context.Context, gvk schema.GroupVersionKind, defined map[schema.GroupVersionKind]Kind) (Kind, error) {
	k, err := c.Kind(ctx, gvk)
	d, ok := defined[gvk]
	if !ok || !errors.As(err, new(*UnknownKindError)) {
		return k, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.found == nil {
		return Kind{}, err
	}
	if why := c.found.contradicts(d); why != "" {
		return Kind{}, hint.With(&UnknownKindError{GVK: gvk}, "the CustomResourceDefinition in the repository is not believed: %s", why)
	}
	return d, nil
}

// Promise notes kinds that a dry run would define, except those that contradict what the server serves.
func (c *Discovery) Promise(ctx context.Context, defined map[schema.GroupVersionKind]Kind) {
	for gvk := range defined {
		if k, err := c.KindOr(ctx, gvk, defined); err == nil {
			c.Learn(k)
		}
	}
}

// contradicts says which kind that the server serves a definition would give another meaning, "" when it gives none. Another
// version of the same kind is none.
func (d *discovered) contradicts(k Kind) string {
	for _, served := range d.kinds {
		if served.Group != k.Group || served.Kind != k.Kind && served.Resource != k.Resource {
			continue
		}
		if served.Kind != k.Kind || served.Resource != k.Resource || served.Namespaced != k.Namespaced {
			return fmt.Sprintf("the cluster serves %s as %s.%s", served.Kind, served.Resource, served.Group)
		}
	}
	return ""
}

// Discover asks the server what it serves, so that a later Kind need not wait. It may run beside other work. Kind reports the
// error, if there is one.
func (c *Discovery) Discover(ctx context.Context) {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, _ = c.foundOnce(ctx)
}

// foundOnce runs discovery unless it has run. c.mu is held.
func (c *Discovery) foundOnce(ctx context.Context) (*discovered, error) {
	if c.found != nil {
		return c.found, nil
	}
	err := c.patiently(ctx, func() (err error) {
		c.found, err = c.discover(ctx)
		return err
	})
	if err != nil {
		c.found = nil
		return nil, fmt.Errorf("discovery: %w", err)
	}
	return c.found, nil
}

func (c *Discovery) discover(ctx context.Context) (*discovered, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	dc, err := discovery.NewDiscoveryClientForConfig(c.config)
	if err != nil {
		return nil, err
	}
	groups, lists, failed, err := dc.GroupsAndMaybeResources()
	if err != nil {
		return nil, err
	}
	c.noteGroups(groups)
	found := &discovered{kinds: map[schema.GroupVersionKind]Kind{}, short: map[schema.GroupVersionKind][]string{}, failed: failed}
	for gv, list := range lists {
		if list == nil {
			continue
		}
		for _, r := range list.APIResources {
			if strings.Contains(r.Name, "/") {
				continue
			}
			k := Kind{Group: gv.Group, Version: gv.Version, Kind: r.Kind, Resource: r.Name, Namespaced: r.Namespaced}
			if r.Group != "" {
				k.Group = r.Group
			}
			if r.Version != "" {
				k.Version = r.Version
			}
			found.kinds[k.GVK()] = k
			found.short[k.GVK()] = append(r.ShortNames, r.SingularName)
		}
	}
	if lists != nil {
		return found, nil
	}
	// An old server answers without resources: ask group by group.
	_, all, err := dc.ServerGroupsAndResources()
	if err != nil && len(all) == 0 {
		return nil, err
	}
	for _, list := range all {
		gv, err := schema.ParseGroupVersion(list.GroupVersion)
		if err != nil {
			continue
		}
		for _, r := range list.APIResources {
			if !strings.Contains(r.Name, "/") {
				found.kinds[gv.WithKind(r.Kind)] = Kind{Group: gv.Group, Version: gv.Version, Kind: r.Kind, Resource: r.Name, Namespaced: r.Namespaced}
			}
		}
	}
	return found, nil
}

// near words the hint of an unknown kind: other versions of it, other groups, or where a CRD would come from.
func (d *discovered) near(gvk schema.GroupVersionKind) string {
	var versions, groups, spelled []string
	for k := range d.kinds {
		switch {
		case k.Kind == gvk.Kind && k.Group == gvk.Group:
			versions = append(versions, k.GroupVersion().String())
		case k.Kind == gvk.Kind:
			groups = append(groups, k.GroupVersion().String())
		case strings.EqualFold(k.Kind, gvk.Kind) || oneEdit(strings.ToLower(k.Kind), strings.ToLower(gvk.Kind)):
			spelled = append(spelled, k.Kind)
		}
	}
	for _, s := range []*[]string{&versions, &groups, &spelled} {
		slices.Sort(*s)
		*s = slices.Compact(*s)
	}
	switch {
	case len(versions) > 0:
		return "it serves " + gvk.Kind + " as " + strings.Join(versions, ", ")
	case len(groups) > 0:
		return gvk.Kind + " exists in " + strings.Join(groups, ", ")
	case len(spelled) > 0:
		return "did you mean " + strings.Join(spelled, ", ") + "?"
	}
	return "add the CustomResourceDefinition of " + gvk.Kind + " to the repository, or install it first"
}

// oneEdit tells whether a becomes b by inserting, deleting or replacing one byte, or swapping two neighbours.
func oneEdit(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	if len(b)-len(a) > 1 {
		return false
	}
	i := 0
	for i < len(a) && a[i] == b[i] {
		i++
	}
	if len(a) < len(b) {
		return a[i:] == b[i+1:]
	}
	if i+1 < len(a) && a[i] == b[i+1] && a[i+1] == b[i] && a[i+2:] == b[i+2:] {
		return true
	}
	return i == len(a) || a[i+1:] == b[i+1:]
}

// Served asks the server again and returns how it serves a kind: at the version of gvk if possible, otherwise at the latest
// version that it serves. A gvk without version matches any. The error is an *UnknownKindError when it serves none.
func (c *Discovery) Served(ctx context.Context, gvk schema.GroupVersionKind) (Kind, error) {
	c.Forget()
	return c.Latest(ctx, gvk)
}

// Latest is Served without asking again: it uses what the server said before.
func (c *Discovery) Latest(ctx context.Context, gvk schema.GroupVersionKind) (Kind, error) {
	k, err := c.Kind(ctx, gvk)
	if err == nil {
		return k, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.found == nil {
		return Kind{}, err
	}
	for gv, why := range c.found.failed {
		if gv.Group == gvk.Group {
			return Kind{}, fmt.Errorf("the server of %s does not answer: %w", gv, why) // not known, so not absent
		}
	}
	var best Kind
	for other, k := range c.found.kinds {
		if other.GroupKind() == gvk.GroupKind() && (best.Kind == "" || version.CompareKubeAwareVersionStrings(k.Version, best.Version) > 0) {
			best = k
		}
	}
	if best.Kind == "" {
		return Kind{}, err
	}
	return best, nil
}

// NamespacedKinds asks the server again and returns each namespaced kind that it serves, at one version. It fails when the
// server of an API group does not answer, because the kinds of that group are not known then.
func (c *Discovery) NamespacedKinds(ctx context.Context) ([]Kind, error) {
	c.Forget()
	if _, err := c.Kind(ctx, schema.GroupVersionKind{Version: "v1", Kind: "Namespace"}); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for gv, err := range c.found.failed {
		return nil, fmt.Errorf("the server of %s does not answer: %w", gv, err)
	}
	best := map[schema.GroupKind]Kind{}
	for _, k := range c.found.kinds {
		gk := k.GVK().GroupKind()
		if k.Namespaced && (best[gk].Kind == "" || version.CompareKubeAwareVersionStrings(k.Version, best[gk].Version) > 0) {
			best[gk] = k
		}
	}
	return slices.Collect(maps.Values(best)), nil
}
