package report

import "time"

// Suspension says that an app is not reconciled, and until when.
type Suspension struct {
	Reason string    `json:"reason,omitempty"`
	By     string    `json:"by,omitempty"`     // name of the user who suspended it
	Since  time.Time `json:"since,omitzero"`   //
	Until  time.Time `json:"until,omitzero"`   // missing when it lasts until somebody resumes the app
	InFile bool      `json:"inFile,omitempty"` // gitops.yaml says suspend: true
}

// At tells whether the suspension holds at a time. A nil one never does.
func (s *Suspension) At(now time.Time) bool {
	return s != nil && (s.Until.IsZero() || now.Before(s.Until))
}

// String words it for people.
func (s *Suspension) String() string {
	text := "suspended"
	if s.InFile {
		text += " in gitops.yaml"
	}
	if s.By != "" {
		text += " by " + s.By
	}
	if !s.Until.IsZero() {
		text += " until " + s.Until.UTC().Format("2006-01-02 15:04 MST")
	}
	if s.Reason != "" {
		text += ": " + s.Reason
	}
	return text
}
