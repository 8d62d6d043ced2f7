package crossapp

import (
	"fmt"
	"slices"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/live"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/plan"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
)

// Move is an object that Git moved from one app to another. The app that it leaves must not prune it, whatever happens to the
// other one.
type Move struct {
	Key      object.Key
	From, To string         // names of apps; To is "" when it is only not known that the object went to no other app
	Handover *plan.Handover // what the taker needs to take the object over; nil when it is not proven to be the giver's
	Why      string         // of a move without To: why nothing is pruned
}

// Moves finds the objects that Git moved between apps, in the order of the apps that they leave. While it is not known what an app
// holds, nothing is pruned that it may contain: it may have moved there.
func Moves(apps []App) []Move {
	holders := map[object.Key]int{}
	var unknown []App
	for i, a := range apps {
		if !a.known() {
			unknown = append(unknown, a)
		}
		for _, k := range a.Claims {
			holders[k] = i
		}
	}
	var moves []Move
	for i, giver := range apps {
		if giver.Failed || giver.Record == nil || !giver.Complete {
			continue
		}
		wants := make(map[object.Key]bool, len(giver.Claims))
		for _, k := range giver.Claims {
			wants[k] = true
		}
		for k, row := range giver.Record.All() {
			if wants[k] {
				continue
			}
			at, held := holders[k]
			if !held || at == i {
				if n := slices.IndexFunc(unknown, func(a App) bool { return a.Name != giver.Name && a.mayContain(row) }); n >= 0 {
					moves = append(moves, Move{Key: k, From: giver.Name, Why: fmt.Sprintf("nothing is pruned until it is known what the app %s holds", unknown[n].Name)})
				}
				continue
			}
			moves = append(moves, Move{Key: k, From: giver.Name, To: apps[at].Name, Handover: handover(giver, apps[at], k, row)})
		}
	}
	return moves
}

// handover is what the taker needs to take an object over: its row proves that the object is the instance's to move. nil when the
// object is not the one of the row.
func handover(giver, taker App, k object.Key, row record.Row) *plan.Handover {
	u := taker.Live.Object(k)
	if u == nil || plan.OtherSet(u, giver.Set) != "" {
		return nil
	}
	if row.UID == u.GetUID() || row.UID == "" && live.AppliedByUs(u) {
		return &plan.Handover{App: giver.Name, Set: giver.Set, Row: row}
	}
	return nil
}
