package chart

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"
	"go.yaml.in/yaml/v3"
	v2 "helm.sh/helm/v4/pkg/chart/v2"
	chartutil "helm.sh/helm/v4/pkg/chart/v2/util"
)

// resolve adds the dependencies that a chart names and its charts/ lacks. A chart in the charts/ of another one, or in an
// archive, has all it needs in its own charts/, as in Helm: what it lacks is an error once it is known to be enabled.
func (l *loading) resolve(c *v2.Chart, files []File, from kept) error {
	if from != fromDirectory {
		return nil
	}
	d := &dependencies{loading: l, chart: c, inCharts: slices.Clone(c.Dependencies()), repository: map[*v2.Chart]string{}}
	for _, f := range files {
		switch f.Name {
		case "Chart.yaml":
			d.file = f
			d.declared = append(d.declared, f)
		case "requirements.yaml": // of charts of version 1
			d.declared = append(d.declared, f)
		case "Chart.lock", "requirements.lock":
			d.lockFile, d.lockDigest = f.At, Digest(f.Data)
		}
	}
	if slices.Contains(l.stack, d.file.At) {
		return &Error{File: d.file.At, Message: "the chart depends on itself: " + strings.Join(append(l.stack, d.file.At), " -> "), Hint: "remove the dependency"}
	}
	if len(l.stack) > maxNested {
		return &Error{File: d.file.At, Message: fmt.Sprintf("charts depend on each other by file:// more than %d deep", maxNested)}
	}
	l.stack = append(l.stack, d.file.At)
	defer func() { l.stack = l.stack[:len(l.stack)-1] }()
	for i, dep := range c.Metadata.Dependencies {
		if dep == nil || slices.ContainsFunc(d.inCharts, func(sub *v2.Chart) bool { return fits(sub, dep) }) {
			continue
		}
		d.index = i
		if err := d.find(dep); err != nil {
			return err
		}
	}
	d.tellApart()
	return nil
}

// fits is how Helm matches a chart with a dependency.
func fits(c *v2.Chart, dep *v2.Dependency) bool {
	return c.Name() == dep.Name && chartutil.IsCompatibleRange(dep.Version, c.Metadata.Version)
}

type dependencies struct {
	*loading
	chart      *v2.Chart
	file       File                 // Chart.yaml
	declared   []File               // where dependencies are written
	inCharts   []*v2.Chart          // what charts/ holds
	repository map[*v2.Chart]string // of charts that were added
	found      []found
	index      int // of the dependency that is looked for
	lockFile   string

	lockDigest string
	checked    bool // Chart.lock was compared with Chart.yaml
}

// found is what was added for a dependency.
type found struct {
	dep *v2.Dependency
	sub *v2.Chart
}

// at is where the dependency that is looked for is written.
func (d *dependencies) at() (file string, line int) {
	for _, f := range slices.Backward(d.declared) {
		if lines := dependencyLines(f.Data); d.index < len(lines) {
			return f.At, lines[d.index].line
		}
	}
	return d.file.At, 0
}

func (d *dependencies) refuse(name, hint, format string, args ...any) error {
	file, line := d.at()
	return &Error{File: file, Line: line, Message: fmt.Sprintf("dependency %s: ", name) + fmt.Sprintf(format, args...), Hint: hint}
}

const buildHint = "run `helm dependency update` in the chart and commit Chart.lock, or the archives in charts/"

// find adds one dependency, or notes what has to be fetched for it.
func (d *dependencies) find(dep *v2.Dependency) error {
	switch {
	case dep.Repository == "":
		return d.refuse(dep.Name, buildHint, "%s, and no repository to fetch it from", d.notThere(dep))
	case strings.HasPrefix(dep.Repository, "file://"):
		return d.local(dep)
	case strings.HasPrefix(dep.Repository, "@"), strings.HasPrefix(dep.Repository, "alias:"):
		return d.refuse(dep.Name, "write the URL of the repository", "%q is the name of a repository in the Helm configuration of one machine", dep.Repository)
	case !strings.Contains(dep.Repository, "://"):
		return d.refuse(dep.Name, "write the URL of the repository", "%q is not the URL of a repository", dep.Repository)
	}
	version, err := d.locked(dep)
	if err != nil {
		return err
	}
	need := Need{Name: dep.Name, Version: version, Repository: dep.Repository, Lock: d.lockDigest}
	archive := d.with.Archive(need)
	if archive == nil {
		if len(d.missing.Needs) == 0 {
			d.missing.File, d.missing.Line = d.at()
		}
		if !slices.Contains(d.missing.Needs, need) {
			d.missing.Needs = append(d.missing.Needs, need)
		}
		return nil
	}
	files, err := Unpack(path.Join(path.Dir(d.file.At), "charts", fmt.Sprintf("%s-%s.tgz", dep.Name, version)), archive)
	if err != nil {
		return err
	}
	return d.add(dep, files, inArchive)
}

