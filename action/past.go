package action

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/kubectl-gitops/kubectl-gitops/action/internal/display"
	"github.com/kubectl-gitops/kubectl-gitops/action/internal/github"
	"github.com/kubectl-gitops/kubectl-gitops/bumper"
)

// Earlier pull requests from the same branch matter twice. A branch that one of them left behind may be used again. What somebody
// closed is not proposed again.

// leftBehind says whether a branch is where a merged or closed pull request left it.
func leftBehind(st *github.State, head *github.Branch) bool {
	return slices.ContainsFunc(st.Past, func(p github.PastPull) bool { return !p.IsCrossRepository && p.HeadRefOid == head.Target.OID })
}

// declined finds the newest pull request that proposed all of what the plan changes, when somebody closed it without
// merging it. It returns nil when there is none, and when the action closed it itself.
func declined(st *github.State, op operation, plan Plan, tooLateFor []int) *github.PastPull {
	for _, p := range st.Past { // newest first
		m, _, marked := parseMarker(p.Body)
		if p.IsCrossRepository || p.BaseRefName != st.Base.Name || !marked || m.Operation != op.name || m.Target != op.target || !plan.within(m.last()) {
			continue
		}
		if p.Merged || m.Closed == p.HeadRefOid || slices.Contains(tooLateFor, p.Number) {
			return nil
		}
		return &p
	}
	return nil
}

// within says whether an earlier request (its set) asked for everything that the plan changes.
func (p Plan) within(earlier []string) bool {
	if slices.Equal(earlier, p.Set) {
		return true
	}
	for _, e := range p.Edits {
		if !slices.ContainsFunc(earlier, func(line string) bool { return asksFor(line, e) }) {
			return false
		}
	}
	return len(p.Edits) > 0
}

// close says why, leaves a mark by which the next run knows who closed it, and deletes the branch, which closes the pull
// request.
func (r *run) close(ctx context.Context, p github.PullRequest, comment string) error {
	if m, _, ok := parseMarker(p.Body); ok && m.Closed != p.HeadRef.Target.OID {
		m.Closed = p.HeadRef.Target.OID
		if err := r.client.Pulls.EditBody(ctx, p.Number, withMarker(p.Body, m)); err != nil {
			return err
		}
	}
	return r.client.Pulls.Close(ctx, p, comment)
}

// errNothingThere means that nothing is left of the change that is to be rolled back.
var errNothingThere = errors.New("nothing of the change is left")

// overtaken is for a plan that failed because the base branch has moved past it. A pull request of ours that proposes
// just that cannot be merged any more, so it is closed with the reason. It returns the error as it is when there is none.
func (r *run) overtaken(ctx context.Context, st *github.State, set []string, cause error) (Result, error) {
	why, whole := r.overtaking(ctx, cause, st.Base.Name, set)
	if why == "" || len(set) == 0 {
		return Result{}, cause
	}
	found, err := r.sort(ctx, st)
	if err != nil {
		return Result{}, cause
	}
	ours := found.superseded
	if found.current != nil {
		ours = append([]github.PullRequest{*found.current}, ours...)
	}
	res := Result{PullOperation: "none"}
	for _, p := range ours {
		if !slices.Equal(r.proofs.setOf(p.HeadRef), set) {
			continue
		}
		if err := r.close(ctx, p, r.rep.clean("Nothing is left to merge: "+display.Plain(why)+".")); err != nil {
			return Result{}, err
		}
		res.Changed = true
		res.point(p.PullRef, "closed", fmt.Sprintf("✓ closed #%d: %s", p.Number, why))
		r.remember(&res)
	}
	if !res.Changed || !whole {
		return Result{}, cause
	}
	return res, nil
}

// overtaking says in which way the base branch has moved past a request, and whether it did so with the whole of it:
// then all that was asked for has been answered, else the request stays an error.
func (r *run) overtaking(ctx context.Context, err error, base string, set []string) (why string, whole bool) {
	var older *bumper.DowngradeError
	var missing *bumper.NotFoundError
	switch {
	case errors.As(err, &missing):
		return fmt.Sprintf("%s does not name %s any more", base, missing.Image), false
	case errors.Is(err, errNothingThere):
		return err.Error(), false
	case !errors.As(err, &older):
		return "", false
	}
	var list []string
	for _, e := range older.Edits {
		text := fmt.Sprintf("%s %s, which is newer than %s", display.ShortName(e.Before.Name), display.Version(e.Before), display.Version(e.After))
		if !slices.Contains(list, text) {
			list = append(list, text)
		}
	}
	all, err := r.op.again(set).plan(ctx, r.snap)
	return base + " has " + strings.Join(list, ", "), err == nil && len(all.Edits) == len(older.Edits)
}
