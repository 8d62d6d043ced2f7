package build

import (
	"cmp"
	"os"
	"slices"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/pins"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
)

// givenPins returns the versions of charts and sources that a render is given: those of the gitops.lock.yaml at root, else what followed says of
// branches, and else those of the record. So a version moves when the lock, the branch or the definition changes, and a render with
// equal pins gives the same. upgrade leaves out what the record has for ranges.
func givenPins(root *os.Root, charts []record.Chart, trees []record.Tree, followed []pins.Entry, upgrade bool) ([]pins.Entry, error) {
	if len(charts)+len(trees)+len(followed) == 0 {
		return nil, nil
	}
	lock, err := pins.Load(root)
	if err != nil {
		return nil, err
	}
	all := append(pinsOf(charts, lock), pinsOfTrees(trees, followed, lock)...)
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

// pinsOfTrees returns the versions of sources as entries of a lock, sorted: where lock has one, that, or else that of followed.
func pinsOfTrees(trees []record.Tree, followed []pins.Entry, lock pins.Lock) (out []pins.Entry) {
	for _, e := range followed {
		if _, locked := lock.Find(e.URL, "", e.Constraint); !locked {
			out = append(out, e)
		}
	}
	for _, t := range trees {
		e := pins.Entry{URL: t.URL, Constraint: t.Ref, Version: t.Version, Digest: t.Digest, Locked: t.Locked}
		if _, newer := pins.Lock(followed).Find(e.URL, "", e.Constraint); newer {
			if _, locked := lock.Find(e.URL, "", e.Constraint); !locked {
				continue
			}
		}
		locked, ok := lock.Find(e.URL, "", e.Constraint)
		if ok && (locked.Version != e.Version || locked.Digest != "" && locked.Digest != e.Digest) {
			e.Version, e.Digest = locked.Version, locked.Digest
		}
		e.Locked = ok
		out = append(out, e)
	}
	slices.SortFunc(out, func(a, b pins.Entry) int { return cmp.Compare(a.Key(), b.Key()) }) // a digest is made of them
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
