package inspect

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/concurrent"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/health"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/observe"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/status"
)

// childKind is a kind of which objects are owned by others. Its whole objects are read where that tells their health.
type childKind struct {
	object.Kind
	whole bool
}

var (
	replicaSets    = childKind{object.Kind{Group: "apps", Version: "v1", Kind: "ReplicaSet", Resource: "replicasets", Namespaced: true}, true}
	childPods      = childKind{object.Kind{Version: "v1", Kind: "Pod", Resource: "pods", Namespaced: true}, true}
	jobs           = childKind{object.Kind{Group: "batch", Version: "v1", Kind: "Job", Resource: "jobs", Namespaced: true}, true}
	endpointSlices = childKind{object.Kind{Group: "discovery.k8s.io", Version: "v1", Kind: "EndpointSlice", Resource: "endpointslices", Namespaced: true}, false}
	childSecrets   = childKind{object.Kind{Version: "v1", Kind: "Secret", Resource: "secrets", Namespaced: true}, false}
	childMaps      = childKind{object.Kind{Version: "v1", Kind: "ConfigMap", Resource: "configmaps", Namespaced: true}, false}
	childServices  = childKind{object.Kind{Version: "v1", Kind: "Service", Resource: "services", Namespaced: true}, true}
	childClaims    = childKind{object.Kind{Version: "v1", Kind: "PersistentVolumeClaim", Resource: "persistentvolumeclaims", Namespaced: true}, true}
	deployments    = childKind{object.Kind{Group: "apps", Version: "v1", Kind: "Deployment", Resource: "deployments", Namespaced: true}, true}
	statefulSets   = childKind{object.Kind{Group: "apps", Version: "v1", Kind: "StatefulSet", Resource: "statefulsets", Namespaced: true}, true}
)

// childrenOf are the kinds that controllers make for objects of a kind, by group and kind.
var childrenOf = map[schema.GroupKind][]childKind{
	{Group: "apps", Kind: "Deployment"}:     {replicaSets},
	{Group: "apps", Kind: "ReplicaSet"}:     {childPods},
	{Group: "apps", Kind: "StatefulSet"}:    {childPods},
	{Group: "apps", Kind: "DaemonSet"}:      {childPods},
	{Group: "batch", Kind: "CronJob"}:       {jobs},
	{Group: "batch", Kind: "Job"}:           {childPods},
	{Kind: "ReplicationController"}:         {childPods},
	{Kind: "Service"}:                       {endpointSlices},
	{Group: "argoproj.io", Kind: "Rollout"}: {replicaSets},
}

// childless are groups of Kubernetes' own whose other kinds own nothing.
var childless = map[string]bool{"": true, "apps": true, "batch": true, "autoscaling": true, "policy": true, "discovery.k8s.io": true,
	"rbac.authorization.k8s.io": true, "networking.k8s.io": true, "storage.k8s.io": true, "scheduling.k8s.io": true,
	"apiextensions.k8s.io": true, "admissionregistration.k8s.io": true, "apiregistration.k8s.io": true, "coordination.k8s.io": true}

// ofCustom is what controllers of custom resources make.
var ofCustom = []childKind{deployments, statefulSets, replicaSets, jobs, childPods, childServices, childClaims, childMaps, childSecrets}

func childKindsOf(k object.Kind) []childKind {
	if kinds, ok := childrenOf[schema.GroupKind{Group: k.Group, Kind: k.Kind}]; ok {
		return kinds
	}
	if childless[k.Group] {
		return nil
	}
	return ofCustom
}

// Tree reads the objects of one app and their children by ownerReferences. It costs what Status costs, and one list for
// each kind that can be a child, in each namespace of possible owners. ok is false when there is no such app.
func (i *Inspector) Tree(ctx context.Context, app string) (tree status.Tree, ok bool, err error) {
	list, err := i.Status(ctx, app)
	if err != nil || len(list.Items) == 0 {
		return tree, false, err
	}
	s := list.Items[0]
	tree = status.Tree{TypeMeta: metav1.TypeMeta{APIVersion: status.APIVersion, Kind: "Tree"}, App: s.Name, Sync: s.Sync, Health: s.Health,
		Revision: s.Revision, Items: []status.Node{}, Limits: list.Limits}
	known, err := i.known(ctx)
	if err != nil {
		return tree, true, err
	}
	f := &family{Inspector: i, byOwner: map[types.UID][]child{}, done: map[listing]bool{}, unread: map[string]bool{}}
	var rows []record.Row
	var rules []health.Rule
	if known.hidden != nil {
		var unread []error
		rows, unread = i.members(ctx, known.parents[app]).of(i.Records.ID(app), known.parents[app])
		for _, err := range unread {
			f.unread[err.Error()] = true
		}
	} else if rec := known.records[app]; rec != nil && rec.Inventory != nil {
		rows, rules = rec.Sorted(), rec.Health
	}
	f.find(ctx, placesOf(rows))
	byID := map[string]status.Resource{}
	for _, rs := range s.Resources {
		byID[rs.Object] = rs
	}
	f.rules, _ = i.compiled.Compile(rules)
	for _, row := range rows {
		rs := byID[row.ID()]
		tree.Items = append(tree.Items, status.Node{Object: rs.Object, Short: rs.Short, Namespace: rs.Namespace, Sync: rs.Sync, Health: rs.Health,
			Message: rs.Message, Children: f.nodes(row.UID, map[types.UID]bool{})})
	}
	tree.Unread = slices.Sorted(maps.Keys(f.unread))
	return tree, true, ctx.Err()
}

