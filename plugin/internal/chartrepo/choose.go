package chartrepo

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/chart"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
)

// choose returns the index of the version that a need means among those that there are: the exact one, or the newest in its range as Helm
// understands ranges. Pre-releases count only where the range names one. What is no version is passed over.
func choose(n chart.Need, versions []string) (int, error) {
	if chart.Exact(n.Version) {
		bare := strings.TrimPrefix(n.Version, "v")
		if i := slices.IndexFunc(versions, func(v string) bool { return strings.TrimPrefix(v, "v") == bare }); i >= 0 {
			return i, nil
		}
		return 0, hint.With(fmt.Errorf("the repository has no %s %s", n.Name, n.Version), "%s", advice(versions))
	}
	allowed, err := semver.NewConstraint(cmp.Or(n.Version, "*"))
	if err != nil {
		return 0, fmt.Errorf("%q is neither a version nor a range of versions", n.Version)
	}
	best, at := (*semver.Version)(nil), 0
	for i, text := range versions {
		v, err := semver.NewVersion(text)
		if err == nil && allowed.Check(v) && (best == nil || v.GreaterThan(best)) {
			best, at = v, i
		}
	}
	if best == nil {
		return 0, hint.With(fmt.Errorf("the repository has no version of %s that fits %s", n.Name, cmp.Or(n.Version, "*")), "%s", advice(versions))
	}
	return at, nil
}

// advice names the newest versions.
func advice(versions []string) string {
	var all []*semver.Version
	for _, text := range versions {
		if v, err := semver.NewVersion(text); err == nil {
			all = append(all, v)
		}
	}
	if len(all) == 0 {
		return "it has no versions of that name: check the name and the address"
	}
	slices.SortFunc(all, func(a, b *semver.Version) int { return b.Compare(a) })
	var names []string
	for _, v := range all[:min(len(all), 5)] {
		names = append(names, v.Original())
	}
	return "its newest versions are " + strings.Join(names, ", ")
}
