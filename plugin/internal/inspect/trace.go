package inspect

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/concurrent"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/desired"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/fields"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/observe"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/status"
)

// Traced is what Trace found in the cluster, with what is needed to find the object in Git.
type Traced struct {
	status.Trace
	Managed object.Ref     // the object that the app manages
	Name    string         // of Managed in Git: a hook's may be the beginning of its name
	Applied record.Applied // the app
	Limits  string         // what the reader may not know, "" for one who may read the records
}

// maxOwners is how far Trace climbs.
const maxOwners = 10

// Trace finds a live object by the names of its kind and itself, in namespace or, when that is empty, wherever it is
// the only one of the name, and climbs its ownerReferences to an object of an app, or of a hook of one. Only metadata is
// read.
func (i *Inspector) Trace(ctx context.Context, kind, namespace, name string) (Traced, error) {
	kinds, err := i.Cluster.Named(ctx, kind)
	if err != nil {
		return Traced{}, err
	}
	known, err := i.known(ctx)
	if err != nil {
		return Traced{}, err
	}
	ref, live, err := i.findOne(ctx, known, kinds, namespace, name)
	if err != nil {
		return Traced{}, err
	}
	t := Traced{Trace: status.Trace{TypeMeta: metav1.TypeMeta{APIVersion: status.APIVersion, Kind: "Trace"}, Object: ref.ID(), Changed: lastChange(live)},
		Limits: known.limits(i.Records.Instance())}
	way := ref.String()
	for range maxOwners {
		if t.belongs(i, known, ref, live) {
			return t, nil
		}
		up, parent, err := i.climb(ctx, ref, live)
		if err != nil {
			return t, err
		}
		if parent == nil {
			break
		}
		ref, live = up, parent
		t.Owners = append(t.Owners, ref.ID())
		way += " < " + ref.String()
	}
	text := way + " is not managed by any app in namespace " + i.Records.Instance()
	if t.Changed != nil {
		text += fmt.Sprintf("; %s changed it last", t.Changed.Manager)
	}
	_, hook, _ := desired.HookOf(live.GetAnnotations())
	return t, &UnmanagedError{Ref: ref, Hook: hook, apps: known, error: hint.Errorf(text, "-n selects another instance")}
}

// belongs fills in the app that an object belongs to, if there is one.
func (t *Traced) belongs(i *Inspector, known known, ref object.Ref, live metav1.Object) bool {
	app, managed := known.ownerOf(i, ref, live)
	name := managed.Name
	if app == "" {
		var run record.HookRun
		if app, run = known.hookOf(live.GetUID()); app == "" {
			return false
		}
		managed, name, t.Hook = ref, run.Name, run.Phase
	}
	t.App, t.Managed, t.Name = app, managed, name
	t.Applied, _ = known.applied(app)
	t.Source, t.Revision = t.Applied.Source, known.revision(app)
	t.Commit, t.Unclear = known.lastCommit(app)
	return true
}

// findOne finds the one live object that is meant.
func (i *Inspector) findOne(ctx context.Context, known known, kinds []object.Kind, namespace, name string) (object.Ref, metav1.Object, error) {
	type match struct {
		ref  object.Ref
		live metav1.Object
	}
	var found []match
	var failed []error
	var forbidden []string
	for _, k := range kinds {
		spaces := []string{namespace}
		if !k.Namespaced {
			spaces = []string{""}
		}
		items, err := i.Cluster.FindMetadata(ctx, k, spaces[0], name)
		if apierrors.IsForbidden(err) && spaces[0] == "" && k.Namespaced {
			items, err = i.findIn(ctx, k, known.namespaces(i.Records.Instance()), name)
		}
		if apierrors.IsForbidden(err) {
			forbidden = append(forbidden, strings.TrimSuffix(k.Resource+"."+k.Group, "."))
			continue
		}
		if err != nil {
			failed = append(failed, err)
			continue
		}
		for n := range items {
			found = append(found, match{object.Ref{Kind: k, Namespace: items[n].Namespace, Name: name}, &items[n]})
		}
	}
	if managed := slices.DeleteFunc(slices.Clone(found), func(m match) bool { app, _ := known.ownerOf(i, m.ref, m.live); return app == "" }); len(managed) == 1 {
		found = managed
	}
	switch {
	case len(found) == 1:
		return found[0].ref, found[0].live, nil
	case len(found) == 0 && len(failed) > 0:
		return object.Ref{}, nil, errors.Join(failed...)
	case len(found) == 0 && len(forbidden) > 0:
		return object.Ref{}, nil, hint.Errorf(fmt.Sprintf("no %s named %s that you may see: you may not list %s", strings.ToLower(kinds[0].Kind), name, strings.Join(forbidden, ", ")),
			"this needs the right to list them in the object's namespace, which --object-namespace names")
	case len(found) == 0:
		return object.Ref{}, nil, hint.Errorf(fmt.Sprintf("no %s named %s in the cluster", strings.ToLower(kinds[0].Kind), name),
			"check the name, or its namespace with --object-namespace")
	}
	var ids []string
	for _, m := range found {
		ids = append(ids, m.ref.ID())
	}
	slices.Sort(ids)
	return object.Ref{}, nil, hint.Errorf("several objects have this name: "+strings.Join(ids, ", "), "say which with --object-namespace, or KIND.GROUP/NAME")
}