// notThere says that charts/ lacks a dependency, and which other versions it holds.
func (d *dependencies) notThere(dep *v2.Dependency) string {
	var there []string
	for _, c := range d.inCharts {
		if c.Name() == dep.Name {
			there = append(there, c.Metadata.Version)
		}
	}
	if len(there) == 0 {
		return "not in charts/"
	}
	return fmt.Sprintf("version %s is not in charts/ (there is %s)", dep.Version, strings.Join(there, ", "))
}

func (d *dependencies) local(dep *v2.Dependency) error {
	files, err := d.with.Local(d.file.At, strings.TrimPrefix(dep.Repository, "file://"))
	var at *Error
	if errors.As(err, &at) && at.File == d.file.At && at.Line == 0 {
		at.File, at.Line = d.at()
	}
	if err != nil {
		return err
	}
	if len(files) == 0 {
		return d.refuse(dep.Name, "name a directory with a Chart.yaml", "%q holds no chart", dep.Repository)
	}
	return d.add(dep, files, fromDirectory)
}

// add makes what was found for a dependency a subchart. Two aliases of one chart share it.
func (d *dependencies) add(dep *v2.Dependency, files []File, from kept) error {
	sub, err := d.load(files, 1, from)
	if err != nil {
		return err
	}
	switch {
	case sub.Name() != dep.Name:
		return d.refuse(dep.Name, "correct the name or the repository", "%s holds the chart %s", dep.Repository, sub.Name())
	case !fits(sub, dep):
		return d.refuse(dep.Name, "correct the version or the repository", "version %s is wanted, and %s holds %s", dep.Version, dep.Repository, sub.Metadata.Version)
	}
	for _, other := range d.chart.Dependencies() {
		switch {
		case other.Name() != sub.Name() || other.Metadata.Version != sub.Metadata.Version:
		case d.repository[other] == dep.Repository:
			d.found = append(d.found, found{dep, other})
			return nil
		default:
			return d.refuse(dep.Name, "give the two charts different versions", "%s and %s both hold version %s, and Helm cannot tell them apart",
				cmp.Or(d.repository[other], "charts/"), dep.Repository, sub.Metadata.Version)
		}
	}
	d.repository[sub] = dep.Repository
	d.found = append(d.found, found{dep, sub})
	d.chart.AddDependency(sub)
	return nil
}

// tellApart gives each dependency what was found for it. Helm takes the first chart whose version fits: where that would
// be another one, the dependency names the exact version.
func (d *dependencies) tellApart() {
	for _, f := range d.found {
		i := slices.IndexFunc(d.chart.Dependencies(), func(c *v2.Chart) bool { return fits(c, f.dep) })
		if d.chart.Dependencies()[i] != f.sub {
			f.dep.Version = f.sub.Metadata.Version
		}
	}
}

// enabledAreThere refuses a chart that goes without a subchart it names and does not switch off. Helm leaves such a
// subchart out, for it only looks at the names of the outermost chart.
func (c *Chart) enabledAreThere() error {
	var missing error
	eachChart(c.root, func(ch *v2.Chart) {
		for _, dep := range ch.Metadata.Dependencies {
			if dep == nil || missing != nil || slices.ContainsFunc(ch.Dependencies(), func(sub *v2.Chart) bool { return fits(sub, dep) }) {
				continue
			}
			e := &Error{File: c.file, Message: fmt.Sprintf("dependency %s: version %s of it is not in the charts/ of %s", cmp.Or(dep.Alias, dep.Name), dep.Version, ch.Name()),
				Hint: "run `helm dependency build` in that chart, and commit what it puts into charts/"}
			for _, f := range ch.Raw {
				if f.Name != "Chart.yaml" && f.Name != "requirements.yaml" {
					continue
				}
				for _, l := range dependencyLines(f.Data) {
					if l.name == dep.Name {
						e.File, e.Line = c.at[f], l.line
					}
				}
			}
			missing = e
		}
	})
	return missing
}

