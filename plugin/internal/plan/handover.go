package plan

import "github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"

// Handovers are the objects that move between apps of the instance in this run.
type Handovers struct {
	TakesOver map[record.Key]*Handover // what other apps hand over to the app
	HandsOver map[record.Key]bool      // what the app hands over to others
}

// Handover is an object that one app of an instance gives to another: Git moved it. The taker's apply switches the
// label, so the object is a member of one of the two at any moment. The giver's row proves that the object is the
// instance's to move, and stays until the taker has recorded it.
type Handover struct {
	App string // the giver
	Set string // its ApplySet
	Row record.Row
}

// HandedOver says what happened to an object that changed its app.
func HandedOver(h *Handover) string { return "handed over by the app " + h.App }

// Owner is the ApplySet that the object of a step belongs to until the step is done.
func (s *Step) Owner(id string) string {
	if s.From != nil {
		return s.From.Set
	}
	return id
}
