package gitopsyaml

import (
	"cmp"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/app"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/envsubst"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/health"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
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
	l.checkConfinement(place, e)
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
		if _, err := health.Compile([]health.Rule{app.HealthRule(h)}); err != nil {
			l.at(fmt.Sprintf("%s.health[%d]", place, i), strings.Join(hint.Of(err), "; "), "%s", err)
		}
	}
	if p := e.DeletionBudget.Percent; p != nil && *p > 100 {
		l.at(join(place, "deletionBudget.percent"), "", "%d percent is more than 100", *p)
	}
	if s := e.Substitute; s != nil {
		l.checkDialect(join(place, "substitute"), *s)
		for i, f := range s.From {
			at := fmt.Sprintf("%s.substitute.from[%d]", place, i)
			l.name(at+".name", f.Name)
			if f.Kind == "ConfigMap" && len(f.Plain) > 0 {
				l.at(at+".plain", "remove it", "plain is for Secrets: all values of a ConfigMap are plain")
			}
			for j, pattern := range f.Plain {
				l.pattern(fmt.Sprintf("%s.plain[%d]", at, j), pattern)
			}
		}
	}
	if e.Wait != nil {
		for i, w := range e.Wait.objects {
			at := fmt.Sprintf("%s.wait[%d]", place, i)
			l.name(at+".name", w.Name)
			l.label(at+".namespace", w.Namespace)
			if _, err := object.ParseType(cmp.Or(w.Group, "x")+"/v1", w.Kind); err != nil && w.Kind != "" {
				l.at(at+".kind", "write the kind, such as Deployment, and its group in group", "%q is not a kind", w.Kind)
			}
		}
	}
	for i, r := range e.AllowSealedValues {
		if r.Name != "" {
			l.pattern(fmt.Sprintf("%s.allowSealedValues[%d].name", place, i), r.Name)
		}
	}
}

// checkDialect refuses what the dialect of a substitution does not have.
func (l *loader) checkDialect(place string, s Substitute) {
	if s.Dialect != app.DialectFlux {
		if s.Always {
			l.at(join(place, "always"), "remove it, or add dialect: flux", "always belongs to the dialect flux")
		}
		return
	}
	for _, name := range slices.Sorted(maps.Keys(s.Vars)) {
		if err := envsubst.CheckName(name); err != nil {
			l.at(join(place, "vars."+name), "", "%s", err)
		}
	}
}

// pattern refuses what path.Match cannot read.
func (l *loader) pattern(place, pattern string) {
	if _, err := path.Match(pattern, ""); err != nil || pattern == "" {
		l.at(place, "write a name, or one with * or ? in it", "%q is not a pattern for names", pattern)
	}
}

// checkConfinement refuses settings that confine an app and are empty. An absent key confines nothing, so an empty one would be
// read as the opposite of what it says.
func (l *loader) checkConfinement(place string, e Entry) {
	given := func(name string) bool {
		_, ok := l.lines[join(place, name)]
		return ok
	}
	const advice = "leave the key out, if it should not confine the app"
	if given("serviceAccount") && e.ServiceAccount == "" {
		l.at(join(place, "serviceAccount"), advice, "serviceAccount is empty")
	}
	if given("allow") && !given("allow.namespaces") && !given("allow.kinds") {
		l.at(join(place, "allow"), advice, "allow names neither namespaces nor kinds")
	}
	for name, list := range map[string][]string{"allow.namespaces": e.Allow.Namespaces, "allow.kinds": e.Allow.Kinds} {
		if given(name) && len(list) == 0 {
			l.at(join(place, name), advice, "%s is empty", name)
		}
		for i, element := range list {
			if element == "" {
				l.at(fmt.Sprintf("%s[%d]", join(place, name), i), "remove it, or write what is meant", "an element of %s is empty", name)
			}
		}
	}
	if given("ageKeys") && len(e.AgeKeys) == 0 {
		l.at(join(place, "ageKeys"), advice, "ageKeys is empty")
	}
	for i, key := range e.AgeKeys {
		if strings.Trim(key, ".") == "" || strings.ContainsAny(key, `/\*?[`) {
			l.at(fmt.Sprintf("%s.ageKeys[%d]", place, i), "write the name that the key has in the credentials, such as shop.agekey", "%q is not the name of a key", key)
		}
	}
	for i, kind := range e.Allow.Kinds {
		name, group, _ := strings.Cut(kind, ".")
		if _, err := object.ParseType(cmp.Or(group, "x")+"/v1", name); err != nil && kind != "" {
			l.at(fmt.Sprintf("%s.allow.kinds[%d]", place, i), "write Kind, or Kind.group", "%q is not a kind", kind)
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
