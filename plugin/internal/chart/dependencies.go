package chart

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"
	"go.yaml.in/yaml/v3"
	v2 "helm.sh/helm/v4/pkg/chart/v2"
	chartutil "helm.sh/helm/v4/pkg/chart/v2/util"
)

// Need is a chart that another depends on and that has to be fetched: one version of one repository. Lock is the digest
// of the Chart.lock that pins it.
type Need struct{ Name, Version, Repository, Lock string }

// String returns "name version from repository".
func (n Need) String() string { return n.Name + " " + n.Version + " from " + n.Repository }

// Key identifies the need.
func (n Need) Key() string { return n.Repository + " " + n.Name + " " + n.Version }

// Digest is how the content of a file or archive is named.
func Digest(data []byte) string { return fmt.Sprintf("sha256:%x", sha256.Sum256(data)) }

// MissingError says that a chart needs others, which are pinned by its Chart.lock but not in charts/.
type MissingError struct {
	File  string // Chart.yaml, as messages call it
	Line  int    // of the first
	Needs []Need
}

// Error names the needs.
func (e *MissingError) Error() string {
	names := make([]string, len(e.Needs))
	for i, n := range e.Needs {
		names[i] = n.String()
	}
	return fmt.Sprintf("%s:%d: dependencies are not in charts/: %s", e.File, e.Line, strings.Join(names, ", "))
}

// Resolver finds dependencies that are not in charts/.
type Resolver interface {
	// Local returns the files of the chart at a path relative to the directory of Chart.yaml, for a repository of the
	// form file://path.
	Local(path string) ([]File, error)
	// Archive returns what was fetched for a need, nil when it was not.
	Archive(Need) []byte
}

// resolve adds the dependencies that Chart.yaml names and charts/ lacks.
func (l *loading) resolve(c *v2.Chart, files []File, with Resolver) error {
	d := &dependencies{loading: l, chart: c, with: with}
	for _, f := range files {
		switch f.Name {
		case "Chart.yaml":
			d.file = f
		case "Chart.lock":
			d.lockFile, d.lockDigest = f.At, Digest(f.Data)
		}
	}
	missing := &MissingError{File: d.file.At}
	for _, dep := range c.Metadata.Dependencies {
		if dep == nil || slices.ContainsFunc(c.Dependencies(), func(sub *v2.Chart) bool { return sub.Name() == dep.Name }) {
			continue
		}
		need, err := d.find(dep)
		if err != nil {
			return err
		}
		if need != nil && !slices.Contains(missing.Needs, *need) {
			if missing.Line == 0 {
				missing.Line = d.line(dep.Name)
			}
			missing.Needs = append(missing.Needs, *need)
		}
	}
	if len(missing.Needs) > 0 {
		return missing
	}
	return nil
}

type dependencies struct {
	*loading
	chart    *v2.Chart
	with     Resolver
	file     File // Chart.yaml
	lockFile string

	lockDigest string
	checked    bool // Chart.lock was compared with Chart.yaml
}

func (d *dependencies) refuse(name, hint, format string, args ...any) error {
	return &Error{File: d.file.At, Line: d.line(name), Message: fmt.Sprintf("dependency %s: ", name) + fmt.Sprintf(format, args...), Hint: hint}
}

const buildHint = "run `helm dependency update` in the chart and commit Chart.lock, or the archives in charts/"

// find adds one dependency, or returns what has to be fetched for it.
func (d *dependencies) find(dep *v2.Dependency) (*Need, error) {
	switch {
	case dep.Repository == "":
		return nil, d.refuse(dep.Name, buildHint, "not in charts/, and no repository to fetch it from")
	case strings.HasPrefix(dep.Repository, "file://"):
		return nil, d.local(dep)
	case strings.HasPrefix(dep.Repository, "@"), strings.HasPrefix(dep.Repository, "alias:"):
		return nil, d.refuse(dep.Name, "write the URL of the repository", "%q is a name of somebody's Helm configuration", dep.Repository)
	case !strings.Contains(dep.Repository, "://"):
		return nil, d.refuse(dep.Name, "write the URL of the repository", "%q is not the URL of a repository", dep.Repository)
	}
	version, err := d.locked(dep)
	if err != nil {
		return nil, err
	}
	need := Need{Name: dep.Name, Version: version, Repository: dep.Repository, Lock: d.lockDigest}
	archive := d.with.Archive(need)
	if archive == nil {
		return &need, nil
	}
	files, err := Unpack(path.Join(path.Dir(d.file.At), "charts", fmt.Sprintf("%s-%s.tgz", dep.Name, version)), archive)
	if err != nil {
		return nil, err
	}
	return nil, d.add(dep, files)
}

func (d *dependencies) local(dep *v2.Dependency) error {
	files, err := d.with.Local(strings.TrimPrefix(dep.Repository, "file://"))
	if err != nil {
		return err
	}
	if len(files) == 0 {
		return d.refuse(dep.Name, "name a directory with a Chart.yaml", "%q holds no chart", dep.Repository)
	}
	return d.add(dep, files)
}

func (d *dependencies) add(dep *v2.Dependency, files []File) error {
	sub, err := d.load(files, 1)
	if err != nil {
		return err
	}
	switch {
	case sub.Name() != dep.Name:
		return d.refuse(dep.Name, "", "what was found is the chart %s", sub.Name())
	case !chartutil.IsCompatibleRange(dep.Version, sub.Metadata.Version):
		return d.refuse(dep.Name, "", "version %s was found, %s is wanted", sub.Metadata.Version, dep.Version)
	}
	d.chart.AddDependency(sub)
	return nil
}

// locked returns the version that Chart.lock pins.
func (d *dependencies) locked(dep *v2.Dependency) (string, error) {
	lock := d.chart.Lock
	if lock == nil {
		return "", d.refuse(dep.Name, buildHint, "not in charts/, and there is no Chart.lock that pins its version")
	}
	if err := d.checkLock(lock); err != nil {
		return "", err
	}
	for _, l := range lock.Dependencies {
		if l == nil || l.Name != dep.Name || l.Repository != dep.Repository {
			continue
		}
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
		return &Error{File: d.lockFile, Message: "does not belong to the dependencies of Chart.yaml: its digest is another one", Hint: buildHint}
	}
	d.checked = true
	return nil
}

// line finds a dependency in Chart.yaml.
func (d *dependencies) line(name string) int {
	var document yaml.Node
	if err := yaml.Unmarshal(d.file.Data, &document); err != nil || len(document.Content) == 0 {
		return 0
	}
	top := document.Content[0]
	for i := 0; i+1 < len(top.Content); i += 2 {
		if top.Content[i].Value != "dependencies" {
			continue
		}
		for _, item := range top.Content[i+1].Content {
			for j := 0; j+1 < len(item.Content); j += 2 {
				if item.Content[j].Value == "name" && item.Content[j+1].Value == name {
					return item.Content[j].Line
				}
			}
		}
	}
	return 0
}
