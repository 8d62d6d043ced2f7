package reconcile

import (
	"context"
	"errors"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/concurrent"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/live"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/observe"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// OwnedError refuses to take objects over from owners that still apply them, or that may.
type OwnedError struct{ err error }

// Error has one line for each owner.
func (e *OwnedError) Error() string { return e.err.Error() }

// Unwrap returns the errors of the owners joined, each with its hint.
func (e *OwnedError) Unwrap() error { return e.err }

// checkOwners finds out, before the first write, whether what this pass would take over is still applied by a controller
// of another tool: both would write it on and on, and the deletion of the owner would delete it. It costs nothing when
// all objects are ours already, one request when none of these tools is in the cluster, and one for each owner.
func (p *pass) checkOwners(ctx context.Context) error {
	steps := p.strange()
	if len(steps) == 0 {
		return nil
	}
	served, err := p.ownersServed(ctx)
	if err != nil || len(served) == 0 {
		return err
	}
	marks, err := p.readMarks(ctx, steps)
	if err != nil {
		return err
	}
	var refused []error
	for _, g := range groupClaims(steps, marks) {
		version, is := served[g.kind]
		if !is {
			continue
		}
		why, err := p.askOwner(ctx, g, version)
		if err != nil {
			return err
		}
		refused = append(refused, why)
	}
	err = errors.Join(refused...)
	if err == nil {
		return nil
	}
	if p.opts.DryRun { // it shows all the same what would change
		p.owned = &OwnedError{err}
		return nil
	}
	return &OwnedError{err}
}

// strange lists the steps whose object, if there is one, is not known to be ours.
func (p *pass) strange() []*step {
	return slices.DeleteFunc(slices.Clone(p.plan.steps), func(s *step) bool {
		ours := s.row != nil && s.live != nil && s.state != live.Replaced
		return ours || s.from != nil || s.policy.CreateOnly || p.live.IsAbsent(s.Ref.Kind)
	})
}

// ownersServed tells which definitions of owners the cluster serves, at which version.
func (p *pass) ownersServed(ctx context.Context) (map[ownerKind]string, error) {
	versions, err := p.Cluster.GroupVersions(ctx)
	if err != nil {
		return nil, err
	}
	served := map[ownerKind]string{}
	for _, k := range []ownerKind{fluxKustomization, fluxHelmRelease, argoApplication} {
		if v := versions[k.definition().Group]; v != "" {
			served[k] = v
		}
	}
	return served, nil
}

// readMarks reads the metadata of the objects of steps that exist: one by one where they are few of a kind, by a list
// where they are many.
func (p *pass) readMarks(ctx context.Context, steps []*step) (map[record.Key]metav1.Object, error) {
	found := map[record.Key]metav1.Object{}
	byKind := map[cluster.Kind][]*step{}
	for _, s := range steps {
		if s.live != nil {
			found[s.key()] = s.live
			continue
		}
		byKind[s.Ref.Kind] = append(byKind[s.Ref.Kind], s)
	}
	var single []*step
	for k, list := range byKind {
		if len(list) > observe.Few {
			err := p.listMarks(ctx, k, list, found)
			if err == nil || notServedYet(err) {
				continue
			}
			if !apierrors.IsForbidden(err) {
				return nil, err
			}
		}
		single = append(single, list...)
	}
	objects, errs := make([]*unstructured.Unstructured, len(single)), make([]error, len(single))
	concurrent.Each(ctx, len(single), observe.AtOnce, func(i int) { objects[i], errs[i] = p.Cluster.Get(ctx, single[i].Ref) })
	for i, s := range single {
		switch {
		case errs[i] == nil:
			found[s.key()] = objects[i]
		case !apierrors.IsNotFound(errs[i]) && !apierrors.IsForbidden(errs[i]): // rights are checked next
			return nil, errs[i]
		}
	}
	return found, ctx.Err()
}

// listMarks lists the metadata of a kind where the steps are: in their namespace, or in all when they are in several.
func (p *pass) listMarks(ctx context.Context, k cluster.Kind, steps []*step, found map[record.Key]metav1.Object) error {
	var spaces []string
	wanted := map[record.Key]bool{}
	for _, s := range steps {
		wanted[s.key()] = true
		if !slices.Contains(spaces, s.Namespace) {
			spaces = append(spaces, s.Namespace)
		}
	}
	for _, ns := range p.reader().Scopes(k, spaces) {
		items, _, err := p.Cluster.ListMetadata(ctx, k, ns, "", cluster.Read{Many: true})
		if err != nil {
			return err
		}
		for i := range items {
			key := record.Key{Group: k.Group, Kind: k.Kind, Namespace: items[i].Namespace, Name: items[i].Name}
			if wanted[key] {
				found[key] = &items[i]
			}
		}
	}
	return nil
}

// claimed is one owner with the objects that name it.
type claimed struct {
	ownership
	refs []cluster.Ref
}

// groupClaims lists the owners that live objects name, in the order of the steps. What all its objects ask to be left
// alone does not count.
func groupClaims(steps []*step, live map[record.Key]metav1.Object) []*claimed {
	var out []*claimed
	for _, s := range steps {
		u := live[s.key()]
		if u == nil {
			continue
		}
		for _, c := range claimsOf(s.Ref, u) {
			if c.letGo {
				continue
			}
			i := slices.IndexFunc(out, func(g *claimed) bool { return g.ownership == c })
			if i < 0 {
				i, out = len(out), append(out, &claimed{ownership: c})
			}
			out[i].refs = append(out[i].refs, s.Ref)
		}
	}
	return out
}

// askOwner looks whether an owner is active, and says so in the report. why refuses to go on.
func (p *pass) askOwner(ctx context.Context, g *claimed, version string) (why, err error) {
	k := g.kind.definition()
	k.Version = version
	found, err := p.findOwner(ctx, k, g.ownership)
	switch {
	case apierrors.IsForbidden(err) && g.doubtful:
		return nil, nil // nothing but a label that charts set says so
	case apierrors.IsForbidden(err):
		p.noteOwner(g, g.otherOwner, report.OwnerUnreadable)
		return hint.With(fmt.Errorf("%s, and this user may not read whether that still applies it: nothing was written", g),
			"grant get and list on %s.%s to this user; if it is suspended or gone, take its mark off the objects: %s", k.Resource, k.Group, g.unmark()), nil
	case apierrors.IsNotFound(err), err == nil && len(g.holders(found)) == 0:
		if !g.doubtful {
			p.noteOwner(g, g.otherOwner, report.OwnerMissing)
		}
		return nil, nil
	case err != nil:
		return nil, err
	}
	for _, u := range g.holders(found) {
		o := otherOwner{g.kind, u.GetNamespace(), u.GetName()}
		state := g.stateOf(u)
		p.noteOwner(g, o, state)
		if state == report.OwnerActive && why == nil {
			why = hint.With(fmt.Errorf("%s, which is active: nothing was written", g.belongTo(o)), "%s", g.letGoAdvice(u))
		}
	}
	return why, nil
}

// findOwner reads the definitions that an owner may be: one, or all of its name where its namespace is not known. That
// is not about the app's objects, so it takes our own rights: a service account of the app need not know who has them now.
func (p *pass) findOwner(ctx context.Context, k cluster.Kind, c ownership) ([]*unstructured.Unstructured, error) {
	client := p.Cluster
	if p.home != nil {
		client = p.home
	}
	namespace := c.namespace
	if namespace == "" {
		found, err := client.FindAll(ctx, k, c.name)
		if !apierrors.IsForbidden(err) {
			return found, err
		}
		namespace = argoNamespace // a user who may not look everywhere may look there
	}
	u, err := client.Get(ctx, cluster.Ref{Kind: k, Namespace: namespace, Name: c.name})
	if err != nil {
		return nil, err
	}
	return []*unstructured.Unstructured{u}, nil
}

// holders narrows what was found of a name: one that lists an object of ours wins. An Application that lists none of them
// may be another of the same name, in another installation: it has to deploy to where they are, and where only a label
// says that they are its, it does not count.
func (g *claimed) holders(found []*unstructured.Unstructured) []*unstructured.Unstructured {
	if g.kind != argoApplication {
		return found
	}
	having := func(has func(*unstructured.Unstructured, cluster.Ref) bool) []*unstructured.Unstructured {
		return slices.DeleteFunc(slices.Clone(found), func(u *unstructured.Unstructured) bool {
			return !slices.ContainsFunc(g.refs, func(ref cluster.Ref) bool { return has(u, ref) })
		})
	}
	if listing := having(holds); len(listing) > 0 || g.doubtful {
		return listing
	}
	return having(deploysTo)
}

// noteOwner puts an owner into the report, and remembers that it was asked.
func (p *pass) noteOwner(g *claimed, o otherOwner, state report.OwnerState) {
	if p.ownerStates == nil {
		p.ownerStates = map[otherOwner]report.OwnerState{}
	}
	p.ownerStates[g.otherOwner] = state
	p.report.Owners = append(p.report.Owners, report.FormerOwner{Kind: string(o.kind), Namespace: o.namespace, Name: o.name, State: state, Objects: len(g.refs)})
}

// String names the objects and their owner.
func (g *claimed) String() string { return g.belongTo(g.otherOwner) }

func (g *claimed) belongTo(o otherOwner) string {
	switch n := len(g.refs) - 1; n {
	case 0:
		return fmt.Sprintf("%s belongs to %s", g.refs[0], o)
	default:
		return fmt.Sprintf("%s and %s belong to %s", g.refs[0], plural(n, "other object"), o)
	}
}

// unmark is the command that takes the mark of the owner off the first object.
func (g *claimed) unmark() string {
	verb := "label"
	if g.markIn == inAnnotations {
		verb = "annotate"
	}
	text := fmt.Sprintf("kubectl %s %s", verb, g.refs[0])
	if ns := g.refs[0].Namespace; ns != "" {
		text += " -n " + ns
	}
	return text + " " + g.mark + "-"
}

// warnMissing says once of an owner that this cluster does not have: its controller may run in another cluster, and then
// it takes the objects back.
func (p *pass) warnMissing(c ownership) {
	if c.kind.definition().Kind == "" || c.letGo || c.doubtful {
		return
	}
	if state, asked := p.ownerStates[c.otherOwner]; asked && state != report.OwnerMissing {
		return
	}
	if _, told := p.memory().owners.LoadOrStore(c.otherOwner, true); !told {
		p.tell(report.Warning, p.app.Name, "%s, which had objects of %s, is not in this cluster: if its controller runs in another cluster, suspend it there, or it takes them back", c.otherOwner, p.app.Name)
	}
}
