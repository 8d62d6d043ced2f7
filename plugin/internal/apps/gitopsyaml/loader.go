package gitopsyaml

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/app"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/near"
)

// loader turns the file into apps. tree is nil where only the form of the file is looked at.
type loader struct {
	*decoder
	tree   *os.Root
	apps   []listed
	places map[string]bool // of the entries that have wildcards
}

func (l *loader) load(data []byte) []app.App {
	root := l.parse(data)
	if root == nil {
		return nil
	}
	var file File
	if !l.decode(root, &file) {
		return nil
	}
	if len(file.Apps) == 0 && len(l.problems) == 0 {
		l.at("apps", "an empty list would remove everything; if you want that, delete gitops.yaml, and delete its objects with kubectl", "the file lists no app")
	}
	for i, e := range file.Apps {
		place := fmt.Sprintf("apps[%d]", i)
		l.check(place, e)
		l.checkPlaces(place, e)
		for _, at := range l.directories(place, e) {
			app := l.app(e, place)
			app.Name, app.Path = at.name, at.path
			l.apps = append(l.apps, listed{app, place})
		}
	}
	l.checkNames()
	l.checkDependencies()
	apps := make([]app.App, len(l.apps))
	for i, a := range l.apps {
		apps[i] = a.App
	}
	return apps
}

// listed is an app with the place of its entry.
type listed struct {
	app.App
	place string
}

// app is what an entry says, without name and path.
func (l *loader) app(e Entry, place string) app.App {
	a := app.App{Namespace: e.Namespace, DependsOn: e.DependsOn, Timeout: e.Timeout, KeepRemoved: e.Prune != nil && !*e.Prune,
		AllowPlainSecrets: e.AllowPlainSecrets, Budget: app.DefaultBudget, ServiceAccount: e.ServiceAccount,
		ForeignFields: app.ForeignFields(e.ForeignFields), Allow: app.Allow(e.Allow), AgeKeys: e.AgeKeys, Treatment: app.Treatment{
			Manual: e.Sync == "manual", ReportDrift: e.Drift == "report", KeepOnRemoval: e.OnRemoval == "keep", Recreate: e.Recreate, Suspend: e.Suspend}}
	if e.Wait != nil && !e.Wait.all {
		a.Wait = &app.Wait{}
		for _, w := range e.Wait.objects {
			a.Wait.Objects = append(a.Wait.Objects, app.WaitFor(w))
		}
	}
	if e.Layout != "plain" {
		a.Layout = e.Layout
	}
	if n := e.DeletionBudget.Count; n != nil {
		a.Budget.Count = *n
	}
	if n := e.DeletionBudget.Percent; n != nil {
		a.Budget.Percent = *n
	}
	for _, i := range e.Ignore {
		a.Ignore = append(a.Ignore, app.Ignore(i))
	}
	for _, r := range e.AllowSealedValues {
		a.AllowSealedValues = append(a.AllowSealedValues, app.ObjectRule(r))
	}
	for _, h := range e.Health {
		a.Health = append(a.Health, app.HealthRule(h))
	}
	if s := e.Substitute; s != nil {
		a.Substitute = &app.Substitute{Vars: s.Vars, Always: s.Always}
		if s.Dialect != "strict" {
			a.Substitute.Dialect = s.Dialect
		}
		for _, f := range s.From {
			a.Substitute.From = append(a.Substitute.From, app.SubstituteFrom{Kind: f.Kind, Name: f.Name, Plain: f.Plain, Optional: f.Optional})
		}
	}
	l.elsewhere(&a, e, place)
	return a
}

// checkNames refuses two apps of one name.
func (l *loader) checkNames() {
	first := map[string]listed{}
	for _, a := range l.apps {
		other, twice := first[a.Name]
		if !twice {
			first[a.Name] = a
			continue
		}
		text := fmt.Sprintf("two apps are called %s, the other in line %d", a.Name, l.lines[other.place])
		if l.wild(a.place) || l.wild(other.place) {
			text += fmt.Sprintf(" (paths %s and %s)", other.Path, a.Path)
		}
		l.at(join(a.place, "name"), "objects in the cluster are named after the apps: rename one of the two, or give an entry with wildcards a name, with which the names of its apps begin", "%s", text)
	}
}

func (l *loader) wild(place string) bool {
	return l.places[place]
}

// checkDependencies refuses unknown apps and cycles in dependsOn.
func (l *loader) checkDependencies() {
	known := map[string]listed{}
	var names []string
	for _, a := range l.apps {
		known[a.Name] = a
		names = append(names, a.Name)
	}
	told := map[string]bool{}
	for _, a := range l.apps {
		for i, dep := range a.DependsOn {
			at := fmt.Sprintf("%s.dependsOn[%d]", a.place, i)
			if _, ok := known[dep]; !ok && !told[at] {
				told[at] = true
				l.at(at, near.DidYouMean(dep, names), "%s depends on %s, which is not in the file", a.Name, dep)
			}
		}
	}
	if cycle := cycle(l.apps); cycle != nil {
		l.at(join(known[cycle[0]].place, "dependsOn"), "remove one of the dependencies", "apps depend on each other in a circle: %s", strings.Join(cycle, " -> "))
	}
}

// cycle returns the names of a circle of dependencies, its first once more at the end; nil when there is none.
func cycle(apps []listed) []string {
	depends := map[string][]string{}
	for _, a := range apps {
		depends[a.Name] = a.DependsOn
	}
	const visiting, done = 1, 2
	state := map[string]int{}
	var way []string
	var visit func(string) []string
	visit = func(name string) []string {
		switch state[name] {
		case visiting:
			return append(slices.Clone(way[slices.Index(way, name):]), name)
		case done:
			return nil
		}
		state[name] = visiting
		way = append(way, name)
		for _, dep := range depends[name] {
			if found := visit(dep); found != nil {
				return found
			}
		}
		way = way[:len(way)-1]
		state[name] = done
		return nil
	}
	for _, a := range apps {
		if found := visit(a.Name); found != nil {
			return found
		}
	}
	return nil
}
