package config

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile"
)

// longestName leaves room in gitops-<name>-inventory-<n> and in labels.
const longestName = 40

func badName(name string) string {
	if problems := validation.IsDNS1123Label(name); len(problems) > 0 || len(name) > longestName {
		return fmt.Sprintf("use up to %d of a-z, 0-9 and '-'", longestName)
	}
	return ""
}

// check looks at what an entry says, beyond the types of its values.
func (l *loader) check(place string, e Entry) {
	if problem := badName(e.Name); e.Name != "" && problem != "" {
		l.at(join(place, "name"), problem, "%q cannot be the name of an app", e.Name)
	}
	l.label(join(place, "namespace"), e.Namespace)
	for i, ns := range e.Allow.Namespaces {
		l.label(fmt.Sprintf("%s.allow.namespaces[%d]", place, i), ns)
	}
	l.name(join(place, "serviceAccount"), e.ServiceAccount)
	l.name(join(place, "helm.release"), e.Helm.Release)
	for i, rule := range e.Ignore {
		at := fmt.Sprintf("%s.ignore[%d]", place, i)
		if len(rule.Paths) == 0 && len(rule.Managers) == 0 {
			l.at(at, "give paths such as /spec/replicas, or managers", "the rule says what it is about, but not what to ignore")
		}
		for j, p := range rule.Paths {
			if !strings.HasPrefix(p, "/") || p == "/" {
				l.at(fmt.Sprintf("%s.paths[%d]", at, j), "write it as in /spec/replicas; / in a key is ~1", "%q is not a JSON pointer", p)
			}
		}
	}
	for i, h := range e.Health {
		if h.Healthy == "" && h.Degraded == "" && h.Progressing == "" && h.Suspended == "" {
			l.at(fmt.Sprintf("%s.health[%d]", place, i), "give at least one of healthy, degraded, progressing, suspended", "the rule for %s has no expression", h.Kind)
			continue
		}
		if _, err := cluster.CompileHealth([]cluster.HealthRule{reconcile.HealthRule(h)}); err != nil {
			l.at(fmt.Sprintf("%s.health[%d]", place, i), strings.Join(hint.Of(err), "; "), "%s", err)
		}
	}
	if p := e.DeletionBudget.Percent; p != nil && *p > 100 {
		l.at(join(place, "deletionBudget.percent"), "", "%d percent are more than there is", *p)
	}
	if s := e.Substitute; s != nil {
		for i, f := range s.From {
			l.name(fmt.Sprintf("%s.substitute.from[%d].name", place, i), f.Name)
		}
	}
}

// label refuses what cannot be the name of a namespace.
func (l *loader) label(place, name string) {
	if problems := validation.IsDNS1123Label(name); name != "" && len(problems) > 0 {
		l.at(place, "lower-case letters, digits and '-' only", "%q cannot be the name of a namespace", name)
	}
}

// name refuses what cannot be the name of an object.
func (l *loader) name(place, name string) {
	if problems := validation.IsDNS1123Subdomain(name); name != "" && len(problems) > 0 {
		l.at(place, "lower-case letters, digits, '-' and '.' only", "%q cannot be the name of an object", name)
	}
}
