package pass

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/plan"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/preflight"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/wait"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record/store"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// saveResult saves record, report and history if this pass has something new. A pass of an app that is up to date saves
// nothing, and neither does one that fails like the one before.
func (p ending) saveResult(upToDate bool, failure error) error {
	if p.Opts.DryRun || p.Record == nil || p.Record.Inventory == nil || errors.Is(failure, store.ErrBusy) {
		return nil
	}
	if p.Listed != nil && p.Listed.State == Skipped {
		return nil // the list of apps tells it
	}
	neverApplied := p.Record.Len() == 0 && p.Record.Due != record.HooksDelete
	if neverApplied && p.Listed.IsOwn() && errors.As(failure, new(*preflight.OwnedError)) { // so that status says who has its objects
		p.Record.NoteSource(p.Report.Source, p.settings(), !p.Record.Unproven)
		return p.save(p.ctx, p.Report.Result, p.Report.Message, false)
	}
	if neverApplied && failure != nil {
		p.Report.Unrecorded = !errors.Is(failure, wait.ErrInterrupted)
		return nil // nothing of this app is in the cluster: no record either
	}
	if errors.Is(failure, wait.ErrInterrupted) && p.Report.Counts.Changed() == 0 && len(p.Exec.Failed) == 0 {
		return nil // nothing changed, and the next run starts where this one did
	}
	allHealthy := (failure == nil || p.withheldCommit) && (p.Opts.Only == nil || p.Record.AllHealthy) && p.AllHealthy()
	if upToDate && allHealthy == p.Record.AllHealthy && failure == nil && !p.Live.IsRewound() && !p.Exec.Remarked && !p.moved && !p.renamed && !p.drift.changed {
		return nil
	}
	ctx, cancel := wait.Lingering(p.ctx, wait.SaveGrace)
	defer cancel()
	if failure != nil && len(p.Exec.Failed) > 0 {
		p.Record.MarkPending()
	}
	if upToDate && !p.Listed.IsOwn() && failure == nil {
		p.Record.NoteRevision(p.Revision) // it would not be worth a write of its own
	}
	return p.save(ctx, p.Report.Result, p.Report.Message, allHealthy)
}

// complete marks the record as holding all of this commit. A pass that only reverts drift changes no commit in the record.
func (p writing) complete() {
	if p.Listed.revertsOnly() {
		p.Record.Reverted(p.Listed.RevertOnly.pending, p.Listed.RevertOnly.inputs)
		return
	}
	done := record.Completion{Revision: p.Revision, Config: p.Config, Tool: p.Tool, Health: p.App.Health, Deferred: p.deferred}
	if p.Record.Revision.Commit != p.Revision.Commit || len(p.Plan.Steps) > p.Exec.Postponed {
		done.Applied = p.Started.UTC().Truncate(time.Second)
	}
	if !p.Ending().keepsSource() {
		p.Ending().noteSource()
	}
	p.Record.Complete(done)
	p.Ending().noteInputs()
}

// save writes the inventory, the report and, if the run is news, the history.
func (p ending) save(ctx context.Context, result report.Result, message string, allHealthy bool) error {
	p.Record.NoteHealth(allHealthy)
	if !p.Record.HasParent() {
		if _, err := p.Records.LoadParent(ctx, p.Record, p.App.Name); err != nil {
			return err
		}
	}
	p.countHealth()
	run := report.Run{Revision: p.Revision, Result: result, Cause: p.Report.Cause, Time: p.Started.UTC().Truncate(time.Second),
		Duration: metav1.Duration{Duration: p.Now().Sub(p.Started).Round(time.Millisecond)},
		Counts:   p.Report.Counts, Message: message, Changes: p.ChangeLines()}
	history, news := p.pushRun(ctx, run)
	if !news && !p.Record.Unsaved() {
		return nil
	}
	last := run
	if len(history) > 0 {
		last = history[0]
	}
	p.Report.News = p.pushed
	p.Record.NoteRun(&report.Summary{Name: p.App.Name, Source: p.Report.Source, List: p.Record.List, Revision: p.Record.Revision, Seen: p.seen(),
		Sync: syncOf(result, run.Counts), Health: p.Report.Objects.Worst(), Message: message, Objects: p.Report.Objects, LastRun: last}, history)
	return p.Records.Save(ctx, p.Record)
}

// pushRun adds run to the history if it is news: it changed an object, failed in a new way, ended a failure, or found a change
// of Git that an interrupted run applied. The second save of a pass replaces the entry of the first.
func (p ending) pushRun(ctx context.Context, run report.Run) ([]report.Run, bool) {
	history := p.Record.History
	if p.pushed {
		run.ID = history[0].ID
		p.noteCommits(ctx, &run)
		return append([]report.Run{run}, history[1:]...), true
	}
	recovered := len(history) > 0 && history[0].Result == report.ResultFailed
	if run.Result != report.ResultFailed && run.Counts.Changed() == 0 && !recovered && !p.gitChanged() && !p.drift.more {
		return history, false
	}
	if history, p.pushed = report.Push(history, run); p.pushed {
		p.noteCommits(ctx, &history[0])
	}
	return history, p.pushed
}

// gitChanged reports whether the plan has a change from Git that the record does not have.
func (p ending) gitChanged() bool {
	return p.Plan != nil && (len(p.Plan.Prunes) > 0 || slices.ContainsFunc(p.Plan.Steps, func(s *plan.Step) bool { return s.Changed }))
}

func syncOf(result report.Result, counts report.Counts) report.Sync {
	switch {
	case result == report.ResultFailed:
		return report.SyncFailed
	case counts.Drifted > 0:
		return report.SyncDrifted
	}
	return report.Synced
}

// ChangeLines returns one line for each change of the report, at most report.MaxChanges; the last line then counts the rest.
func (p ending) ChangeLines() []string {
	var lines []string
	for _, c := range p.Report.Changes {
		if c.Action == report.Unchanged {
			continue
		}
		if len(lines) == report.MaxChanges {
			lines = append(lines[:report.MaxChanges-1], fmt.Sprintf("and %d more", len(p.Report.Changes)-report.MaxChanges+1))
			break
		}
		lines = append(lines, c.Short+" "+string(c.Action))
	}
	return lines
}

// secretsInPlay returns the desired and live Secrets, whose values must not appear in any text.
func (p reading) secretsInPlay() []*unstructured.Unstructured {
	var out []*unstructured.Unstructured
	for _, o := range slices.Concat(p.Desired, p.Hooks.List) {
		if o.Group == "" && o.Ref.Kind.Kind == "Secret" {
			out = append(out, o.Manifest)
			if live, whole := p.Live.Object(o.Key()).(*unstructured.Unstructured); whole {
				out = append(out, live)
			}
		}
	}
	return out
}
