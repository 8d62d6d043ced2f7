package apply

import (
	"fmt"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/owners"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/plan"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// When a field counts as contested: another writer sets it again after each revert. Reverting it further would only restart
// what it configures.
const (
	contestedAfter  = 5                // after so many reverts of a field
	contestedWithin = 10 * time.Minute // within so much time
)

// Contested remembers which fields were reverted lately. The zero value is ready to use, by several goroutines.
type Contested struct {
	mu      sync.Mutex
	reverts map[object.Key]map[string]*contestedField
}

type contestedField struct {
	times []time.Time  // of the reverts, oldest first
	by    string       // who sets it again
	owner owners.Owner // of the object, where its labels say who writes it
}

// Reverted notes that fields of an object were reverted; no changes mean the whole object. before is the object as it was
// found, nil when it was gone.
func (c *Contested) Reverted(now time.Time, s *plan.Step, before *unstructured.Unstructured, changes []report.FieldChange) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.reverts == nil {
		c.reverts = map[object.Key]map[string]*contestedField{}
	}
	if c.reverts[s.Key()] == nil {
		c.reverts[s.Key()] = map[string]*contestedField{}
	}
	if len(changes) == 0 {
		changes = []report.FieldChange{{Path: "the object"}}
	}
	for _, change := range changes {
		one := c.reverts[s.Key()][change.Path]
		if one == nil {
			one = &contestedField{by: "somebody else"}
			c.reverts[s.Key()][change.Path] = one
		}
		one.times = append(recent(now, one.times), now)
		by, is := owners.Writer(s.Ref, before)
		switch {
		case is.Name != "":
			one.by, one.owner = by, is
		case change.By != nil:
			one.by = owners.ToolOf(change.By.Manager)
		case by != "":
			one.by = by
		}
	}
}

// GiveUp returns why a drifted object is not reverted for now: a field of it is contested. It returns nil when the object is
// to be applied. A new commit is always applied.
func (c *Contested) GiveUp(now time.Time, s *plan.Step) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s.Changed {
		delete(c.reverts, s.Key())
		return nil
	}
	for path, one := range c.reverts[s.Key()] {
		if one.times = recent(now, one.times); len(one.times) >= contestedAfter {
			err := fmt.Errorf("%s was reverted %d times in %s, and %s sets it again each time", path, contestedAfter, contestedWithin, one.by)
			if command := one.owner.StopCommand(); command != "" {
				return hint.With(err, "one of the two must go: %s stops the other; or take the object out of Git", command)
			}
			return hint.With(err, "stop the other writer, or take the field out of Git and leave it to %s", one.by)
		}
	}
	return nil
}

// recent returns the times within contestedWithin before now.
func recent(now time.Time, times []time.Time) []time.Time {
	for len(times) > 0 && now.Sub(times[0]) > contestedWithin {
		times = times[1:]
	}
	return times
}
