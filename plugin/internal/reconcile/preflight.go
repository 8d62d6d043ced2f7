package reconcile

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/plan"
)

// rights remembers what the user was found to be allowed; rights that are taken away later are noticed by the writes.
type rights struct {
	mu    sync.Mutex
	all   bool // everything
	asked bool
	known map[cluster.Right]bool
}

// checkRights asks, before the first write, for every right that the plan takes: half a plan is worse than none. A user
// who may do everything costs one request in the life of a process, others one for each namespace and one for each
// right on cluster-scoped objects. A server that answers no reviews is believed by its writes.
func (p *pass) checkRights(ctx context.Context) error {
	if p.opts.DryRun || len(p.plan.Steps)+len(p.plan.Prunes) == 0 || p.isOneChange() {
		return nil
	}
	p.memory().rights.mu.Lock()
	defer p.memory().rights.mu.Unlock()
	if !p.memory().rights.asked {
		all, err := p.Cluster.Allowed(ctx, cluster.Right{Verb: "*", Group: "*", Resource: "*"})
		if err != nil {
			return ctx.Err()
		}
		p.memory().rights.all, p.memory().rights.asked, p.memory().rights.known = all, true, map[cluster.Right]bool{}
	}
	if p.memory().rights.all {
		return nil
	}
	var missing []cluster.Right
	for ns, wanted := range p.unknownRights() {
		lacks, err := p.lacking(ctx, ns, wanted)
		if err != nil {
			return ctx.Err()
		}
		missing = append(missing, lacks...)
	}
	return missingRights(missing)
}

// isOneChange tells of a plan that it cannot be left half done: what the server answers to its only write is the answer to
// the question as well.
func (p *pass) isOneChange() bool {
	steps := p.plan.Steps
	return len(steps) == 1 && len(p.plan.Prunes) == 0 && steps[0].Live != nil && !steps[0].Policy.Recreate && !p.hooks.AreDue()
}

// unknownRights are those of the plan that were not found allowed before, by namespace.
func (p *pass) unknownRights() map[string][]cluster.Right {
	wanted := map[string][]cluster.Right{}
	add := func(ref cluster.Ref, verbs ...string) {
		for _, verb := range verbs {
			r := cluster.Right{Verb: verb, Group: ref.Group, Resource: ref.Resource, Namespace: ref.Namespace}
			if !p.memory().rights.known[r] && !slices.Contains(wanted[r.Namespace], r) {
				wanted[r.Namespace] = append(wanted[r.Namespace], r)
			}
		}
	}
	for _, s := range p.plan.Steps {
		if s.Live == nil {
			add(s.Ref, "create")
		}
		add(s.Ref, "patch")
	}
	for _, r := range p.plan.Prunes {
		if r.Live != nil && !plan.IsKept(plan.AnnotationsOf(r.Live)) && !r.Row.HoldsOthers() {
			add(r.Row.Ref, "delete")
		}
	}
	return wanted
}

// lacking returns which of wanted the user does not have. What the server lists for a namespace settles most; it does
// not tell whether a right on cluster-scoped objects holds for all of them, and may be incomplete.
func (p *pass) lacking(ctx context.Context, namespace string, wanted []cluster.Right) ([]cluster.Right, error) {
	list, err := p.Cluster.Rights(ctx, cmp.Or(namespace, p.Records.Namespace))
	if err != nil {
		return nil, err
	}
	var missing []cluster.Right
	for _, r := range wanted {
		allowed := list.Allow(r)
		if allowed && namespace == "" || !allowed && list.Incomplete {
			if allowed, err = p.Cluster.Allowed(ctx, r); err != nil {
				return nil, err
			}
		}
		if allowed {
			p.memory().rights.known[r] = true
		} else {
			missing = append(missing, r)
		}
	}
	return missing, nil
}

// missingRights words what is missing, with the rules to add.
func missingRights(missing []cluster.Right) error {
	if len(missing) == 0 {
		return nil
	}
	verbs := map[cluster.Right][]string{}
	for _, r := range missing {
		verb := r.Verb
		r.Verb = ""
		verbs[r] = append(verbs[r], verb)
	}
	var lines, rules []string
	for _, r := range slices.SortedFunc(maps.Keys(verbs), func(a, b cluster.Right) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Group, b.Group), cmp.Compare(a.Resource, b.Resource))
	}) {
		slices.Sort(verbs[r])
		list := strings.Join(verbs[r], ", ")
		name, where, role := r.Resource, " in namespace "+r.Namespace, "a Role in "+r.Namespace
		if r.Group != "" {
			name += "." + r.Group
		}
		if r.Namespace == "" {
			where, role = "", "a ClusterRole"
		}
		lines = append(lines, fmt.Sprintf("  %s on %s%s", list, name, where))
		rules = append(rules, fmt.Sprintf("to %s {apiGroups: [%q], resources: [%s], verbs: [%s]}", role, r.Group, r.Resource, list))
	}
	const most = 3
	if more := len(rules) - most; more > 0 {
		rules = append(rules[:most], fmt.Sprintf("and %d more", more))
	}
	return hint.Errorf(fmt.Sprintf("rights are missing, nothing was written:\n%s", strings.Join(lines, "\n")),
		"add %s; `kubectl gitops rbac -o yaml` prints all that the repository takes", strings.Join(rules, ", "))
}
