package cluster

import (
	"context"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
)

// Versions is the version of an API server, and what it serves.
type Versions struct {
	Kubernetes string   // such as v1.37.2
	Served     []string // versions of groups and their kinds, sorted: v1, apps/v1, apps/v1/Deployment
}

// Versions asks the server for its version, in one request. What the server serves is asked only if it was not asked before.
func (c *Discovery) Versions(ctx context.Context) (Versions, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	found, err := c.foundOnce(ctx)
	if err != nil {
		return Versions{}, err
	}
	var v Versions
	err = c.patiently(ctx, func() error {
		dc, err := discovery.NewDiscoveryClientForConfig(c.config)
		if err != nil {
			return err
		}
		info, err := dc.ServerVersion()
		if err == nil {
			v.Kubernetes = info.GitVersion
		}
		return err
	})
	if err != nil {
		return Versions{}, fmt.Errorf("version of the API server: %w", err)
	}
	served := map[string]bool{}
	for k := range found.kinds {
		served[k.GroupVersion().String()] = true
		served[k.GroupVersion().String()+"/"+k.Kind] = true
	}
	for gv := range found.failed {
		served[schema.GroupVersion.String(gv)] = true // its kinds are not known
	}
	for name := range served {
		v.Served = append(v.Served, name)
	}
	slices.Sort(v.Served)
	return v, nil
}
