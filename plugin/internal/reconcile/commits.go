package reconcile

import (
	"context"
	"slices"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/source"
)

// commits lists the commits of a range for one of the apps. Most apps of a run ask for the same range: it is read once, for the
// paths of all of them.
func (r finding) commits(ctx context.Context, from, to string, paths []string) ([]source.Commit, error) {
	if last := r.lastRange; last.from == from && last.to == to && contains(last.paths, paths) {
		return last.commits, nil
	}
	all := slices.Clone(paths)
	for _, p := range r.passes {
		if p.Record != nil && p.Was.Commit == from && !p.Listed.IsUpToDate() {
			all = append(all, p.Ending().InputPaths()...)
		}
	}
	slices.Sort(all)
	all = slices.Compact(all)
	commits, err := r.env().CommitsBetween(ctx, from, to, all)
	if err != nil {
		return nil, err
	}
	r.lastRange = commitRange{from, to, all, commits}
	return commits, nil
}

func contains(all, some []string) bool {
	return !slices.ContainsFunc(some, func(s string) bool { return !slices.Contains(all, s) })
}
