package preflight

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/concurrent"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/live"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/observe"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/owners"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/plan"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/apply"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/tell"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// Takeover finds out whether other tools still apply the objects that one app would take over.
type Takeover struct {
	Client *cluster.Client // reads objects with the rights of the app
	Home   *cluster.Client // reads with the rights of the instance; nil unless Client acts as a service account
	Reader *observe.Reader // knows which namespaces to list
	Say    *tell.Teller    // receives warnings, and the owners for the report
	Told   *sync.Map       // owners that are not in the cluster and were warned of; shared by all apps of the process

	states map[owners.Owner]report.OwnerState // of the owners that were looked for
}

// OwnedError refuses to take over objects that another tool still applies, or may still apply.
type OwnedError struct{ err error }

// Error has one line for each owner.
func (e *OwnedError) Error() string { return e.err.Error() }

// Unwrap returns the errors of the owners joined, each with its hint.
func (e *OwnedError) Unwrap() error { return e.err }

// Check returns an OwnedError when a controller of another tool still applies an object that the plan would take over: both
// would write the object again and again, and deleting the owner would delete it. It notes each owner in the report. It
// sends no request when all objects are known to be ours, one when none of these tools is in the cluster, and otherwise
// reads the objects and one definition for each owner.
func (t *Takeover) Check(ctx context.Context, pl *plan.Plan, s *live.Snapshot) error {
	steps := unowned(pl, s)
	if len(steps) == 0 {
		return nil
	}
	served, err := t.ownersServed(ctx)
	if err != nil || len(served) == 0 {
		return err
	}
	marks, err := t.readMarks(ctx, steps)
	if err != nil {
		return err
	}
	var refused []error
	for _, g := range owners.Group(refsOf(steps), marks) {
		version, is := served[g.Kind]
		if !is {
			continue
		}
		why, err := t.askOwner(ctx, g, version)
		if err != nil {
			return err
		}
		refused = append(refused, why)
	}
	err = errors.Join(refused...)
	if err == nil {
		return nil
	}
	return &OwnedError{err}
}

// unowned lists the steps whose object, if it exists, is not known to be ours.
func unowned(pl *plan.Plan, snapshot *live.Snapshot) []*plan.Step {
	return slices.DeleteFunc(slices.Clone(pl.Steps), func(s *plan.Step) bool {
		ours := s.Row != nil && s.Live != nil && s.State != live.Replaced
		return ours || s.From != nil || s.Policy.CreateOnly || snapshot.IsAbsent(s.Ref.Kind)
	})
}

// ownersServed returns the definitions of owners that the cluster serves, each with its version.
func (t *Takeover) ownersServed(ctx context.Context) (map[owners.Kind]string, error) {
	versions, err := t.Client.GroupVersions(ctx)
	if err != nil {
		return nil, err
	}
	served := map[owners.Kind]string{}
	for _, k := range []owners.Kind{owners.FluxKustomization, owners.FluxHelmRelease, owners.ArgoApplication} {
		if v := versions[k.Definition().Group]; v != "" {
			served[k] = v
		}
	}
	return served, nil
}

// readMarks reads the metadata of the objects of steps that exist: one by one where a kind has few, by a list where it has
// many.
func (t *Takeover) readMarks(ctx context.Context, steps []*plan.Step) (map[object.Key]metav1.Object, error) {
	found := map[object.Key]metav1.Object{}
	byKind := map[cluster.Kind][]*plan.Step{}
	for _, s := range steps {
		if s.Live != nil {
			found[s.Key()] = s.Live
			continue
		}
		byKind[s.Ref.Kind] = append(byKind[s.Ref.Kind], s)
	}
	var single []*plan.Step
	for k, list := range byKind {
		if len(list) > observe.Few {
			err := t.listMarks(ctx, k, list, found)
			if err == nil || apply.NotServedYet(err) {
				continue
			}
			if !apierrors.IsForbidden(err) {
				return nil, err
			}
		}
		single = append(single, list...)
	}
	objects, errs := make([]*unstructured.Unstructured, len(single)), make([]error, len(single))
	concurrent.Each(ctx, len(single), observe.AtOnce, func(i int) { objects[i], errs[i] = t.Client.Get(ctx, single[i].Ref) })
	for i, s := range single {
		switch {
		case errs[i] == nil:
			found[s.Key()] = objects[i]
		case !apierrors.IsNotFound(errs[i]) && !apierrors.IsForbidden(errs[i]): // rights are checked next
			return nil, errs[i]
		}
	}
	return found, ctx.Err()
}

