package observe

import (
	"context"
	"iter"
	"maps"
	"slices"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/live"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
)

// Recorded is the record of one app for Compare, which fills States.
type Recorded struct {
	Inventory *record.Inventory // the rows
	Set       string            // ApplySet id of the app
	States    map[object.Key]live.State
}

// Compare compares the rows of apps with a snapshot that has their kinds listed, and fills States. It reads until no state
// is open: it lists kinds again, consistently, when objects are missing, and reads objects whose metadata is not enough. It
// sends no request when every object is as it was applied.
func (r *Reader) Compare(ctx context.Context, s *live.Snapshot, apps ...*Recorded) error {
	for _, a := range apps {
		a.States = make(map[object.Key]live.State, a.Inventory.Len())
	}
	doubtful, unread := map[object.Kind]bool{}, map[object.Ref]bool{}
	each(apps, func(a *Recorded, k object.Key, row record.Row) {
		a.States[k] = live.Compare(a.Inventory, row, s, a.Set)
		switch a.States[k] {
		case live.Missing, live.Replaced, live.NotApplied:
			doubtful[row.Ref.Kind] = true
		case live.NeedsRead:
			unread[row.Ref] = true
		}
	})
	if len(doubtful) > 0 {
		q := For(allRows(apps))
		q.Kinds = slices.Collect(maps.Keys(doubtful))
		if err := r.Again(ctx, s, q); err != nil {
			return err
		}
		each(apps, func(a *Recorded, _ object.Key, row record.Row) {
			if doubtful[row.Ref.Kind] && live.Compare(a.Inventory, row, s, a.Set) == live.NeedsRead {
				unread[row.Ref] = true
			}
		})
	}
	if err := r.Values(ctx, s, slices.Collect(maps.Keys(unread)), ""); err != nil {
		return err
	}
	if len(doubtful)+len(unread) > 0 {
		each(apps, func(a *Recorded, k object.Key, row record.Row) {
			if doubtful[row.Ref.Kind] || unread[row.Ref] {
				a.States[k] = live.Compare(a.Inventory, row, s, a.Set)
			}
		})
	}
	if s.IsRewound() {
		for _, a := range apps {
			live.StartOver(a.Inventory, s, a.Set, a.States)
		}
	}
	return nil
}

func each(apps []*Recorded, do func(a *Recorded, k object.Key, row record.Row)) {
	for _, a := range apps {
		for k, row := range a.Inventory.All() {
			do(a, k, row)
		}
	}
}

// allRows are the rows of all apps together.
func allRows(apps []*Recorded) iter.Seq2[object.Key, record.Row] {
	if len(apps) == 1 {
		return apps[0].Inventory.All()
	}
	rows := map[object.Key]record.Row{}
	for _, a := range apps {
		maps.Insert(rows, a.Inventory.All())
	}
	return maps.All(rows)
}
