package reconcile

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// A source (repository, ref, path and the flags of a single app) is what later runs use that name none. It is remembered
// when a run with it succeeded. While no run has succeeded yet, the last one is remembered: it may have written something.

// keepsSource tells whether the record names a source that a run succeeded with, so that this one has to succeed first. A
// list remembers the source of its apps; one that leaves its list remembers at once that it is on its own.
func (p ending) keepsSource() bool {
	return p.listed == nil && p.rec.List == "" && p.rec.Source.Repo != "" && p.rec.Revision.Commit != "" && !p.rec.Unproven
}

// noteSource puts the source and the settings of the app into its record. An app on its own is to prove them.
func (p ending) noteSource() {
	p.rec.Source, p.rec.Unproven = p.Report.Source, p.listed == nil
	p.noteSettings()
}

// rememberSource notes the source of a run that succeeded.
func (p ending) rememberSource() {
	switch {
	case p.listed != nil || p.opts.drift != nil || p.opts.DryRun || p.rec == nil || p.rec.Inventory == nil:
		return
	case !p.rec.Unproven && p.rec.Source == p.Report.Source && p.rec.Target == p.app.Namespace && p.rec.PlainSecrets == p.app.AllowPlainSecrets:
		return
	}
	p.noteSource()
	p.rec.Unproven = false
	if p.rec.Revision.Commit == p.revision.Commit {
		p.rec.Revision.Ref = p.revision.Ref
	}
	p.moved = true
}

// under is a recorded revision as a run names it that is about another ref than the record.
func under(rev report.Revision, was, now string) report.Revision {
	if was != now {
		rev.Ref = shortRef(now)
	}
	return rev
}

// warnForgotten says, after a run that failed, that later runs use another source.
func (p ending) warnForgotten() {
	if p.rec == nil || p.rec.Inventory == nil || p.opts.Loop || p.opts.DryRun || p.listed != nil || !p.keepsSource() {
		return
	}
	warnForgotten(p.Say, p.rec.Source, p.Report.Source)
}

func warnForgotten(say func(report.EventKind, string, ...any), was, now report.Source) {
	var differ []string
	for _, f := range []struct{ name, was, now string }{{"--repo", was.Repo, now.Repo}, {"--ref", was.Ref, now.Ref}, {"--path", was.Path, now.Path}} {
		if f.was == f.now {
			continue
		}
		if f.was == "" {
			f.was = "the default"
		}
		differ = append(differ, fmt.Sprintf("%s (%s)", f.name, f.was))
	}
	if len(differ) > 0 {
		say(report.Warning, "this run did not succeed, so later runs without flags use the source of the last one that did: %s", strings.Join(differ, ", "))
	}
}

// noteListSource puts the source of the run into the list of apps that is to be saved. why is what failed, nil when the
// run succeeded.
func (rd *round) noteListSource(list *record.AppList, why error) {
	switch {
	case list.Source.Repo == "" || list.Unproven:
		list.Source, list.Unproven = rd.fullSource(), why != nil
	case why == nil && len(rd.target.Only) == 0:
		list.Source = rd.fullSource()
	case why != nil && !rd.opts.Loop:
		warnForgotten(func(kind report.EventKind, format string, args ...any) { rd.tell(kind, "", format, args...) }, list.Source, rd.fullSource())
	}
}

// fullSource names the gitops.yaml of this run.
func (rd *round) fullSource() report.Source {
	s := rd.from()
	s.Ref = rd.From.Ref
	return s
}

// failures joins what failed of the apps of this run.
func (rd *round) failures() error {
	for _, p := range rd.passes {
		if p.failure != nil && (!p.listed.aside || p.listed.suspended) {
			return p.failure
		}
	}
	return nil
}

// worthSaving tells whether a first run over a gitops.yaml, which failed, has to be remembered: it left something in the
// cluster, or the instance has no other source that its failure could be kept from.
func (rd *round) worthSaving() bool {
	if slices.ContainsFunc(rd.passes, func(p *pass) bool { return p.rec != nil && rd.lists(p.rec) && len(p.rec.Rows) > 0 }) {
		return true
	}
	others := len(rd.Records.AppLists()) > 0
	for _, rec := range rd.records {
		others = others || rec.Inventory != nil && rec.Source.Repo != "" && !rd.lists(rec)
	}
	return !others
}

// movesOthers refuses a run over some apps of a list at another ref than the list is at: the list has one ref, so the
// next run over all apps would bring these back, or move the others along. A dry run may compare.
func (rd *round) movesOthers() error {
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

func (rd *round) allAt() string {
	at := fmt.Sprintf("the gitops.yaml in %s has one ref for all of its apps", rd.target.App.Path)
	if rd.list.Source.Ref == "" {
		return at + ", the repository's HEAD"
	}
	return at + ", " + rd.list.Source.Ref
}

// refText is a ref as --ref takes it.
func refText(ref string) string {
	if ref == "" {
		return "HEAD"
	}
	return ref
}

// sameRef tells whether the run is about the ref that the list remembers, under whatever name.
func (rd *round) sameRef() bool { return sameRef(rd.From.Ref, rd.list.Source.Ref, rd.revision.Ref) }

// sameRef tells whether a ref as given is the known one. resolved is the branch that the given one turned out to be.
func sameRef(given, known, resolved string) bool {
	given, known = shortRef(given), shortRef(known)
	return given == known || given == "" && resolved == known
}

// shortRef is the name of a branch or tag, "" for HEAD.
func shortRef(ref string) string {
	if ref == "HEAD" {
		return ""
	}
	for _, prefix := range []string{"refs/heads/", "refs/tags/"} {
		ref = strings.TrimPrefix(ref, prefix)
	}
	return ref
}