// listMarks lists the metadata of a kind in the namespace of the steps, or in all namespaces when the steps are in several.
func (t *Takeover) listMarks(ctx context.Context, k cluster.Kind, steps []*plan.Step, found map[object.Key]metav1.Object) error {
	var spaces []string
	wanted := map[object.Key]bool{}
	for _, s := range steps {
		wanted[s.Key()] = true
		if !slices.Contains(spaces, s.Namespace) {
			spaces = append(spaces, s.Namespace)
		}
	}
	for _, ns := range t.Reader.Scopes(k, spaces) {
		items, _, err := t.Client.ListMetadata(ctx, k, ns, "", cluster.Read{Many: true})
		if err != nil {
			return err
		}
		for i := range items {
			key := object.Key{Group: k.Group, Kind: k.Kind, Namespace: items[i].Namespace, Name: items[i].Name}
			if wanted[key] {
				found[key] = &items[i]
			}
		}
	}
	return nil
}

// askOwner reads whether an owner is active, and notes it in the report. why is the reason to refuse, nil when there is
// none.
func (t *Takeover) askOwner(ctx context.Context, g *owners.Claimed, version string) (why, err error) {
	k := g.Kind.Definition()
	k.Version = version
	found, err := t.findOwner(ctx, k, g.Claim)
	switch {
	case apierrors.IsForbidden(err) && g.Doubtful:
		return nil, nil // nothing but a label that charts set says so
	case apierrors.IsForbidden(err):
		t.noteOwner(g, g.Owner, report.OwnerUnreadable)
		return hint.With(fmt.Errorf("%s, and this user may not read whether that still applies it: nothing was written", g),
			"grant get and list on %s.%s to this user; if it is suspended or gone, take its mark off the objects: %s", k.Resource, k.Group, g.Unmark()), nil
	case apierrors.IsNotFound(err), err == nil && len(g.Holders(found)) == 0:
		if !g.Doubtful {
			t.noteOwner(g, g.Owner, report.OwnerMissing)
		}
		return nil, nil
	case err != nil:
		return nil, err
	}
	for _, u := range g.Holders(found) {
		o := owners.Owner{Kind: g.Kind, Namespace: u.GetNamespace(), Name: u.GetName()}
		state := g.State(u)
		t.noteOwner(g, o, state)
		if state == report.OwnerActive && why == nil {
			why = hint.With(fmt.Errorf("%s, which is active: nothing was written", g.BelongTo(o)), "%s", g.LetGoAdvice(u))
		}
	}
	return why, nil
}

// findOwner reads the definition of an owner, or all definitions of its name where its namespace is not known. It uses the
// rights of the instance: the service account of the app has no need to read definitions of other tools.
func (t *Takeover) findOwner(ctx context.Context, k cluster.Kind, c owners.Claim) ([]*unstructured.Unstructured, error) {
	client := t.Client
	if t.Home != nil {
		client = t.Home
	}
	namespace := c.Namespace
	if namespace == "" {
		found, err := client.FindAll(ctx, k, c.Name)
		if !apierrors.IsForbidden(err) {
			return found, err
		}
		namespace = owners.ArgoNamespace // a user who may not look everywhere may look there
	}
	u, err := client.Get(ctx, cluster.Ref{Kind: k, Namespace: namespace, Name: c.Name})
	if err != nil {
		return nil, err
	}
	return []*unstructured.Unstructured{u}, nil
}

// noteOwner adds an owner to the report, and remembers its state.
func (t *Takeover) noteOwner(g *owners.Claimed, o owners.Owner, state report.OwnerState) {
	if t.states == nil {
		t.states = map[owners.Owner]report.OwnerState{}
	}
	t.states[g.Owner] = state
	t.Say.Report.Owners = append(t.Say.Report.Owners, report.FormerOwner{Kind: string(o.Kind), Namespace: o.Namespace, Name: o.Name, State: state, Objects: len(g.Refs)})
}

// WarnMissing warns, once in the life of the process, of an owner that is not in this cluster: its controller may run in
// another cluster and take the objects back.
func (t *Takeover) WarnMissing(c owners.Claim) {
	if c.Kind.Definition().Kind == "" || c.LetGo || c.Doubtful {
		return
	}
	if state, asked := t.states[c.Owner]; asked && state != report.OwnerMissing {
		return
	}
	if _, told := t.Told.LoadOrStore(c.Owner, true); !told {
		t.Say.Say(report.Warning, "%s, which had objects of %s, is not in this cluster: if its controller runs in another cluster, suspend it there, or it takes them back", c.Owner, t.Say.Report.Name)
	}
}

func refsOf(steps []*plan.Step) []cluster.Ref {
	refs := make([]cluster.Ref, len(steps))
	for i, s := range steps {
		refs[i] = s.Ref
	}
	return refs
}
