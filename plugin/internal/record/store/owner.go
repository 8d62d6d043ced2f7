package store

import (
	"context"
	"strings"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
)

// SetOwner says who keeps an ApplySet. App is the name of an app of an instance, in the namespace of that instance; for
// the ApplySet of another tool App is "", and Parent is the name of its ConfigMap.
type SetOwner struct{ App, Parent, Namespace string }

// OwnerOf finds the parent of an ApplySet in any namespace, where ConfigMaps may be listed. found is false when it is
// none of a ConfigMap, or is gone.
func (s *Store) OwnerOf(ctx context.Context, id string) (owner SetOwner, found bool, err error) {
	items, _, err := s.Cluster.ListMetadata(ctx, configMaps, "", record.LabelID+"="+id, cluster.Read{})
	if err != nil {
		return SetOwner{}, false, err
	}
	tool, _, _ := strings.Cut(s.Tool, "/")
	for _, u := range items {
		if record.ApplySetID(u.Name, u.Namespace, "ConfigMap", "") != id {
			continue // a copy
		}
		owner = SetOwner{Parent: u.Name, Namespace: u.Namespace}
		if app, ok := strings.CutPrefix(u.Name, record.NamePrefix); ok && strings.HasPrefix(u.Annotations[record.AnnotationTooling], tool+"/") {
			owner.App = app
		}
		return owner, true, nil
	}
	return SetOwner{}, false, nil
}
