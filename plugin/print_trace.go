package plugin

import (
	"fmt"
	"strings"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile"
)

// trace prints what is known of an object, one line each.
func (u *ui) trace(t reconcile.Trace) {
	u.mu.Lock()
	defer u.mu.Unlock()
	changed := ""
	if by := t.Changed; by != nil {
		changed = by.Manager
		if !by.Time.IsZero() {
			changed += " " + u.ago(by.Time)
		}
	}
	commit := t.Revision.Short()
	if !t.Revision.Time.IsZero() {
		commit += ", " + u.ago(t.Revision.Time)
	}
	for _, line := range [][2]string{
		{"Object", t.Object},
		{"Made by", strings.Join(t.Owners, " < ")},
		{"App", t.App},
		{"Hook", t.Hook},
		{"Source", sourceText(t.Source)},
		{"File", t.Origin},
		{"Commit", commit},
		{"Subject", firstLine(t.Revision.Subject)},
		{"Author", t.Revision.Author},
		{"Changed by", changed},
	} {
		if line[1] != "" {
			fmt.Fprintf(u.Out, "%-12s%s\n", line[0]+":", u.clean(line[1]))
		}
	}
}
