package sources

import (
	"fmt"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
)

// Newest returns the newest of the tags that are versions in a range, as Helm understands ranges: pre-releases count only where the
// range names one. Of two tags of one version, the first in alphabetical order is meant.
func Newest(constraint string, tags []string) (string, error) {
	allowed, err := semver.NewConstraint(constraint)
	if err != nil {
		return "", fmt.Errorf("%q is not a range of versions", constraint)
	}
	var all, fit []*semver.Version
	for _, tag := range slices.Sorted(slices.Values(tags)) {
		v, err := semver.NewVersion(tag)
		if err != nil {
			continue
		}
		if all = append(all, v); allowed.Check(v) {
			fit = append(fit, v)
		}
	}
	newestFirst := func(a, b *semver.Version) int { return b.Compare(a) }
	slices.SortStableFunc(all, newestFirst)
	slices.SortStableFunc(fit, newestFirst)
	switch {
	case len(fit) > 0:
		return fit[0].Original(), nil
	case len(all) == 0:
		return "", hint.Errorf("no tag fits "+constraint, "none of its %d tags is a version such as v1.2.0: name a branch, a tag or a commit", len(tags))
	}
	var names []string
	for _, v := range all[:min(len(all), 5)] {
		names = append(names, v.Original())
	}
	return "", hint.Errorf("no tag fits "+constraint, "the newest versions are %s", strings.Join(names, ", "))
}
