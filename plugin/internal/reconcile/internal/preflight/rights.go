package preflight

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

// Rights remembers which rights the user was found to have. The zero value is ready to use, by several goroutines. A right
// that is taken away later shows when a write fails.
type Rights struct {
	mu    sync.Mutex
	all   bool // everything
	asked bool
	known map[cluster.Right]bool
}

// Check asks the API server for every right that a plan takes, and fails with the missing ones: half an applied plan is
// worse than none. For a user who may do everything it sends one request in the life of a process. For others it sends one
// for each namespace and one for each right on cluster-scoped objects. instance is the namespace of the records. When the
// server answers no access reviews, the check passes, and the writes will fail instead.
func (r *Rights) Check(ctx context.Context, client *cluster.Client, instance string, pl *plan.Plan) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.asked {
		all, err := client.Allowed(ctx, cluster.Right{Verb: "*", Group: "*", Resource: "*"})
		if err != nil {
			return ctx.Err()
		}
		r.all, r.asked, r.known = all, true, map[cluster.Right]bool{}
	}
	if r.all {
		return nil
	}
	var missing []cluster.Right
	for ns, wanted := range r.unknown(pl) {
		lacks, err := r.lacking(ctx, client, cmp.Or(ns, instance), ns == "", wanted)
		if err != nil {
			return ctx.Err()
		}
		missing = append(missing, lacks...)
	}
	return missingRights(missing)
}

// unknown returns the rights of the plan that were not found allowed before, by namespace.
func (r *Rights) unknown(pl *plan.Plan) map[string][]cluster.Right {
	wanted := map[string][]cluster.Right{}
	add := func(ref cluster.Ref, verbs ...string) {
		for _, verb := range verbs {
			right := cluster.Right{Verb: verb, Group: ref.Group, Resource: ref.Resource, Namespace: ref.Namespace}
			if !r.known[right] && !slices.Contains(wanted[right.Namespace], right) {
				wanted[right.Namespace] = append(wanted[right.Namespace], right)
			}
		}
	}
	for _, s := range pl.Steps {
		if s.Live == nil {
			add(s.Ref, "create")
		}
		add(s.Ref, "patch")
	}
	for _, prune := range pl.Prunes {
		if prune.Live != nil && !plan.IsKept(plan.AnnotationsOf(prune.Live)) && !prune.Row.IsContainer() {
			add(prune.Row.Ref, "delete")
		}
	}
	return wanted
}

// lacking returns which of wanted the user does not have. The list that the server gives for a namespace answers most of
// them. That list may be incomplete, and it does not say whether a right on cluster-scoped objects holds for all of them:
// then lacking asks for the right alone.
func (r *Rights) lacking(ctx context.Context, client *cluster.Client, namespace string, isCluster bool, wanted []cluster.Right) ([]cluster.Right, error) {
	list, err := client.Rights(ctx, namespace)
	if err != nil {
		return nil, err
	}
	var missing []cluster.Right
	for _, right := range wanted {
		allowed := list.Allow(right)
		if allowed && isCluster || !allowed && list.Incomplete {
			if allowed, err = client.Allowed(ctx, right); err != nil {
				return nil, err
			}
		}
		if allowed {
			r.known[right] = true
		} else {
			missing = append(missing, right)
		}
	}
	return missing, nil
}

// missingRights returns the error that names the missing rights, with the rules to add as the hint.
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
