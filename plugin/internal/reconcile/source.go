package reconcile

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/pass"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// noteListSource writes the source of the run into the list of apps before it is saved. why is what failed, nil when the run
// succeeded.
func (r concluding) noteListSource(list *record.AppList, why error) {
	switch {
	case list.Source.Repo == "" || list.Unproven:
		list.NoteSource(r.finding().fullSource(), why == nil)
	case why == nil && len(r.target.Only) == 0:
		list.NoteSource(r.finding().fullSource(), true)
	case why != nil && !r.opts.Loop:
		pass.WarnForgotten(func(kind report.EventKind, format string, args ...any) { r.tell(kind, "", format, args...) }, list.Source, r.finding().fullSource())
	}
}

// fullSource returns the source of the gitops.yaml of this run.
func (r finding) fullSource() report.Source {
	s := r.from()
	s.Ref = r.From.Ref
	return s
}

// failures returns the first error of the selected apps of this run.
func (r concluding) failures() error {
	for _, p := range r.passes {
		if p.Failure != nil && (!p.Listed.NotSelected || p.Listed.Suspended) {
			return p.Failure
		}
	}
	return nil
}

// worthSaving reports whether the list is saved although the first run over a gitops.yaml failed. It is, if the run left
// something in the cluster, or if the instance has no other source.
func (r concluding) worthSaving() bool {
	if slices.ContainsFunc(r.passes, func(p *pass.Pass) bool {
		return p.Record != nil && r.finding().lists(p.Record) && p.Record.Len() > 0
	}) {
		return true
	}
	others := len(r.records.Lists) > 0
	for _, rec := range r.records.Apps {
		others = others || rec.Inventory != nil && rec.Source.Repo != "" && !r.finding().lists(rec)
	}
	return !others
}

// movesOthers refuses a run over some apps of a list at another ref than that of the list. A list has one ref: the next run
// over all apps would move these back, or move the others too. A dry run only warns.
func (r finding) movesOthers() error {
	l := r.list
	if len(r.target.Only) == 0 || l == nil || r.sameRef() || l.Revision.Commit == r.commit && len(l.Behind) == 0 {
		return nil
	}
	names := strings.Join(r.target.Only, ", ")
	if r.opts.DryRun {
		r.tell(report.Warning, "", "reconcile refuses --ref %s for %s alone: %s", refText(r.From.Ref), names, r.allAt())
		return nil
	}
	return hint.Errorf(fmt.Sprintf("--ref %s for %s alone: %s", refText(r.From.Ref), names, r.allAt()),
		"leave the names out to move all of them, or --ref to keep them; `kubectl gitops diff %s --ref %s` compares, and another instance (-n NAMESPACE, with --path) can hold one app at another ref",
		strings.Join(r.target.Only, " "), refText(r.From.Ref))
}

func (r finding) allAt() string {
	at := fmt.Sprintf("the gitops.yaml in %s has one ref for all of its apps", r.target.App.Path)
	if r.list.Source.Ref == "" {
		return at + ", the repository's HEAD"
	}
	return at + ", " + r.list.Source.Ref
}

// sameRef reports whether the ref of the run is that of the list, whatever its spelling.
func (r finding) sameRef() bool {
	return pass.SameRef(r.From.Ref, r.list.Source.Ref, r.revision.Ref)
}

// refText returns a ref as --ref takes it.
func refText(ref string) string {
	if ref == "" {
		return "HEAD"
	}
	return ref
}