// findIn looks into each namespace where the whole cluster may not be listed.
func (i *Inspector) findIn(ctx context.Context, k object.Kind, spaces []string, name string) ([]metav1.PartialObjectMetadata, error) {
	found := make([][]metav1.PartialObjectMetadata, len(spaces))
	errs := make([]error, len(spaces))
	concurrent.Each(ctx, len(spaces), observe.AtOnce, func(n int) { found[n], errs[n] = i.Cluster.FindMetadata(ctx, k, spaces[n], name) })
	all := slices.Concat(found...)
	if len(all) == 0 {
		return nil, cmp.Or(errs...)
	}
	return all, nil
}

// ownerApp names the app whose record proves that the object is its own.
func ownerApp(records map[string]*record.Record, ref object.Ref, live metav1.Object) (string, record.Row) {
	for _, app := range slices.Sorted(maps.Keys(records)) {
		rec := records[app]
		if rec.Inventory == nil {
			continue
		}
		if row, ok := rec.Row(object.KeyOf(ref)); ok && row.UID == live.GetUID() {
			return app, row
		}
	}
	return "", record.Row{}
}

// climb reads the owner of an object: its controller, or else its first owner. It is nil when there is none (any more).
func (i *Inspector) climb(ctx context.Context, ref object.Ref, live metav1.Object) (object.Ref, metav1.Object, error) {
	owners := live.GetOwnerReferences()
	if len(owners) == 0 {
		return ref, nil, nil
	}
	owner := owners[0]
	if c := metav1.GetControllerOf(live); c != nil {
		owner = *c
	}
	k, err := i.Cluster.OwnerKind(ctx, owner)
	if err != nil {
		return ref, nil, err
	}
	up := object.Ref{Kind: k, Name: owner.Name}
	if k.Namespaced {
		up.Namespace = ref.Namespace
	}
	items, err := i.Cluster.FindMetadata(ctx, k, up.Namespace, owner.Name)
	if err != nil {
		return ref, nil, err
	}
	for n := range items {
		if items[n].UID == owner.UID {
			return up, &items[n], nil
		}
	}
	return ref, nil, nil
}

// lastChange tells who wrote an object last, its status aside.
func lastChange(live metav1.Object) *report.Owner {
	var newest *report.Owner
	for _, e := range live.GetManagedFields() {
		if e.Subresource == "status" {
			continue
		}
		at := time.Time{}
		if e.Time != nil {
			at = e.Time.Time
		}
		if newest == nil || !at.Before(newest.Time) { // times are whole seconds; updates come after applies
			newest = &report.Owner{Manager: fields.Today(e.Manager), Operation: string(e.Operation), Subresource: e.Subresource, Time: at}
		}
	}
	return newest
}

// UnmanagedError says that no app of the instance has an object. Hook is what its hook annotation says, "" when it has
// none: a hook that this tool did not run itself, such as one of Helm's tests, may still be in Git.
type UnmanagedError struct {
	Ref  object.Ref // the topmost owner that was found
	Hook string
	apps known
	error
}

// Unwrap gives the text and its hints.
func (e *UnmanagedError) Unwrap() error { return e.error }

// Apps are the apps whose Git may have the object, those with objects in its namespace first.
func (e *UnmanagedError) Apps() []record.Applied {
	names := slices.Sorted(maps.Keys(e.apps.parents))
	var near, far []record.Applied
	for _, name := range names {
		a, ok := e.apps.applied(name)
		switch {
		case !ok:
		case slices.Contains(e.apps.parents[name].Namespaces, e.Ref.Namespace):
			near = append(near, a)
		default:
			far = append(far, a)
		}
	}
	return append(near, far...)
}

// Adopt is the trace of an object that a is found to have in Git as a hook.
func (t *Traced) Adopt(e *UnmanagedError, a record.Applied) {
	t.App, t.Applied, t.Source, t.Hook = a.Name, a, a.Source, e.Hook
	t.Managed, t.Name, t.Revision = e.Ref, e.Ref.Name, e.apps.revision(a.Name)
	t.Commit, t.Unclear = e.apps.lastCommit(a.Name)
}
