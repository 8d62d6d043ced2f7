package reconcile

import (
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/diff"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/manifest"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/sealed"
)

// What a pass says leaves it as an event, a change of its report, an effect or an error; record, history, Events and
// notifications are made of these. Values of encrypted files and of variables from Secrets are masked at these four, by value: they
// may have got anywhere, and the server repeats what it was sent. Values of Secrets are masked beside them, where text of
// others is handed on.

// hide takes over the values of what was rendered. A render knows which of the variables stand where everybody may read them.
func (p *pass) hide(objects []manifest.Object) {
	if len(objects) > 0 {
		p.hidden = objects[0].Hidden
	}
}

// mask removes values of Secrets and hidden values from text.
func (p *pass) mask(text string) string {
	return p.hidden.Mask(diff.MaskError(text, p.secrets()...))
}

// conceal masks an error and its hints.
func (p *pass) conceal(err error) error { return sealed.MaskError(err, p.mask) }

// hideChange masks hidden values in a change of an object.
func (p *pass) hideChange(c report.Change) report.Change {
	if p.hidden == nil {
		return c
	}
	for _, text := range []*string{&c.Object, &c.Short, &c.Origin, &c.Note, &c.Error, &c.Hint} {
		*text = p.hidden.Mask(*text)
	}
	c.Fields = slices.Clone(c.Fields)
	for i := range c.Fields {
		f := &c.Fields[i]
		f.Path = p.hidden.Mask(f.Path)
		_, from := p.hidden.Any(f.From)
		_, to := p.hidden.Any(f.To)
		if from || to { // the other one is the value from before, or somebody's guess
			f.From, f.To = masked(f.From), masked(f.To)
		}
	}
	return c
}

// shownEffects are the effects with what may not be shown of them.
func (p *pass) shownEffects() []Effect {
	for i := range p.effects {
		e := &p.effects[i]
		e.Note, e.Hidden = p.hidden.Mask(e.Note), p.hidden
	}
	return p.effects
}

// hides tells whether an object holds a hidden value.
func (p *pass) hides(u *unstructured.Unstructured) bool {
	_, is := p.hidden.Any(u.Object)
	return is
}
