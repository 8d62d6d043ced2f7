package plan

// HandedOver returns the note that an object came from another app.
func HandedOver(h *Handover) string { return "handed over by the app " + h.App }

// Owner returns the id of the ApplySet that the object belongs to until the step is done. id is that of the app.
func (s *Step) Owner(id string) string {
	if s.From != nil {
		return s.From.Set
	}
	return id
}
