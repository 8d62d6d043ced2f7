package plugin

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/ui"
)

// DiffList is what `diff -o json` prints: what reconcile would change. Apps holds every app that was compared, Items only
// the objects that differ.
type DiffList struct {
	metav1.TypeMeta `json:",inline"`
	Apps            []DiffApp    `json:"apps"`
	Items           []Difference `json:"items"`
}

// DiffApp sums up one app. Message says why it waits, goes, or could not be compared.
type DiffApp struct {
	Name     string          `json:"name"`
	Result   report.Result   `json:"result"`
	Revision report.Revision `json:"revision"`
	Counts   report.Counts   `json:"counts"`
	Message  string          `json:"message,omitempty"`
}

// Difference is one object that differs. Action is what reconcile would do to it, Origin its file:line in Git, Diff a unified
// diff from the live state to that of Git, with values of Secrets masked, and Note what the diff does not show.
type Difference struct {
	App    string        `json:"app"`
	Object string        `json:"object"` // group/Kind/namespace/name
	Action report.Action `json:"action"`
	Origin string        `json:"origin,omitempty"`
	Note   string        `json:"note,omitempty"`
	Diff   string        `json:"diff"`
}

// pair is one object that differs: what a run would do to it, and what is shown of that.
type pair struct {
	effect report.Effect
	shown  ui.Difference
}

type pairs []pair

func (p pairs) shown() []ui.Difference {
	all := make([]ui.Difference, len(p))
	for i := range p {
		all[i] = p[i].shown
	}
	return all
}

// add adds an app and what differs of it.
func (l *DiffList) add(a reconcile.AppOutcome, pairs pairs) {
	r := a.Report
	l.Apps = append(l.Apps, DiffApp{Name: r.Name, Result: r.Result, Revision: r.Revision, Counts: r.Counts, Message: r.Message})
	actions := map[string]report.Action{}
	for _, c := range r.Changes {
		actions[c.Object] = c.Action
	}
	for _, p := range pairs {
		d := Difference{App: r.Name, Object: p.shown.Object, Action: actions[p.shown.Object], Note: p.effect.Note, Diff: p.shown.Text}
		if p.effect.Origin.File != "" {
			d.Origin = p.effect.Origin.String()
		}
		if d.Action == "" {
			d.Action = plainAction(p.effect)
		}
		l.Items = append(l.Items, d)
	}
}

// plainAction is what happens to an object that the report has no line of.
func plainAction(e report.Effect) report.Action {
	switch {
	case e.Before == nil:
		return report.Created
	case e.After == nil:
		return report.Pruned
	}
	return report.Configured
}
