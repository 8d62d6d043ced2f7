package ui

import (
	"context"
	"fmt"
	"io"
	"os"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/diff"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// Difference is one object that differs, with its states, masked; nil where there is none. Text is their unified diff, empty
// when they look the same, and Note a line about what that does not show.
type Difference struct {
	Object        string // group/Kind/namespace/name
	Before, After *unstructured.Unstructured
	Text, Note    string
}

// Differences prints what differs, or lets KUBECTL_EXTERNAL_DIFF do it; the notes are ours in either case.
func Differences(ctx context.Context, t *Terminal, all []Difference) error {
	program := os.Getenv("KUBECTL_EXTERNAL_DIFF")
	for _, d := range all {
		if d.Note != "" {
			if _, err := fmt.Fprintln(t.Out, t.clean(d.Note)); err != nil {
				return err
			}
		}
		if program != "" {
			continue
		}
		if err := t.diff(d.Text); err != nil {
			return err
		}
	}
	if program != "" && len(all) > 0 {
		return externalDiff(ctx, t, program, all)
	}
	return nil
}

// diff prints a unified diff.
func (t *Terminal) diff(text string) error {
	if t.colorOut {
		text = diff.Color(text)
	}
	_, err := io.WriteString(t.Out, text)
	return err
}

// DiffSummary is the closing line of diff about one app: what a run would do to how many objects.
func DiffSummary(app report.App, differences int) string {
	if differences == 0 {
		return fmt.Sprintf("%s: no differences, %d unchanged", app.Name, app.Counts.Unchanged)
	}
	c := app.Counts
	text := app.Name + ":"
	for _, part := range []struct {
		n    int
		what string
	}{{c.Created, "to create"}, {c.Configured, "to configure"}, {c.Reverted, "to revert"}, {c.Pruned, "to prune"},
		{c.Failed, "failed"}, {c.Unchanged, "unchanged"}} {
		if part.n > 0 {
			text += fmt.Sprintf(" %d %s,", part.n, part.what)
		}
	}
	return text[:len(text)-1]
}

// Refusals warns of what keeps reconcile from writing, each with what to do about it.
func Refusals(t *Terminal, why []error) {
	for _, err := range why {
		for _, part := range splitError(err) {
			t.Warn("reconcile refuses: %s", part.text)
			for _, h := range part.hints {
				t.Hint("%s", h)
			}
		}
	}
}
