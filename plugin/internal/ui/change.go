package plugin

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// maxFields is how many fields of one object a line tells.
const maxFields = 2

// event tells progress while a pass runs.
func (u *ui) event(e report.Event) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.log != nil {
		u.logEvent(e)
		return
	}
	switch e.Kind {
	case report.Changed:
		u.changeIn(u.appOf(e), e.Change)
	case report.Warning:
		u.warnLine(e.Text)
	case report.Waiting:
		if u.newState(e) {
			u.step(e)
		}
	default:
		u.step(e)
	}
}

func (u *ui) step(e report.Event) {
	fmt.Fprintf(u.Err, "%-9s %s%s\n", e.Kind, u.appOf(e), u.clean(e.Text))
}

// appOf is what stands in front of what is told of one app of several.
func (u *ui) appOf(e report.Event) string {
	if !e.Listed {
		return ""
	}
	return u.clean(e.App) + ": "
}

// newState tells whether a waiting event says something else than the one before about the same object. The time it
// waits, in brackets at the end, is not a state.
func (u *ui) newState(e report.Event) bool {
	object, state, _ := strings.Cut(e.Text, ": ")
	if i := strings.LastIndex(state, " ("); i >= 0 && strings.HasSuffix(state, ")") {
		if _, err := time.ParseDuration(state[i+2 : len(state)-1]); err == nil {
			state = state[:i]
		}
	}
	key := e.App + "/" + object
	if last, told := u.waiting[key]; told && last == state {
		return false
	}
	u.waiting[key] = state
	return true
}

// change prints what happened to one object; unchanged ones are only counted (see summary).
func (u *ui) change(c *report.Change) { u.changeIn("", c) }

// changeIn is change behind the name of an app of several.
func (u *ui) changeIn(app string, c *report.Change) {
	if c == nil || c.Action == report.Unchanged && c.Note == "" {
		return
	}
	w, color := u.lines()
	line := app + u.clean(cmp.Or(c.Short, c.Object)) + " " + paint(color, styleOf(string(c.Action)), string(c.Action))
	if u.DryRun {
		line += dryRunMark
	}
	if details := u.details(c); details != "" {
		line += "   " + details
	}
	fmt.Fprintln(w, line)
}

const dryRunMark = " (server dry run)"

func (u *ui) details(c *report.Change) string {
	var parts []string
	if c.Error != "" {
		parts = append(parts, u.clean(firstLine(c.Error)))
	}
	if len(c.Fields) > 0 {
		parts = append(parts, u.fields(c.Action, c.Fields))
	}
	if c.Note != "" {
		parts = append(parts, u.clean(c.Note))
	}
	return strings.Join(parts, "; ")
}

// fields tells the first fields of a change, and who set them: once when it was the same for all.
func (u *ui) fields(action report.Action, fields []report.FieldChange) string {
	owner := u.setBy(fields[0].By)
	same := !slices.ContainsFunc(fields, func(f report.FieldChange) bool { return u.setBy(f.By) != owner })
	var parts []string
	for _, f := range fields[:min(len(fields), maxFields)] {
		text := u.field(action, f)
		if !same {
			text += u.setBy(f.By)
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
func (u *ui) field(action report.Action, f report.FieldChange) string {
	path := u.clean(shortPath(f.Path))
	switch {
	case f.From == nil && f.To == nil:
		return path + " changed"
	case f.To == nil:
		return fmt.Sprintf("%s removed (was %s)", path, u.value(f.From))
	case f.From == nil && action == report.Reverted:
		return fmt.Sprintf("%s restored to %s (was removed)", path, u.value(f.To))
	case f.From == nil:
		return fmt.Sprintf("%s set to %s", path, u.value(f.To))
	}
	from, to := u.value(f.From), u.value(f.To)
	if from == to { // they differ where they are cut
		return path + " changed"
	}
	return fmt.Sprintf("%s %s %s %s", path, from, u.arrow(), to)
}

// setBy is ", set by kubectl-scale 6m ago", as far as it is known.
func (u *ui) setBy(o *report.Owner) string {
	if o == nil || o.Manager == "" {
		return ""
	}
	text := ", set by " + u.clean(o.Manager)
	if !o.Time.IsZero() {
		text += " " + u.ago(o.Time)
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
