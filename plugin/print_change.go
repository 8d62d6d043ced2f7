package plugin

import (
	"cmp"
	"fmt"
	"regexp"
	"strings"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
)

// maxFields is how many fields of one object a line tells.
const maxFields = 2

// event tells progress while a pass runs.
func (u *ui) event(e reconcile.Event) {
	u.mu.Lock()
	defer u.mu.Unlock()
	switch e.Kind {
	case reconcile.Changed:
		u.change(e.Change)
	case reconcile.Warning:
		u.warnLine(e.Text)
	case reconcile.Waiting:
		if u.newState(e) {
			u.step(e)
		}
	default:
		u.step(e)
	}
}

func (u *ui) step(e reconcile.Event) {
	fmt.Fprintf(u.Err, "%-9s %s\n", e.Kind, u.clean(e.Text))
}

// newState tells whether a waiting event says something else than the one before about the same object. The time it
// waits, in brackets at the end, is not a state.
func (u *ui) newState(e reconcile.Event) bool {
	object, state, _ := strings.Cut(e.Text, ": ")
	state = waitedFor.ReplaceAllString(state, "")
	key := e.App + "/" + object
	if last, told := u.waiting[key]; told && last == state {
		return false
	}
	u.waiting[key] = state
	return true
}

var waitedFor = regexp.MustCompile(` \([0-9hms.]+\)$`)

// change prints what happened to one object; unchanged ones are only counted (see summary).
func (u *ui) change(c *record.Change) {
	if c == nil || c.Action == record.Unchanged {
		return
	}
	w, color := u.lines()
	line := u.clean(cmp.Or(c.Short, c.Object)) + " " + paint(color, styleOf(string(c.Action)), string(c.Action))
	if u.DryRun {
		line += dryRunMark
	}
	if details := u.details(c); details != "" {
		line += "   " + details
	}
	fmt.Fprintln(w, line)
}

const dryRunMark = " (server dry run)"

func (u *ui) details(c *record.Change) string {
	var parts []string
	if c.Error != "" {
		first, _, _ := strings.Cut(strings.TrimSpace(c.Error), "\n")
		parts = append(parts, u.clean(first))
	}
	for i, f := range c.Fields {
		if i == maxFields {
			parts = append(parts, fmt.Sprintf("and %d more", len(c.Fields)-i))
			break
		}
		parts = append(parts, u.field(c.Action, f))
	}
	if c.Note != "" {
		parts = append(parts, u.clean(c.Note))
	}
	return strings.Join(parts, "; ")
}

// field tells one field of a change: "replicas 5 → 3, set by kubectl-scale 6m ago". A nil value is an absent field.
func (u *ui) field(action record.Action, f record.FieldChange) string {
	path := u.clean(shortPath(f.Path))
	var text string
	switch {
	case f.From == nil && f.To == nil:
		text = path + " changed"
	case f.To == nil:
		text = fmt.Sprintf("%s removed (was %s)", path, u.value(f.From))
	case f.From == nil && action == record.Reverted:
		text = fmt.Sprintf("%s was removed, restored to %s", path, u.value(f.To))
	case f.From == nil:
		text = fmt.Sprintf("%s set to %s", path, u.value(f.To))
	default:
		text = fmt.Sprintf("%s %s %s %s", path, u.value(f.From), u.arrow(), u.value(f.To))
	}
	if f.By == nil || f.By.Manager == "" {
		return text
	}
	text += ", set by " + u.clean(f.By.Manager)
	if !f.By.Time.IsZero() {
		text += " " + u.ago(f.By.Time)
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
