package build

import (
	"cmp"
	"os"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/pins"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
)

// givenPins returns the versions of charts that a render is given: those of the gitops.lock.yaml at root, and else those of the record.
// So a version moves when the lock or the definition changes, and a render with equal pins gives the same. upgrade leaves out
// what the record has for ranges.
func givenPins(root *os.Root, charts []record.Chart, upgrade bool) ([]pins.Entry, error) {
	if len(charts) == 0 {
		return nil, nil
	}
	lock, err := pins.Load(root)
	if err != nil {
		return nil, err
	}
	all := pinsOf(charts, lock)
	if upgrade {
		all = exactOnly(all)
	}
	return all, nil
}

// pinsOf returns the versions and digests of charts as entries of a lock; where lock has an entry of its own, that one.
func pinsOf(charts []record.Chart, lock pins.Lock) []pins.Entry {
	var out []pins.Entry
	for _, c := range charts {
		e := pins.Entry{URL: c.Repository, Chart: c.Name, Constraint: cmp.Or(c.Constraint, c.Version), Version: c.Version, Digest: c.Digest}
		if locked, ok := lock.Find(e.URL, e.Chart, e.Constraint); ok {
			if locked.Digest == "" && locked.Version == e.Version {
				locked.Digest = e.Digest // else each commit would look like a change of the lock
			}
			e = locked
		}
		out = append(out, e)
	}
	return out
}

// exactOnly leaves out the pins of ranges.
func exactOnly(all []pins.Entry) (exact []pins.Entry) {
	for _, e := range all {
		if e.Constraint == e.Version {
			exact = append(exact, e)
		}
	}
	return exact
}
