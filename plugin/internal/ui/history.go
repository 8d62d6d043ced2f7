package plugin

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/status"
)

// historyTable prints one row per run, in the order of h (newest first). Wide adds what the run said.
func (u *ui) historyTable(h status.History, wide bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(h.Items) == 0 {
		fmt.Fprintf(u.Err, "No runs of %s are recorded.\n", u.clean(h.App))
		return
	}
	t := &table{columns: []column{
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
		commit := u.causeText(run)
		if commit == "" && !wide { // it failed before the commit was read
			commit = firstLine(run.Message)
		}
		t.add(cell{text: strconv.Itoa(run.ID)}, cell{text: run.Revision.Short()}, word(run.Result),
			cell{text: countsBrief(run.Counts)}, cell{text: string(run.Cause)}, cell{text: u.age(run.Time)},
			cell{text: took(run.Duration.Duration)}, cell{text: commit},
			cell{text: firstLine(run.Message)})
	}
	u.print(t, wide)
}

// rollbackHints says how to undo what made a run necessary: with git, and with the action, which also keeps the version from
// coming back. Where these commits are not known, it says why, and how to find them below the path of the app.
func (u *ui) rollbackHints(run report.Run, path string) {
	commits := run.Commits
	if len(commits) == 0 && run.Unclear == "" { // of an earlier version
		commits = []report.Revision{run.Revision}
	}
	if len(commits) == 0 {
		u.hint("which commit to undo is not known: %s", run.Unclear)
		u.hint("`git log -- %s` in the config repository tells; to undo one, run `git revert COMMIT` and push", u.clean(path))
		return
	}
	var short []string
	for _, c := range commits {
		short = append(short, report.Revision{Commit: c.Commit}.Short())
	}
	u.hint("to undo the last change, run `git revert %s` in the config repository and push", strings.Join(short, " "))
	u.hint("on GitHub, the action does it in a pull request, for a merge commit too: its inputs are `operation: rollback` and `commit: %s`", u.clean(commits[0].Commit))
}

// causeText is the commit that made a run necessary: the newest of those that touch the app, if it is not the one that the
// run was about.
func (u *ui) causeText(run report.Run) string {
	switch {
	case len(run.Commits) == 0 && run.Unclear != "" && run.Unclear != report.UnclearFirst:
		return "not known: " + firstLine(run.Unclear)
	case len(run.Commits) == 0:
		return u.commitText(run.Revision)
	}
	text := u.commitText(run.Commits[0])
	if run.Commits[0].Commit != run.Revision.Commit {
		text = report.Revision{Commit: run.Commits[0].Commit}.Short() + " " + text
	}
	if more := len(run.Commits) - 1; more > 0 {
		text += fmt.Sprintf(" (and %d more)", more)
	}
	return text
}

// countsBrief is "+created ~changed -pruned !failed", without what is zero. A reverted object counts as changed.
func countsBrief(c report.Counts) string {
	var parts []string
	for _, part := range []struct {
		sign string
		n    int
	}{{"+", c.Created}, {"~", c.Configured + c.Reverted}, {"-", c.Pruned}, {"!", c.Failed}} {
		if part.n > 0 {
			parts = append(parts, part.sign+strconv.Itoa(part.n))
		}
	}
	return strings.Join(parts, " ")
}

func (u *ui) commitText(r report.Revision) string {
	subject := firstLine(r.Subject)
	if subject == "" || r.Author == "" {
		return subject + r.Author
	}
	return subject + " " + u.dash() + " " + r.Author
}
