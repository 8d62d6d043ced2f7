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

// noteCommits adds to a run of the history the commits since the last run that touch what the app is rendered from. Otherwise
// Unclear says why they are not known. Git is not asked when the new commit directly follows the last one.
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

// touching returns the commits of noteCommits, or why they are not known.
func (p ending) touching(ctx context.Context) ([]report.Revision, string) {
	was, tip, paths := p.Was, p.Tip, p.InputPaths()
	switch {
	case tip.Commit != p.Commit: // the checkout could not be opened
		return nil, ""
	case was.Commit == "" && tip.Parent == "" && !tip.Merge:
		return []report.Revision{p.Revision}, "" // the repository has no other commit
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

// InputPaths returns the files that the app was and is rendered from, sorted, and its gitops.yaml if the settings changed
// there. Where the inputs are not known, it returns the directory of the app.
func (p ending) InputPaths() []string {
	var paths []string
	for _, in := range []*record.Inputs{p.Was.inputs, p.Built.Inputs} {
		if in == nil {
			for _, dir := range p.App.Directories() {
				paths = append(paths, path.Clean(dir))
			}
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

// commitsWithin is how long saving a record may wait for Git to list commits.
const commitsWithin = 15 * time.Second

// CommitsBetween returns the commits after from, up to to, that touch one of the paths. It takes at most 15 seconds.
func (e *Env) CommitsBetween(ctx context.Context, from, to string, paths []string) ([]source.Commit, error) {
	ctx, cancel := context.WithTimeout(ctx, commitsWithin)
	defer cancel()
	return e.Source.Commits(ctx, from, to, paths...)
}
