package ui

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/preview"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/status"
)

// History prints one row for each run, in the order of h, which is newest first. wide adds the message of each run.
func History(t *Terminal, h status.History, wide bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(h.Items) == 0 {
		fmt.Fprintf(t.Err, "No runs of %s are recorded.\n", t.clean(h.App))
		return
	}
	rows := &table{columns: []column{
		{name: "ID"},
		{name: "REVISION", yields: 4},
		{name: "RESULT"},
		{name: "CHANGES", yields: 3},
		{name: "CAUSE", yields: 2},
		{name: "AGE"},
		{name: "TOOK", yields: 1},
		{name: "COMMIT"},
		{name: "MESSAGE", wide: true},
	}}
	for _, run := range h.Items {
		commit := t.causeText(run)
		if commit == "" && !wide { // it failed before the commit was read
			commit = FirstLine(run.Message)
		}
		rows.add(cell{text: strconv.Itoa(run.ID)}, cell{text: run.Revision.Short()}, word(run.Result),
			cell{text: countsBrief(run.Counts)}, cell{text: string(run.Cause)}, cell{text: t.age(run.Time)},
			cell{text: took(run.Duration.Duration)}, cell{text: commit},
			cell{text: FirstLine(run.Message)})
	}
	t.print(rows, wide)
}

// RollbackHints prints how to undo the commits that made a run necessary: with git, or with the action, which also keeps the
// version from coming back. When these commits are not known, it prints why, and how to find them. path is the directory of
// the app.
func RollbackHints(t *Terminal, run report.Run, path string) {
	commits := run.Commits
	if len(commits) == 0 && run.Unclear == "" { // of an earlier version
		commits = []report.Revision{run.Revision}
	}
	if len(commits) == 0 {
		t.Hint("which commit to undo is not known: %s", run.Unclear)
		t.Hint("`git log -- %s` in the config repository lists the commits; to undo one, run `git revert COMMIT` and push", t.clean(path))
		return
	}
	var short []string
	for _, c := range commits {
		short = append(short, report.Revision{Commit: c.Commit}.Short())
	}
	t.Hint("to undo the last change, run `git revert %s` in the config repository and push", strings.Join(short, " "))
	t.Hint("on GitHub, the action does it in a pull request, for a merge commit too: its inputs are `operation: rollback` and `commit: %s`", t.clean(commits[0].Commit))
}

// RecordedChanges prints the lines about changed objects that a run left in the history. The error is about writing.
func RecordedChanges(t *Terminal, run report.Run) error {
	for _, line := range run.Changes {
		if _, err := fmt.Fprintln(t.Out, t.clean(line)); err != nil {
			return err
		}
	}
	if len(run.Changes) == 0 {
		fmt.Fprintln(t.Err, strings.TrimSpace("The run changed nothing. "+t.clean(FirstLine(run.Message))))
	}
	return nil
}

// RunDiff prints what a run of an app changed: the differences on Out, and on Err the two commits and how many objects were
// added, changed and removed. before is the commit that was applied before the run, "" when there was none. The error is about
// writing.
func RunDiff(t *Terminal, app string, compared preview.App, run report.Run, before string) error {
	for _, object := range compared.Objects {
		if err := t.diff(object.Diff); err != nil {
			return err
		}
	}
	from := "nothing"
	if before != "" {
		from = report.Revision{Commit: before}.Short()
	}
	n := compared.Counts
	fmt.Fprintf(t.Err, "%s run %d, %s %s %s: %d added, %d changed, %d removed\n", t.clean(app), run.ID, from, t.arrow(),
		report.Revision{Commit: run.Revision.Commit}.Short(), n.Added, n.Changed, n.Removed)
	return nil
}

// causeText is the commit that made a run necessary: the newest of those that touch the app, if it is not the one that the
// run was about.
func (w wording) causeText(run report.Run) string {
	switch {
	case len(run.Commits) == 0 && run.Unclear != "" && run.Unclear != report.UnclearFirst:
		return "not known: " + FirstLine(run.Unclear)
	case len(run.Commits) == 0:
		return w.commitText(run.Revision)
	}
	text := w.commitText(run.Commits[0])
	if run.Commits[0].Commit != run.Revision.Commit {
		text = report.Revision{Commit: run.Commits[0].Commit}.Short() + " " + text
	}
	if more := len(run.Commits) - 1; more > 0 {
		text += fmt.Sprintf(" (and %d more)", more)
	}
	return text
}

// countsBrief is "+created ~changed -pruned *drifted !failed", without what is zero. A reverted object counts as changed.
func countsBrief(c report.Counts) string {
	var parts []string
	for _, part := range []struct {
		sign string
		n    int
	}{{"+", c.Created}, {"~", c.Configured + c.Reverted}, {"-", c.Pruned}, {"*", c.Drifted}, {"!", c.Failed}} {
		if part.n > 0 {
			parts = append(parts, part.sign+strconv.Itoa(part.n))
		}
	}
	return strings.Join(parts, " ")
}

func (w wording) commitText(r report.Revision) string {
	subject := FirstLine(r.Subject)
	if subject == "" || r.Author == "" {
		return subject + r.Author
	}
	return subject + " " + w.dash() + " " + r.Author
}