// listing is one list of children.
type listing struct {
	kind      childKind
	namespace string
}

// owner is where children of an object may be.
type owner struct {
	kind      object.Kind
	namespace string
}

func placesOf(rows []record.Row) []owner {
	var all []owner
	for _, row := range rows {
		if o := (owner{row.Ref.Kind, row.Namespace}); row.UID != "" && !slices.Contains(all, o) {
			all = append(all, o)
		}
	}
	return all
}

type child struct {
	object.Ref
	uid types.UID
	u   *unstructured.Unstructured // nil where only metadata was read
}

// family collects what is owned by something.
type family struct {
	*Inspector
	rules   *health.Rules
	mu      sync.Mutex
	byOwner map[types.UID][]child
	done    map[listing]bool
	unread  map[string]bool
}

// find lists the kinds that owners may have made, then those that these may have made, and so on.
func (f *family) find(ctx context.Context, all []owner) {
	for len(all) > 0 {
		var todo []listing
		for _, o := range all {
			for _, k := range childKindsOf(o.kind) {
				if l := (listing{k, o.namespace}); !f.done[l] { // a cluster-scoped owner may own things anywhere
					f.done[l] = true
					todo = append(todo, l)
				}
			}
		}
		found := make([][]child, len(todo))
		errs := make([]error, len(todo))
		concurrent.Each(ctx, len(todo), observe.AtOnce, func(i int) { found[i], errs[i] = f.list(ctx, todo[i]) })
		all = nil
		for i, children := range found {
			if errs[i] != nil {
				f.unread[errs[i].Error()] = true
			}
			for _, c := range children {
				if o := (owner{c.Kind, c.Namespace}); !slices.Contains(all, o) {
					all = append(all, o)
				}
			}
		}
	}
}

// list reads the objects of a kind that have owners.
func (f *family) list(ctx context.Context, l listing) ([]child, error) {
	var all []metav1.Object
	if l.kind.whole {
		items, _, err := f.Cluster.List(ctx, l.kind.Kind, l.namespace, "")
		if err != nil {
			return nil, err
		}
		for i := range items {
			all = append(all, &items[i])
		}
	} else {
		items, _, err := f.Cluster.ListMetadata(ctx, l.kind.Kind, l.namespace, "", cluster.Read{})
		if err != nil {
			return nil, err
		}
		for i := range items {
			all = append(all, &items[i])
		}
	}
	var found []child
	for _, o := range all {
		u, _ := o.(*unstructured.Unstructured)
		c := child{object.Ref{Kind: l.kind.Kind, Namespace: o.GetNamespace(), Name: o.GetName()}, o.GetUID(), u}
		for _, ref := range o.GetOwnerReferences() {
			f.own(ref.UID, c)
		}
		if len(o.GetOwnerReferences()) > 0 {
			found = append(found, c)
		}
	}
	return found, nil
}

func (f *family) own(parent types.UID, c child) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !slices.ContainsFunc(f.byOwner[parent], func(other child) bool { return other.uid == c.uid }) {
		f.byOwner[parent] = append(f.byOwner[parent], c)
	}
}

// nodes are the children of an object, and theirs. above are the objects on the way down: owners may form a circle.
func (f *family) nodes(uid types.UID, above map[types.UID]bool) []status.Node {
	if uid == "" || above[uid] {
		return nil
	}
	above[uid] = true
	defer delete(above, uid)
	children := slices.SortedFunc(slices.Values(f.byOwner[uid]), func(a, b child) int {
		return cmp.Or(cmp.Compare(a.Group, b.Group), cmp.Compare(a.Kind.Kind, b.Kind.Kind), cmp.Compare(a.Name, b.Name))
	})
	var nodes []status.Node
	for _, c := range children {
		n := status.Node{Object: c.ID(), Short: c.String(), Namespace: c.Namespace, Children: f.nodes(c.uid, above)}
		if c.u != nil {
			n.Health, n.Message = f.rules.Of(c.u)
			if why := health.PodTrouble(c.u); c.Kind.Kind == "Pod" && n.Health != health.Healthy && why != "" {
				n.Message = strings.TrimPrefix(strings.TrimPrefix(why, "pod "+c.Name), ", ")
			}
			n.Idle = c.Kind == replicaSets.Kind && isIdle(c.u)
		}
		nodes = append(nodes, n)
	}
	return nodes
}

func isIdle(u *unstructured.Unstructured) bool {
	wanted, ok, _ := unstructured.NestedInt64(u.Object, "spec", "replicas")
	running, _, _ := unstructured.NestedInt64(u.Object, "status", "replicas")
	return ok && wanted == 0 && running == 0
}
