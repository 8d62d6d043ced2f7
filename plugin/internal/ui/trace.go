package plugin

import (
	"fmt"
	"strings"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/status"
)

// trace prints what is known of an object, one line each.
func (u *ui) trace(t status.Trace) {
	u.mu.Lock()
	defer u.mu.Unlock()
	changed := ""
	if by := t.Changed; by != nil {
		changed = by.Manager
		if !by.Time.IsZero() {
			changed += " " + u.ago(by.Time)
		}
	}
	applied, wrote := u.commitAt(t.Revision), t.Revision
	if t.Commit != nil {
		wrote = *t.Commit
	}
	commit := u.commitAt(wrote)
	if wrote.Commit == t.Revision.Commit {
		commit, applied = applied, ""
	}
	author := wrote.Author
	if t.Commit == nil && t.Unclear != "" {
		commit, applied, wrote.Subject, author = "", u.commitAt(t.Revision), "", "not known: "+t.Unclear
	}
	for _, line := range [][2]string{
		{"Object", t.Object},
		{"Made by", strings.Join(t.Owners, " < ")},
		{"App", t.App},
		{"Hook", t.Hook},
		{"Source", sourceText(t.Source)},
		{"File", t.Origin},
		{"Applied", applied},
		{"Commit", commit},
		{"Subject", firstLine(wrote.Subject)},
		{"Author", author},
		{"Changed by", changed},
	} {
		if line[1] != "" {
			fmt.Fprintf(u.Out, "%-12s%s\n", line[0]+":", u.clean(line[1]))
		}
	}
}

// commitAt is a commit, and how long ago it was made.
func (u *ui) commitAt(r report.Revision) string {
	text := r.Short()
	if !r.Time.IsZero() {
		text += ", " + u.ago(r.Time)
	}
	return text
}
