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
func (rd concluding) noteListSource(list *record.AppList, why error) {
	switch {
	case list.Source.Repo == "" || list.Unproven:
		list.NoteSource(rd.finding().fullSource(), why == nil)
	case why == nil && len(rd.target.Only) == 0:
		list.NoteSource(rd.finding().fullSource(), true)
	case why != nil && !rd.opts.Loop:
		pass.WarnForgotten(func(kind report.EventKind, format string, args ...any) { rd.tell(kind, "", format, args...) }, list.Source, rd.finding().fullSource())
	}
}

// fullSource returns the source of the gitops.yaml of this run.
func (rd finding) fullSource() report.Source {
	s := rd.from()
	s.Ref = rd.From.Ref
	return s
}

// failures returns the first error of the selected apps of this run.
func (rd concluding) failures() error {
	for _, p := range rd.passes {
		if p.Failure != nil && (!p.Listed.NotSelected || p.Listed.Suspended) {
			return p.Failure
		}
	}
	return nil
}

// worthSaving reports whether the list is saved although the first run over a gitops.yaml failed. It is, if the run left
// something in the cluster, or if the instance has no other source.
func (rd concluding) worthSaving() bool {
	if slices.ContainsFunc(rd.passes, func(p *pass.Pass) bool {
		return p.Record != nil && rd.finding().lists(p.Record) && p.Record.Len() > 0
	}) {
		return true
	}
	others := len(rd.records.Lists) > 0
	for _, rec := range rd.records.Apps {
		others = others || rec.Inventory != nil && rec.Source.Repo != "" && !rd.finding().lists(rec)
	}
	return !others
}

// movesOthers refuses a run over some apps of a list at another ref than that of the list. A list has one ref: the next run
// over all apps would move these back, or move the others too. A dry run only warns.
func (rd finding) movesOthers() error {
	l := rd.list
	if len(rd.target.Only) == 0 || l == nil || rd.sameRef() || l.Revision.Commit == rd.commit && len(l.Behind) == 0 {
		return nil
	}
	names := strings.Join(rd.target.Only, ", ")
	if rd.opts.DryRun {
		rd.tell(report.Warning, "", "reconcile refuses --ref %s for %s alone: %s", refText(rd.From.Ref), names, rd.allAt())
		return nil
	}
	return hint.Errorf(fmt.Sprintf("--ref %s for %s alone: %s", refText(rd.From.Ref), names, rd.allAt()),
		"leave the names out to move all of them, or --ref to keep them; `kubectl gitops diff %s --ref %s` compares, and another instance (-n NAMESPACE, with --path) can hold one app at another ref",
		strings.Join(rd.target.Only, " "), refText(rd.From.Ref))
}

func (rd finding) allAt() string {
	at := fmt.Sprintf("the gitops.yaml in %s has one ref for all of its apps", rd.target.App.Path)
	if rd.list.Source.Ref == "" {
		return at + ", the repository's HEAD"
	}
	return at + ", " + rd.list.Source.Ref
}

// sameRef reports whether the ref of the run is that of the list, whatever its spelling.
func (rd finding) sameRef() bool {
	return pass.SameRef(rd.From.Ref, rd.list.Source.Ref, rd.revision.Ref)
}

// refText returns a ref as --ref takes it.
func refText(ref string) string {
	if ref == "" {
		return "HEAD"
	}
	return ref
}
