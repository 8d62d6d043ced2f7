package plan

// HandedOver says what happened to an object that changed its app.
func HandedOver(h *Handover) string { return "handed over by the app " + h.App }

// Owner is the ApplySet that the object of a step belongs to until the step is done.
func (s *Step) Owner(id string) string {
	if s.From != nil {
		return s.From.Set
	}
	return id
}
