package ui

import (
	"fmt"
	"strings"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/preview"
)

// maxNotRendered is how many changed files that no app is rendered from are named.
const maxNotRendered = 20

// Preview prints the diffs of a preview on Out. It prints the summary, and warnings about what deserves attention, on Err. The
// error is about writing.
func Preview(t *Terminal, p preview.Preview) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, a := range p.Apps {
		for _, o := range a.Objects {
			if err := t.diff(o.Diff); err != nil {
				return err
			}
		}
	}
	for _, a := range p.Apps {
		previewApp(t, a)
	}
	for _, name := range p.NotRendered[:min(len(p.NotRendered), maxNotRendered)] {
		t.lead("note:", plain, "changed, and no app is rendered from it: "+name)
	}
	if more := len(p.NotRendered) - maxNotRendered; more > 0 {
		t.lead("note:", plain, fmt.Sprintf("and %d more such files", more))
	}
	for _, name := range p.Outside[:min(len(p.Outside), maxNotRendered)] {
		t.lead("note:", plain, "changed outside of --path: "+name)
	}
	if more := len(p.Outside) - maxNotRendered; more > 0 {
		t.lead("note:", plain, fmt.Sprintf("and %d more files outside of --path", more))
	}
	fmt.Fprintln(t.Err, t.clean(preview.Summary(p)))
	if p.Omitted > 0 {
		fmt.Fprintf(t.Err, "diffs left out: %d (--max-bytes)\n", p.Omitted)
	}
	if len(p.Apps)+len(p.NotRendered)+len(p.Outside) > 0 {
		verdict := "no"
		if p.ImageOnly {
			verdict = "yes"
		}
		fmt.Fprintln(t.Err, "Image-only change: "+verdict)
	}
	return nil
}

// previewApp tells what is dangerous about the changes of one app, and why it cannot be rendered.
func previewApp(t *Terminal, a preview.App) {
	name := t.clean(a.Title())
	if a.Error != "" {
		t.lead("error:", red, name+" cannot be rendered: "+a.Error)
	}
	for _, text := range a.Hints {
		t.lead("hint:", plain, text)
	}
	if a.Note != "" {
		t.lead("note:", plain, name+": "+a.Note)
	}
	if len(a.Settings) > 0 {
		t.lead("note:", plain, fmt.Sprintf("%s: its settings in gitops.yaml change: %s", name, strings.Join(a.Settings, ", ")))
	}
	for _, o := range a.Objects {
		switch {
		case o.MovedTo != "":
			t.lead("note:", plain, fmt.Sprintf("%s moves from %s to %s", o.Object, a.Name, o.MovedTo))
		case o.Unmanaged != "":
			t.lead("note:", plain, fmt.Sprintf("%s is left alone: %s", o.Object, o.Unmanaged))
		case o.Kept:
			t.lead("note:", plain, o.Object+" is no longer managed, and stays")
		case o.Change == preview.Removed:
			t.lead("warning:", yellow, o.Object+" is deleted from the cluster")
		case len(o.Immutable) > 0 && o.Recreate:
			t.lead("warning:", yellow, fmt.Sprintf("%s is deleted and recreated: %s cannot change", o.Object, strings.Join(o.Immutable, ", ")))
		case len(o.Immutable) > 0:
			t.lead("warning:", yellow, fmt.Sprintf("%s: the API server will refuse to change %s", o.Object, strings.Join(o.Immutable, ", ")))
		}
	}
}