// locked returns the version that Chart.lock pins.
func (d *dependencies) locked(dep *v2.Dependency) (string, error) {
	lock := d.chart.Lock
	if lock == nil {
		if _, err := semver.NewConstraint(dep.Version); err != nil && dep.Version != "" {
			return "", d.refuse(dep.Name, "", "%q is not a version", dep.Version)
		}
		return dep.Version, nil
	}
	if err := d.checkLock(lock); err != nil {
		return "", err
	}
	if l := d.lockedAs(lock, dep); l != nil {
		if _, err := semver.StrictNewVersion(strings.TrimPrefix(l.Version, "v")); err != nil {
			return "", &Error{File: d.lockFile, Message: fmt.Sprintf("dependency %s: %q is not one version", dep.Name, l.Version), Hint: buildHint}
		}
		if !chartutil.IsCompatibleRange(dep.Version, l.Version) {
			return "", &Error{File: d.lockFile, Message: fmt.Sprintf("dependency %s: version %s is pinned, %s is wanted", dep.Name, l.Version, dep.Version), Hint: buildHint}
		}
		return l.Version, nil
	}
	return "", d.refuse(dep.Name, buildHint, "not in Chart.lock")
}

// checkLock compares the digest of Chart.lock with Chart.yaml, as Helm does.
func (d *dependencies) checkLock(lock *v2.Lock) error {
	if d.checked {
		return nil
	}
	digest := func(v any) string {
		data, err := json.Marshal(v)
		if err != nil {
			return ""
		}
		return Digest(data)
	}
	wanted := d.chart.Metadata.Dependencies
	if lock.Digest != digest([2][]*v2.Dependency{wanted, lock.Dependencies}) &&
		lock.Digest != digest(map[string][]*v2.Dependency{"dependencies": wanted}) { // Helm 2
		return &Error{File: d.lockFile, Message: "does not fit the dependencies of Chart.yaml: its digest differs", Hint: buildHint}
	}
	d.checked = true
	return nil
}

// lockedAs returns the entry of Chart.lock for a dependency: that of its place in the list, as Helm writes them, else
// the first that fits, else the first of its name and repository; nil when there is none.
func (d *dependencies) lockedAs(lock *v2.Lock, dep *v2.Dependency) *v2.Dependency {
	var fitting, named *v2.Dependency
	for i, l := range lock.Dependencies {
		if l == nil || l.Name != dep.Name || l.Repository != dep.Repository {
			continue
		}
		fit := chartutil.IsCompatibleRange(dep.Version, l.Version)
		if fit && i == d.index {
			return l
		}
		if named = cmp.Or(named, l); fit {
			fitting = cmp.Or(fitting, l)
		}
	}
	return cmp.Or(fitting, named)
}

// declaredAt is where a dependency is written: its alias or name, and the line of that name.
type declaredAt struct {
	name string
	line int
}

// dependencyLines finds the dependencies in a Chart.yaml or requirements.yaml, in their order.
func dependencyLines(data []byte) []declaredAt {
	var document yaml.Node
	if err := yaml.Unmarshal(data, &document); err != nil || len(document.Content) == 0 {
		return nil
	}
	var all []declaredAt
	top := document.Content[0]
	for i := 0; i+1 < len(top.Content); i += 2 {
		if top.Content[i].Value != "dependencies" {
			continue
		}
		for _, item := range top.Content[i+1].Content {
			at := declaredAt{line: item.Line}
			for j := 0; j+1 < len(item.Content); j += 2 {
				switch item.Content[j].Value {
				case "name":
					at.name, at.line = cmp.Or(at.name, item.Content[j+1].Value), item.Content[j].Line
				case "alias":
					at.name = item.Content[j+1].Value
				}
			}
			all = append(all, at)
		}
	}
	return all
}
