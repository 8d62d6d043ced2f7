package ui

import (
	"fmt"
	"strings"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/status"
)

// Trace prints what is known of an object, one fact in each line.
func Trace(t *Terminal, of status.Trace) {
	t.mu.Lock()
	defer t.mu.Unlock()
	changed := ""
	if by := of.Changed; by != nil {
		changed = by.Manager
		if !by.Time.IsZero() {
			changed += " " + t.ago(by.Time)
		}
	}
	applied, wrote := t.commitAt(of.Revision), of.Revision
	if of.Commit != nil {
		wrote = *of.Commit
	}
	commit := t.commitAt(wrote)
	if wrote.Commit == of.Revision.Commit {
		commit, applied = applied, ""
	}
	author := wrote.Author
	if of.Commit == nil && of.Unclear != "" {
		commit, applied, wrote.Subject, author = "", t.commitAt(of.Revision), "", "not known: "+of.Unclear
	}
	for _, line := range [][2]string{
		{"Object", of.Object},
		{"Made by", strings.Join(of.Owners, " < ")},
		{"App", of.App},
		{"Hook", of.Hook},
		{"Source", sourceText(of.Source)},
		{"File", of.Origin},
		{"Applied", applied},
		{"Commit", commit},
		{"Subject", FirstLine(wrote.Subject)},
		{"Author", author},
		{"Changed by", changed},
	} {
		if line[1] != "" {
			fmt.Fprintf(t.Out, "%-12s%s\n", line[0]+":", t.clean(line[1]))
		}
	}
}

// commitAt is a commit, and how long ago it was made.
func (w wording) commitAt(r report.Revision) string {
	text := r.Short()
	if !r.Time.IsZero() {
		text += ", " + w.ago(r.Time)
	}
	return text
}
