package apply

import (
	"encoding/base64"
	"fmt"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/fields"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/plan"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// tellRewritten adds a note on values that the server stored differently from Git: an admission policy or webhook rewrote
// them. The stored values are what drift is compared with from now on, so the note is made once, when the object is applied.
func (a *Applier) tellRewritten(c *report.Change, s *plan.Step, o Outcome, set *fieldpath.Set) {
	if len(s.Generated) > 0 {
		var err error
		if s, err = withValues(s, o.After); err != nil {
			return
		}
	}
	told := map[string]bool{} // what was rewritten already before other fields were reverted
	if o.Before != nil {
		for _, d := range fields.Diff(s.Manifest, o.Before, set) {
			told[d.Path] = d.To != nil
		}
		for _, d := range fields.Diff(o.Before, o.After, set) {
			delete(told, d.Path)
		}
	}
	var texts []string
	for _, d := range fields.Diff(s.Manifest, o.After, set) {
		if d.From == nil || d.To == nil || means(d.From, d.To) || c.Action == report.Reverted && told[d.Path] {
			continue
		}
		text := d.Path + " was rewritten by the API server's admission"
		if from, simple := d.From.(string); simple && !(s.Ref.Kind.Kind == "Secret" && s.Group == "") && !a.Say.Hidden.In(from) {
			text = fmt.Sprintf("%s: admission made %v of %s", d.Path, d.To, from)
		}
		texts = append(texts, text)
	}
	if len(texts) == 0 {
		return
	}
	if more := len(texts) - 1; more > 0 {
		texts = []string{fmt.Sprintf("%s, and %d more", texts[0], more)}
	}
	note := a.Say.Mask(texts[0])
	if c.Action == report.Unchanged {
		a.Say.Remark(report.Change{Object: c.Object, Short: c.Short, Origin: c.Origin, Action: report.Unchanged, Note: note})
		return
	}
	if c.Note != "" {
		note = c.Note + "; " + note
	}
	c.Note = note
}

// means reports whether the server's value is another spelling of Git's value, or Git's value with defaults added.
func means(git, live any) bool {
	switch git := git.(type) {
	case map[string]any:
		other, ok := live.(map[string]any)
		for k, v := range git {
			if w, there := other[k]; ok && there && !means(v, w) {
				return false
			}
		}
		return ok
	case []any:
		other, ok := live.([]any)
		if !ok || len(git) != len(other) {
			return false
		}
		for i, v := range git {
			if !means(v, other[i]) {
				return false
			}
		}
		return true
	}
	a, b := fmt.Sprint(git), fmt.Sprint(live)
	if a == b || strings.TrimSpace(a) == strings.TrimSpace(b) {
		return true
	}
	if x, err := resource.ParseQuantity(a); err == nil {
		if y, err := resource.ParseQuantity(b); err == nil {
			return x.Cmp(y) == 0
		}
	}
	if x, err := time.ParseDuration(a); err == nil {
		y, err := time.ParseDuration(b)
		return err == nil && x == y
	}
	x, errX := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(a), ""))
	y, errY := base64.StdEncoding.DecodeString(b)
	return errX == nil && errY == nil && string(x) == string(y)
}
