package ui

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// maxFields is how many fields of one object a line tells.
const maxFields = 2

// change prints what happened to one object of app, which is "" or stands in front with a colon. Unchanged ones are only
// counted (see Progress.Conclude).
func (t *Terminal) change(app string, c *report.Change, dryRun bool) {
	if c == nil || c.Action == report.Unchanged && c.Note == "" {
		return
	}
	w, color := t.lines()
	line := app + t.clean(cmp.Or(c.Short, c.Object)) + " " + paint(color, styleOf(string(c.Action)), string(c.Action))
	if dryRun {
		line += dryRunMark
	}
	if details := t.details(c); details != "" {
		line += "   " + details
	}
	fmt.Fprintln(w, line)
}

// Installed prints what happened to one object of an instance.
func (t *Terminal) Installed(c report.Change) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if c.Action == report.Unchanged { // which a run only counts
		w, _ := t.lines()
		fmt.Fprintln(w, t.clean(c.Short), c.Action)
		return
	}
	t.change("", &c, false)
}

const dryRunMark = " (server dry run)"

func (w wording) details(c *report.Change) string {
	var parts []string
	if c.Error != "" {
		parts = append(parts, w.clean(FirstLine(c.Error)))
	}
	if len(c.Fields) > 0 {
		parts = append(parts, w.fields(c.Action, c.Fields))
	}
	if c.Note != "" {
		parts = append(parts, w.clean(c.Note))
	}
	return strings.Join(parts, "; ")
}

// fields tells the first fields of a change, and who set them: once when it was the same for all.
func (w wording) fields(action report.Action, fields []report.FieldChange) string {
	owner := w.setBy(fields[0].By)
	same := !slices.ContainsFunc(fields, func(f report.FieldChange) bool { return w.setBy(f.By) != owner })
	var parts []string
	for _, f := range fields[:min(len(fields), maxFields)] {
		text := w.field(action, f)
		if !same {
			text += w.setBy(f.By)
		}
		parts = append(parts, text)
	}
	if more := len(fields) - len(parts); more > 0 {
		parts = append(parts, fmt.Sprintf("and %d more", more))
	}
	if !same {
		return strings.Join(parts, "; ")
	}
	return strings.Join(parts, ", ") + owner
}

// field tells one field of a change: "replicas 5 → 3". A nil value is an absent field.
func (w wording) field(action report.Action, f report.FieldChange) string {
	path := w.clean(shortPath(f.Path))
	switch {
	case f.From == nil && f.To == nil:
		return path + " changed"
	case f.To == nil:
		return fmt.Sprintf("%s removed (was %s)", path, w.value(f.From))
	case f.From == nil && action == report.Reverted:
		return fmt.Sprintf("%s restored to %s (was removed)", path, w.value(f.To))
	case f.From == nil:
		return fmt.Sprintf("%s set to %s", path, w.value(f.To))
	}
	from, to := w.value(f.From), w.value(f.To)
	if from == to { // they differ where they are cut
		return path + " changed"
	}
	return fmt.Sprintf("%s %s %s %s", path, from, w.arrow(), to)
}

// setBy is ", set by kubectl-scale 6m ago", as far as it is known.
func (w wording) setBy(o *report.Owner) string {
	if o == nil || o.Manager == "" {
		return ""
	}
	text := ", set by " + w.clean(o.Manager)
	if !o.Time.IsZero() {
		text += " " + w.ago(o.Time)
	}
	return text
}

// shortPath leaves out where nearly every field is.
func shortPath(path string) string {
	for _, prefix := range []string{"spec.template.spec.", "spec."} {
		if rest, ok := strings.CutPrefix(path, prefix); ok && rest != "" {
			return rest
		}
	}
	return path
}
