package ui

import (
	"errors"
	"fmt"
	"strings"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/health"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// maxFailures is how many failed objects of one app the summary repeats.
const maxFailures = 10

// Conclude prints a closing line for each app of r, and failures as errors with hints. ends are the errors of the apps, in the
// order of r.Apps, as far as they are known; they have the hints that r lacks. Several apps without a change share one line.
func (p *Progress) Conclude(r report.List, ends ...error) {
	t := p.t
	t.mu.Lock()
	p.waiting = map[string]string{}
	if t.log != nil {
		logReport(t.log, r)
		t.mu.Unlock()
		return
	}
	w, color := t.lines()
	if line := t.upToDate(r.Apps, color); line != "" {
		fmt.Fprintln(w, line)
	}
	for _, app := range r.Apps {
		if len(r.Apps) > 1 && isUpToDate(app) {
			continue
		}
		if line := t.closing(app, color); line != "" {
			fmt.Fprintln(w, line)
		}
	}
	t.mu.Unlock()
	for i, app := range r.Apps {
		if app.Result == report.ResultFailed {
			var failure error
			if i < len(ends) {
				failure = ends[i]
			}
			t.Fail(failures(app, failure))
		}
	}
}

// isUpToDate tells whether there is nothing to say about an app.
func isUpToDate(app report.App) bool {
	return app.Result == report.ResultSucceeded && len(app.Changes) == 0 && !anyChange(app.Counts) && app.Message == "" &&
		(app.Health == health.Healthy || app.Health == health.Unknown && app.AllHealthy) // nobody waits for its health
}

// upToDate is the one line about all apps of several that were as they should be.
func (w wording) upToDate(apps []report.App, color bool) string {
	var same []report.App
	objects := 0
	for _, app := range apps {
		if isUpToDate(app) {
			same = append(same, app)
			objects += app.Counts.Unchanged
		}
	}
	switch {
	case len(apps) < 2 || len(same) == 0:
		return ""
	case len(same) == 1:
		return w.closing(same[0], color)
	}
	return fmt.Sprintf("%d apps are up to date%s: %d unchanged%s", len(same), prefixed(" at ", w.clean(same[0].Revision.Short())), objects, dryRunSuffix(same[0]))
}

// closing is the one line that is left of a run; empty when it failed before it touched an object, where the error
// says all.
func (w wording) closing(app report.App, color bool) string {
	name, at := w.clean(app.Name), w.clean(app.Revision.Short())
	counts := countsText(app.Counts)
	lasted := " in " + took(app.Duration.Duration)
	switch {
	case app.Suspended != nil:
		return fmt.Sprintf("%s is %s", name, w.clean(app.Suspended.String()))
	case app.Result == report.ResultFailed && counts == "":
		return ""
	case app.Result != report.ResultFailed && app.Health == health.Unknown && !anyChange(app.Counts) && app.Message != "":
		return name + " " + w.clean(app.Message) + prefixed("; ", counts)
	case app.Result == report.ResultFailed:
		return fmt.Sprintf("%s %s%s%s: %s%s", name, paint(color, red, "failed"), prefixed(" at ", at), lasted, counts, dryRunSuffix(app))
	case app.DryRun && anyChange(app.Counts):
		return fmt.Sprintf("%s would be reconciled%s: %s%s", name, prefixed(" to ", at), counts, dryRunMark)
	case app.Counts.Drifted > 0 && !anyChange(app.Counts):
		return fmt.Sprintf("%s%s: %s", name, prefixed(" at ", at), w.clean(app.Message))
	case anyChange(app.Counts):
		return fmt.Sprintf("%s reconciled%s%s: %s%s", name, prefixed(" to ", at), lasted, counts, w.unhealthy(app, color))
	}
	return fmt.Sprintf("%s is up to date%s%s%s%s", name, prefixed(" at ", at), prefixed(": ", counts), dryRunSuffix(app),
		w.unhealthy(app, color))
}

func dryRunSuffix(app report.App) string {
	if app.DryRun {
		return dryRunMark
	}
	return ""
}

// unhealthy says when objects that are as Git wants them do not work.
func (w wording) unhealthy(app report.App, color bool) string {
	switch app.Health {
	case "", health.Healthy, health.Suspended, health.Unknown:
		return ""
	}
	if app.DryRun {
		return ""
	}
	return "; health is " + paint(color, styleOf(string(app.Health)), string(app.Health)) + prefixed(": ", w.clean(app.Message))
}

func prefixed(prefix, text string) string {
	if text == "" {
		return ""
	}
	return prefix + text
}

func anyChange(c report.Counts) bool {
	return c.Created+c.Configured+c.Reverted+c.Pruned > 0
}

func countsText(c report.Counts) string {
	var parts []string
	for _, part := range []struct {
		n    int
		word report.Action
	}{
		{c.Created, report.Created}, {c.Configured, report.Configured}, {c.Reverted, report.Reverted}, {c.Drifted, report.Drifted},
		{c.Pruned, report.Pruned}, {c.Skipped, report.Skipped}, {c.Failed, report.Failed}, {c.Unchanged, report.Unchanged},
	} {
		if part.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", part.n, part.word))
		}
	}
	return strings.Join(parts, ", ")
}

// failures are the errors of a failed app: failure or else its message, then each failed object not told by that.
// The message counts, because Secrets are masked there: a failure that says something else is not printed.
func failures(app report.App, failure error) error {
	var errs []error
	add := func(text, advice string) {
		err := fmt.Errorf("%s: %s", app.Name, text)
		if advice != "" {
			err = hint.With(err, "%s", advice)
		}
		errs = append(errs, err)
	}
	lines := strings.Split(app.Message, "\n")
	switch {
	case app.Message == "":
	case failure != nil && failure.Error() == app.Message:
		errs = append(errs, fmt.Errorf("%s: %w", app.Name, failure))
	default:
		for i, line := range lines {
			advice := ""
			if i == len(lines)-1 {
				advice = app.Hint
			}
			add(line, advice)
		}
	}
	told, more := 0, 0
	for _, c := range app.Changes {
		switch {
		case c.Action != report.Failed || c.Error == "" || strings.Contains(app.Message, c.Short+": "+c.Error):
		case told == maxFailures:
			more++
		default:
			told++
			add(c.Short+": "+c.Error, c.Hint)
		}
	}
	if more > 0 {
		add(fmt.Sprintf("and %d more objects failed", more), "")
	}
	if len(errs) == 0 {
		add("the run failed", app.Hint)
	}
	return errors.Join(errs...)
}
