// Package pins says which version of something elsewhere is meant: entries of gitops.lock.yaml, how they are read and written.
//
// It asks no server.
package pins

import (
	"bytes"
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"
	"go.yaml.in/yaml/v3"
)

// Name is how the file at the root of a repository is called, APIVersion and Kind are what it starts with.
const (
	Name       = "gitops.lock.yaml"
	APIVersion = "kubectl-gitops.dev/v1alpha1"
	Kind       = "GitOpsLock"
)

// Entry says which version is meant by a constraint: a chart of a repository or registry, an artifact of a registry, or a ref of a Git
// repository. Constraint is what the definition says, Version one version, tag or commit that fits it, and Digest that of the archive or
// artifact ("sha256:..."). Where Version is a tag of a Git repository, it is that of the commit ("sha1:...").
type Entry struct {
	URL        string `yaml:"url" required:"true" doc:"address of the repository or registry, as the definition writes it"`
	Chart      string `yaml:"chart,omitempty" doc:"name of the chart"`
	Constraint string `yaml:"constraint" required:"true" doc:"version, range or ref, as the definition writes it"`
	Version    string `yaml:"version" required:"true" doc:"the version, tag or commit that is used"`
	Locked     bool   `yaml:"-" json:",omitempty"` // of a source in a record: gitops.lock.yaml had it
	Digest     string `yaml:"digest,omitempty" doc:"digest of the archive, or the commit of a tag"`
}

// Key identifies what an entry is about.
func (e Entry) Key() string { return e.URL + " " + e.Chart + " " + e.Constraint }

// String returns what an entry is about, for messages.
func (e Entry) String() string {
	return strings.Join(strings.Fields(e.Chart+" "+e.Constraint+" from "+e.URL), " ")
}

// Misfit says why the version of an entry cannot be meant by its constraint, "" when it can. A ref that is no range of versions, such as a branch,
// fits any version.
func (e Entry) Misfit() string {
	if e.Version == e.Constraint || e.Chart == "" && !IsRange(e.Constraint) {
		return ""
	}
	allowed, err := semver.NewConstraint(e.Constraint)
	if err != nil {
		return ""
	}
	v, err := semver.NewVersion(e.Version)
	if err != nil || !allowed.Check(v) {
		return fmt.Sprintf("version %s does not fit %s", e.Version, e.Constraint)
	}
	return ""
}

var rangeSigns = regexp.MustCompile(`[<>=~^*|, ]|(^|\.)[xX](\.|$)`)

// IsRange reports whether a ref of a Git repository or the tag of an artifact is a range of versions such as 1.x or >=1.2 <2. One without signs of a
// range, such as v1.2, is the name of a tag.
func IsRange(ref string) bool {
	if !rangeSigns.MatchString(ref) || strings.HasPrefix(ref, "refs/") {
		return false
	}
	_, err := semver.NewConstraint(ref)
	return err == nil
}

// Lock are the entries of one file.
type Lock []Entry

// Find returns the entry about a chart, artifact or ref.
func (l Lock) Find(url, chart, constraint string) (Entry, bool) {
	key := Entry{URL: url, Chart: chart, Constraint: constraint}.Key()
	i := slices.IndexFunc(l, func(e Entry) bool { return e.Key() == key })
	if i < 0 {
		return Entry{}, false
	}
	return l[i], true
}

// Encode writes the file, entries sorted.
func (l Lock) Encode() ([]byte, error) {
	sorted := slices.Clone(l)
	slices.SortFunc(sorted, func(a, b Entry) int { return cmp.Compare(a.Key(), b.Key()) })
	var out bytes.Buffer
	out.WriteString("# Written by `kubectl gitops lock`. It says which versions are meant where a definition names a range or a branch.\n")
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	err := encoder.Encode(struct {
		APIVersion string  `yaml:"apiVersion"`
		Kind       string  `yaml:"kind"`
		Entries    []Entry `yaml:"entries"`
	}{APIVersion, Kind, sorted})
	return out.Bytes(), err
}
