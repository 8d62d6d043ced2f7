package pins

// Change is what an update does to one entry: Was is empty for a new one, Now for one that goes.
type Change struct{ Was, Now Entry }

// Update returns the lock with what was found now, and what changes. Entries that are there follow what was found. New ones are written where the
// constraint is not one version, or everywhere with exact. Entries of which nothing was found go, unless keep is set: then not everything
// was looked at.
func (l Lock) Update(found []Entry, exact, keep bool) (Lock, []Change) {
	var out Lock
	var changes []Change
	for _, e := range found {
		if _, twice := out.Find(e.URL, e.Chart, e.Constraint); twice {
			continue
		}
		was, known := l.Find(e.URL, e.Chart, e.Constraint)
		if !known && e.Constraint == e.Version && !exact {
			continue
		}
		out = append(out, e)
		if was != e {
			changes = append(changes, Change{was, e})
		}
	}
	for _, e := range l {
		if _, again := out.Find(e.URL, e.Chart, e.Constraint); again {
			continue
		}
		if keep {
			out = append(out, e)
		} else {
			changes = append(changes, Change{Was: e})
		}
	}
	return out, changes
}
