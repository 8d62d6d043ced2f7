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
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/sealed"
)

// What a pass says leaves it as an event, a change of its report, an effect or an error; record, history, Events and
// notifications are made of these. Values of encrypted files and of variables from Secrets are masked at these four, by value: they
// may have got anywhere, and the server repeats what it was sent. Values of Secrets are masked beside them, where text of
// others is handed on.

// Teller says what happens to one app: as events, and as the changes and effects of its report.
type Teller struct {
	Report  *report.App
	Effects []report.Effect
	Emit    func(report.Event) // may be nil
	Listed  bool               // the app is one of several

	Hidden       *sealed.Values                      // values that are masked in all that is said
	KnownSecrets []*unstructured.Unstructured        // Secrets of an app that is removed
	SecretsOf    func() []*unstructured.Unstructured // those of manifests and in the cluster
	told         map[record.Key]string               // what is waited for
}

// WaitingFor tells what is waited for, once in each state.
func (t *Teller) WaitingFor(k record.Key, text string) {
	if t.told[k] == text {
		return
	}
	if t.told == nil {
		t.told = map[record.Key]string{}
	}
	t.told[k] = text
	t.Say(report.Waiting, "%s", text)
}

// Secrets lists the Secrets whose values must not appear in any text.
func (t *Teller) Secrets() []*unstructured.Unstructured {
	out := slices.Clone(t.KnownSecrets)
	if t.SecretsOf != nil {
		out = append(out, t.SecretsOf()...)
	}
	return out
}

// Say tells an event.
func (t *Teller) Say(kind report.EventKind, format string, args ...any) {
	if t.Emit != nil {
		t.Emit(report.Event{Kind: kind, App: t.Report.Name, Listed: t.Listed, Text: t.Hidden.Mask(fmt.Sprintf(format, args...))})
	}
}

// Change adds a change to the report and tells it, unless nothing happened to the object.
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

// Remark adds something worth knowing about an object that was not changed.
func (t *Teller) Remark(c report.Change) {
	t.Report.Changes = append(t.Report.Changes, c)
	if t.Emit != nil {
		t.Emit(report.Event{Kind: report.Changed, App: t.Report.Name, Listed: t.Listed, Change: &c})
	}
}

// Short is how a report names an object: kind.group/name, as kubectl prints it.
func (t *Teller) Short(ref cluster.Ref) string { return object.ShortIn(ref, t.Report.Spread) }

// Hide takes over the values of what was rendered. A render knows which of the variables stand where everybody may read them.
func (t *Teller) Hide(objects []manifest.Object) {
	if len(objects) > 0 {
		t.Hidden = objects[0].Hidden
	}
}

// Mask removes values of Secrets and hidden values from text.
func (t *Teller) Mask(text string) string {
	return t.Hidden.Mask(diff.MaskError(text, t.Secrets()...))
}

// Conceal masks an error and its hints.
func (t *Teller) Conceal(err error) error { return sealed.MaskError(err, t.Mask) }

// hideChange masks hidden values in a change of an object.
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

// ShownEffects are the effects with what may not be shown of them.
func (t *Teller) ShownEffects() []report.Effect {
	for i := range t.Effects {
		e := &t.Effects[i]
		e.Note, e.Hidden = t.Hidden.Mask(e.Note), t.Hidden
	}
	return t.Effects
}

// Hides tells whether an object holds a hidden value.
func (t *Teller) Hides(u *unstructured.Unstructured) bool {
	_, is := t.Hidden.Any(u.Object)
	return is
}

func Masked(v any) any {
	if v == nil {
		return nil
	}
	return "***"
}

// FirstFailure is the error of a pass some of whose objects failed, with further hints.
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
