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

// Difference is one object that differs.
type Difference struct {
	Object        string                     // group/Kind/namespace/name
	Before, After *unstructured.Unstructured // its two states, masked; nil where it does not exist
	Text          string                     // unified diff of the two; "" when they look the same
	Note          string                     // what Text does not show; may be ""
}

// Differences prints objects that differ, each with its note. If KUBECTL_EXTERNAL_DIFF is set, that program prints the
// differences instead. The error is about the program, or about writing.
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

// DiffSummary returns the closing line of diff about one app: how many objects a run would change, and how. differences is the
// number of objects that were shown.
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

// Refusals prints, as warnings with hints, why reconcile would refuse to write.
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
