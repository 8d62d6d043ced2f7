package plugin

import (
	"fmt"
	"strings"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/preview"
)

// maxNotRendered is how many changed files that no app is rendered from are named.
const maxNotRendered = 20

// previewText prints the diffs on Out and the summary, with what deserves attention, on Err.
func (u *ui) previewText(p preview.Preview) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, a := range p.Apps {
		for _, o := range a.Objects {
			if err := printText(u.Out, u.colorOut, o.Diff); err != nil {
				return err
			}
		}
	}
	for _, a := range p.Apps {
		u.previewApp(a)
	}
	for _, name := range p.NotRendered[:min(len(p.NotRendered), maxNotRendered)] {
		u.lead("note:", plain, "changed, and no app is rendered from it: "+name)
	}
	if more := len(p.NotRendered) - maxNotRendered; more > 0 {
		u.lead("note:", plain, fmt.Sprintf("and %d more such files", more))
	}
	for _, name := range p.Outside[:min(len(p.Outside), maxNotRendered)] {
		u.lead("note:", plain, "changed outside of --path: "+name)
	}
	if more := len(p.Outside) - maxNotRendered; more > 0 {
		u.lead("note:", plain, fmt.Sprintf("and %d more files outside of --path", more))
	}
	fmt.Fprintln(u.Err, u.clean(preview.Summary(p)))
	if p.Omitted > 0 {
		fmt.Fprintf(u.Err, "diffs left out: %d (--max-bytes)\n", p.Omitted)
	}
	if len(p.Apps)+len(p.NotRendered)+len(p.Outside) > 0 {
		verdict := "no"
		if p.ImageOnly {
			verdict = "yes"
		}
		fmt.Fprintln(u.Err, "Image-only change: "+verdict)
	}
	return nil
}

// previewApp tells what is dangerous about the changes of one app, and why it cannot be rendered.
func (u *ui) previewApp(a preview.App) {
	name := u.clean(a.Title())
	if a.Error != "" {
		u.lead("error:", red, name+" cannot be rendered: "+a.Error)
	}
	for _, text := range a.Hints {
		u.lead("hint:", plain, text)
	}
	if a.Note != "" {
		u.lead("note:", plain, name+": "+a.Note)
	}
	if len(a.Settings) > 0 {
		u.lead("note:", plain, fmt.Sprintf("%s: gitops.yaml says otherwise of it: %s", name, strings.Join(a.Settings, ", ")))
	}
	for _, o := range a.Objects {
		switch {
		case o.MovedTo != "":
			u.lead("note:", plain, fmt.Sprintf("%s moves from %s to %s", o.Object, a.Name, o.MovedTo))
		case o.Unmanaged != "":
			u.lead("note:", plain, fmt.Sprintf("%s is left alone: %s", o.Object, o.Unmanaged))
		case o.Kept:
			u.lead("note:", plain, o.Object+" is no longer managed, and stays")
		case o.Change == preview.Removed:
			u.lead("warning:", yellow, o.Object+" is deleted from the cluster")
		case len(o.Immutable) > 0 && o.Recreate:
			u.lead("warning:", yellow, fmt.Sprintf("%s is deleted and recreated: %s cannot change", o.Object, strings.Join(o.Immutable, ", ")))
		case len(o.Immutable) > 0:
			u.lead("warning:", yellow, fmt.Sprintf("%s: the API server will refuse to change %s", o.Object, strings.Join(o.Immutable, ", ")))
		}
	}
}
