package pass

import (
	"fmt"
	"strings"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// Later runs without flags use the recorded source: repository, ref, path, and the flags of a single app. A run that succeeds
// records its source. Until one has, each run does, since it may have written something.

// keepsSource reports whether the record has a source with which a run succeeded: only a success replaces that one.
func (p ending) keepsSource() bool {
	return p.Listed.IsOwn() && p.Record.List == "" && p.Record.Source.Repo != "" && p.Record.Revision.Commit != "" && !p.Record.Unproven
}

// noteSource writes source and settings into the record. Without a gitops.yaml they are unproven until a run succeeds.
func (p ending) noteSource() { p.Record.NoteSource(p.Report.Source, p.settings(), !p.Listed.IsOwn()) }

// rememberSource records the source of a run that succeeded.
func (p ending) rememberSource() {
	switch {
	case !p.Listed.IsOwn() || p.Opts.Only != nil || p.Opts.DryRun || p.Record == nil || p.Record.Inventory == nil:
		return
	case !p.Record.Unproven && p.Record.Source == p.Report.Source && p.Record.Target == p.App.Namespace && p.Record.PlainSecrets == p.App.AllowPlainSecrets:
		return
	}
	p.Record.NoteSource(p.Report.Source, p.settings(), true)
	if p.Record.Revision.Commit == p.Revision.Commit {
		p.Record.NoteRef(p.Revision.Ref)
	}
	p.moved = true
}

// Under returns a recorded revision under the ref that this run was given. was is the ref of the record, now that of the run.
func Under(rev report.Revision, was, now string) report.Revision {
	if was != now {
		rev.Ref = ShortRef(now)
	}
	return rev
}

// warnForgotten warns, after a run that failed, that later runs use another source.
func (p ending) warnForgotten() {
	if p.Record == nil || p.Record.Inventory == nil || p.Opts.Loop || p.Opts.DryRun || !p.Listed.IsOwn() || !p.keepsSource() {
		return
	}
	WarnForgotten(p.Say, p.Record.Source, p.Report.Source)
}

// WarnForgotten warns with say if the source was, which later runs without flags use, is not the source now.
func WarnForgotten(say func(report.EventKind, string, ...any), was, now report.Source) {
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

// SameRef reports whether two refs are the same, with or without refs/heads/ and refs/tags/. "" and HEAD are the default
// branch; resolved is the branch that the given ref turned out to be.
func SameRef(given, known, resolved string) bool {
	given, known = ShortRef(given), ShortRef(known)
	return given == known || given == "" && resolved == known
}

// ShortRef returns the name of a branch or tag without refs/heads/ or refs/tags/, "" for HEAD.
func ShortRef(ref string) string {
	if ref == "HEAD" {
		return ""
	}
	for _, prefix := range []string{"refs/heads/", "refs/tags/"} {
		ref = strings.TrimPrefix(ref, prefix)
	}
	return ref
}
