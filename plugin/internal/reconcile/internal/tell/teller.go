package tell

import (
	"errors"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/diff"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/manifest"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/sealed"
)

// Teller collects the events, changes and effects of one app. The methods that emit, or that add to the report, are for one
// goroutine at a time.
type Teller struct {
	Report  *report.App        // the report of the run for this app; Change and Remark add to it
	Effects []report.Effect    // of a dry run: each object before and after
	Emit    func(report.Event) // receives each event; may be nil
	Listed  bool               // a gitops.yaml lists the app

	Hidden       *sealed.Values                      // values that are masked in all text
	KnownSecrets []*unstructured.Unstructured        // Secrets of an app that is being removed
	SecretsOf    func() []*unstructured.Unstructured // returns the desired and the live Secrets; may be nil
	told         map[object.Key]string               // last text of WaitingFor, by object
}

// WaitingFor emits that the app waits for the object at k. It emits a text once, until the text changes.
func (t *Teller) WaitingFor(k object.Key, text string) {
	if t.told[k] == text {
		return
	}
	if t.told == nil {
		t.told = map[object.Key]string{}
	}
	t.told[k] = text
	t.Say(report.Waiting, "%s", text)
}

// Secrets returns the Secrets whose values must not appear in any text.
func (t *Teller) Secrets() []*unstructured.Unstructured {
	out := slices.Clone(t.KnownSecrets)
	if t.SecretsOf != nil {
		out = append(out, t.SecretsOf()...)
	}
	return out
}

// Say emits an event of the given kind. The text is formatted as by fmt.Sprintf, and hidden values are masked.
func (t *Teller) Say(kind report.EventKind, format string, args ...any) {
	if t.Emit != nil {
		t.Emit(report.Event{Kind: kind, App: t.Report.Name, Listed: t.Listed, Text: t.Hidden.Mask(fmt.Sprintf(format, args...))})
	}
}

// Change counts a change of an object. Unless the object is unchanged, Change also adds it to the report and emits it.
// Hidden values are masked.
func (t *Teller) Change(c report.Change) {
	c = t.hideChange(c)
	t.Report.Counts.Add(c.Action, 1)
	if c.Action == report.Unchanged {
		return
	}
	t.Report.Changes = append(t.Report.Changes, c)
	if c.Action == report.Pruned {
		t.Report.Pruned = append(t.Report.Pruned, c.Object)
	}
	if t.Emit != nil {
		t.Emit(report.Event{Kind: report.Changed, App: t.Report.Name, Listed: t.Listed, Change: &c})
	}
}

// Remark adds a note on an object that did not change to the report, and emits it. The caller masks the note. Remark does
// not count the object.
func (t *Teller) Remark(c report.Change) {
	t.Report.Changes = append(t.Report.Changes, c)
	if t.Emit != nil {
		t.Emit(report.Event{Kind: report.Changed, App: t.Report.Name, Listed: t.Listed, Change: &c})
	}
}

// Short returns the name that reports use for an object: kind.group/name, as kubectl prints it, with the namespace when the
// app spreads over several.
func (t *Teller) Short(ref cluster.Ref) string { return object.ShortIn(ref, t.Report.Spread) }

// Hide sets the values to mask from the rendered objects: the renderer knows which variables may be shown.
func (t *Teller) Hide(objects []manifest.Object) {
	if len(objects) > 0 {
		t.Hidden = objects[0].Hidden
	}
}

// Mask returns text with the values of Secrets and hidden values masked.
func (t *Teller) Mask(text string) string {
	return t.Hidden.Mask(diff.MaskError(text, t.Secrets()...))
}

// Conceal returns err with its text and its hints masked. It still wraps err.
func (t *Teller) Conceal(err error) error { return sealed.MaskError(err, t.Mask) }

// hideChange returns c with hidden values masked.
func (t *Teller) hideChange(c report.Change) report.Change {
	if t.Hidden == nil {
		return c
	}
	for _, text := range []*string{&c.Object, &c.Short, &c.Origin, &c.Note, &c.Error, &c.Hint} {
		*text = t.Hidden.Mask(*text)
	}
	c.Fields = slices.Clone(c.Fields)
	for i := range c.Fields {
		f := &c.Fields[i]
		f.Path = t.Hidden.Mask(f.Path)
		_, from := t.Hidden.Any(f.From)
		_, to := t.Hidden.Any(f.To)
		if from || to { // the other one is the value from before, or somebody's guess
			f.From, f.To = Masked(f.From), Masked(f.To)
		}
	}
	return c
}

// ShownEffects returns the effects with their notes masked. Each effect carries the hidden values, so that a printer of
// differences can mask the objects.
func (t *Teller) ShownEffects() []report.Effect {
	for i := range t.Effects {
		e := &t.Effects[i]
		e.Note, e.Hidden = t.Hidden.Mask(e.Note), t.Hidden
	}
	return t.Effects
}

// Hides reports whether an object contains a hidden value.
func (t *Teller) Hides(u *unstructured.Unstructured) bool {
	_, is := t.Hidden.Any(u.Object)
	return is
}

// Masked returns "***" for a value that must not be shown, and nil for nil: whether a value is set is no secret.
func Masked(v any) any {
	if v == nil {
		return nil
	}
	return "***"
}

// FirstFailure returns an error with the first failed object of the report and the number of other failures. The hints of
// the error are advice and then the hint of that object. The report must have a failed change.
func (t *Teller) FirstFailure(advice ...string) error {
	n := 0
	var first report.Change
	for _, c := range t.Report.Changes {
		if c.Action == report.Failed {
			if n++; n == 1 {
				first = c
			}
		}
	}
	text := fmt.Sprintf("%s: %s", first.Short, first.Error)
	if n > 1 {
		text += fmt.Sprintf(" (and %s)", report.Plural(n-1, "other failure"))
	}
	err := errors.New(text)
	for _, a := range advice {
		err = hint.With(err, "%s", a)
	}
	if first.Hint != "" {
		err = hint.With(err, "%s", first.Hint)
	}
	return err
}
