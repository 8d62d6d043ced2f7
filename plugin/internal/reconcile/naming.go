package reconcile

import (
	"cmp"
	"slices"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
)

// noteSpread finds out whether the app has objects in more than one namespace. Names alone do not tell them apart then.
func (p *pass) noteSpread() {
	var s spread
	for k := range p.rec.Rows {
		s.see(k.Namespace)
	}
	for _, o := range slices.Concat(p.desired, p.hooks) {
		s.see(o.Namespace)
	}
	p.report.Spread = s.many
}

// spreadOver tells the same of rows.
func spreadOver(rows []record.Row) bool {
	var s spread
	for _, row := range rows {
		s.see(row.Namespace)
	}
	return s.many
}

// spread finds out whether there is more than one namespace.
type spread struct {
	first string
	many  bool
}

func (s *spread) see(namespace string) {
	s.first = cmp.Or(s.first, namespace)
	s.many = s.many || namespace != "" && namespace != s.first
}

// short is how a report names an object: kind.group/name, as kubectl prints it.
func (p *pass) short(ref cluster.Ref) string { return ShortIn(ref, p.report.Spread) }

// ShortIn is kind.group/name and, for an app that is spread over namespaces, " -n " and the namespace.
func ShortIn(ref cluster.Ref, spread bool) string {
	if !spread || ref.Namespace == "" {
		return ref.String()
	}
	return ref.String() + " -n " + ref.Namespace
}
