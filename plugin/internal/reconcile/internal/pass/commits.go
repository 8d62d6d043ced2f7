package pass

import (
	"context"
	"path"
	"slices"
	"time"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/build"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/source"
)

// maxCommits is how many commits the history keeps of one run.
const maxCommits = 10

// noteCommits fills in which commits made the run necessary: those since the last one that touch what the app is rendered
// from. What cannot be told is said. Nothing is asked of Git where the new commit follows the last one directly.
func (p ending) noteCommits(ctx context.Context, run *report.Run) {
	if run.Cause != report.CauseCommit || p.Listed.revertsOnly() {
		return
	}
	if p.because == nil {
		p.because = &because{}
		p.because.commits, p.because.unclear = p.touching(ctx)
	}
	run.Commits, run.Unclear = p.because.commits, p.because.unclear
}

func (p ending) touching(ctx context.Context) ([]report.Revision, string) {
	was, tip, paths := p.Was, p.Tip, p.InputPaths()
	switch {
	case tip.Commit != p.Commit: // it could not be opened
		return nil, ""
	case was.Commit == "" && tip.Parent == "" && !tip.Merge:
		return []report.Revision{p.Revision}, "" // there is no other
	case was.Commit == "":
		return nil, report.UnclearFirst
	case was.Commit == p.Commit:
		return nil, "the commit had been applied in part"
	case was.inputs != nil && p.Built.Inputs != nil && was.inputs.Digest == p.Built.Inputs.Digest && was.config == p.Config:
		return nil, "no commit since " + report.Revision{Commit: was.Commit}.Short() + " touches what the app is rendered from"
	case tip.Parent == was.Commit:
		return []report.Revision{p.Revision}, ""
	}
	if p.ctx.Err() != nil {
		return nil, "the run was interrupted"
	}
	list := p.Opts.Commits
	if list == nil {
		list = p.CommitsBetween
	}
	commits, err := list(ctx, was.Commit, p.Commit, paths)
	if err != nil {
		return nil, err.Error()
	}
	var touching []report.Revision
	for _, c := range commits {
		if slices.ContainsFunc(c.Touched, func(name string) bool { return slices.Contains(paths, name) }) {
			touching = append(touching, build.RevisionOf(c.Revision))
		}
	}
	if len(touching) == 0 {
		return nil, "no commit since " + report.Revision{Commit: was.Commit}.Short() + " touches what the app is rendered from"
	}
	return touching[:min(len(touching), maxCommits)], ""
}

// InputPaths are what the app was and is rendered from, and its gitops.yaml if that says otherwise of the app now. Where
// the inputs are not known the directory of the app stands for them.
func (p ending) InputPaths() []string {
	var paths []string
	for _, in := range []*record.Inputs{p.Was.inputs, p.Built.Inputs} {
		if in == nil {
			paths = append(paths, path.Clean(p.App.Path))
			continue
		}
		paths = append(paths, in.Paths...)
	}
	if !p.Listed.IsOwn() && (p.Was.config != p.Config || p.Listed.LeftList) {
		paths = append(paths, path.Join(p.Listed.dir, "gitops.yaml"))
	}
	slices.Sort(paths)
	return slices.Compact(paths)
}

// commitsWithin is how long the saving of a record may wait for Git to tell its history.
const commitsWithin = 15 * time.Second

func (r *Env) CommitsBetween(ctx context.Context, from, to string, paths []string) ([]source.Commit, error) {
	ctx, cancel := context.WithTimeout(ctx, commitsWithin)
	defer cancel()
	return r.Source.Commits(ctx, from, to, paths...)
}
