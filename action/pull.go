package action

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/kubectl-gitops/kubectl-gitops/action/internal/display"
	"github.com/kubectl-gitops/kubectl-gitops/action/internal/github"
)

// pullRequest opens, updates or closes the pull request of the plan, or leaves it as it is.
func (r *run) pullRequest(ctx context.Context, st *github.State, words writing, res Result) (Result, error) {
	found, err := r.sort(ctx, st)
	if err != nil {
		return Result{}, err
	}
	if err := r.notOurs(ctx, found, &res); err != nil {
		return Result{}, err
	}
	if p := carries(found, words); p != nil {
		return r.leaveToOthers(ctx, st, *p, res)
	}
	if last, err := r.newer(ctx, st, &found, words.plan.Set); err != nil || last != nil {
		if err != nil {
			return Result{}, err
		}
		return r.tooLate(ctx, st, found, last, res)
	}
	if len(words.plan.Files) == 0 {
		return r.nothingLeft(ctx, st, found, words, res)
	}
	if p := declined(st, r.op, words.plan, r.tooLateFor); p != nil && found.current == nil {
		res.point(p.PullRef, "none", fmt.Sprintf("= #%d proposed this and was closed without a merge, so it is not proposed again; to propose it, reopen #%d", p.Number, p.Number))
		return res, nil
	}
	if words.waits != "" && !r.showsWaiting(found, words) {
		res.Line = words.plan.waitLine()
		return res, nil
	}
	for _, p := range found.foreign {
		res.Notes = append(res.Notes, fmt.Sprintf("pull request #%d is about the same, but its branch contains commits of somebody else, so it was not changed", p.Number))
	}
	return r.propose(ctx, st, found, words, res)
}

// propose brings the branch and its pull request up to date.
func (r *run) propose(ctx context.Context, st *github.State, found pulls, words writing, res Result) (Result, error) {
	at, err := r.place(ctx, st, found)
	if err != nil {
		return Result{}, err
	}
	res.Branch = at.branch
	method := mergeMethod(r.in, words.plan)
	head, err := r.advance(ctx, st, words, at, method)
	if err != nil {
		return Result{}, err
	}
	res.Commit, res.Verified = head.sha, head.verified
	pr, err := r.upsert(ctx, words, found.current, at.branch, head.sha, head.moved, &res)
	if err != nil {
		return Result{}, err
	}
	r.at = res
	names := decorator{r.in, r.client, r.sleep}
	warnings, err := names.add(ctx, pr)
	for _, n := range warnings {
		if !slices.Contains(r.warned, n) {
			r.warned = append(r.warned, n)
		}
	}
	res.Notes = append(res.Notes, warnings...)
	if err != nil {
		return Result{}, err
	}
	if words.waits != "" {
		res.Line = fmt.Sprintf("%s; #%d is a draft", words.plan.waitLine(), pr.Number)
	} else if err := r.merger().merge(ctx, words, pr, head, method, &res); err != nil {
		return Result{}, err
	}
	for _, old := range found.superseded {
		if err := r.close(ctx, old, fmt.Sprintf("Superseded by #%d.", pr.Number)); err != nil {
			return Result{}, err
		}
		res.Notes = append(res.Notes, fmt.Sprintf("closed #%d, superseded by #%d", old.Number, pr.Number))
	}
	return res, nil
}

// notOurs switches auto-merge off where an earlier run switched it on and somebody else has committed since. GitHub would merge what
// they committed.
func (r *run) notOurs(ctx context.Context, found pulls, res *Result) error {
	for _, p := range found.foreign {
		by := p.AutoMergeRequest
		if by == nil || by.EnabledBy == nil || p.Author == nil || !p.ViewerDidAuthor || by.EnabledBy.Login != p.Author.Login {
			continue
		}
		if err := r.client.Pulls.DisableAutoMerge(ctx, p.ID); err != nil {
			return err
		}
		r.warned = append(r.warned, fmt.Sprintf("switched auto-merge of #%d off: its branch contains commits of somebody else", p.Number))
	}
	return nil
}

// showsWaiting says whether a promotion that waits for its gates has a pull request all the same. It has one if promotion.yaml asks
// for a draft, and if the versions are proposed already and a gate no longer holds.
func (r *run) showsWaiting(found pulls, words writing) bool {
	if words.plan.Promoted.env.Gates.Unmet == "draft" {
		return true
	}
	return found.current != nil && slices.Equal(r.proofs.setOf(found.current.HeadRef), words.plan.Set)
}

// leaveToOthers reports a pull request that has somebody else's commits. If it conflicts, a comment asks those people to resolve
// the conflict.
func (r *run) leaveToOthers(ctx context.Context, st *github.State, p github.PullRequest, res Result) (Result, error) {
	res.point(p.PullRef, "unchanged", fmt.Sprintf("= #%d already proposes this; somebody else committed to its branch, so it was not changed", p.Number))
	mergeable, err := r.merger().mergeable(ctx, p)
	if err != nil || mergeable != github.Conflicting {
		return res, err
	}
	res.Notes = append(res.Notes, fmt.Sprintf("#%d conflicts with %s and contains commits of somebody else, who has to resolve the conflict; when somebody closes #%[1]d, a newer version gets its own pull request", p.Number, st.Base.Name))
	return res, r.client.Pulls.CommentOnce(ctx, p.Number, r.rep.clean(fmt.Sprintf("This pull request conflicts with %s. Its branch contains commits that gitops-action did not make, so gitops-action does not overwrite the branch. Please resolve the conflict, or close the pull request.", display.Code(st.Base.Name))))
}

// freshBranch is for how long a branch of ours without a pull request counts as the work of a run that is about to open one.
const freshBranch = 10 * time.Minute

// newer returns what we propose already, on our branch or on one of another name, if this request would go back from it.
func (r *run) newer(ctx context.Context, st *github.State, found *pulls, set []string) ([]string, error) {
	takenBack := func(head *github.Branch) []string {
		last := r.proofs.setOf(head)
		if len(last) == 0 || slices.Equal(last, set) || r.op.older == nil || !r.op.older(r.snap, last) {
			return nil
		}
		return last
	}
	if found.current != nil {
		return takenBack(found.current.HeadRef), nil
	}
	for i, p := range found.superseded {
		if last := takenBack(p.HeadRef); last != nil {
			found.current = &p
			found.superseded = slices.Delete(found.superseded, i, i+1)
			return last, nil
		}
	}
	if st.Branch == nil || leftBehind(st, st.Branch) || r.now().Sub(st.Branch.Target.CommittedDate) > freshBranch {
		return nil, nil // what is left of a pull request that was merged or closed says nothing
	}
	_, err := r.proofs.prove(ctx, st, st.Branch)
	return takenBack(st.Branch), err
}

// tooLate keeps a newer proposal, and brings its branch and its pull request up to date. That is needed when the base branch has
// moved, when two runs finished at the same time and wrote their texts in the wrong order, and when a run stopped before it opened
// the pull request.
func (r *run) tooLate(ctx context.Context, st *github.State, found pulls, last []string, res Result) (Result, error) {
	op := r.op.again(last)
	plan, err := op.plan(ctx, r.snap)
	if err != nil || len(plan.Files) == 0 {
		res.Line = "= not changed: " + strings.Join(last, ", ") + " is newer"
		return res, err
	}
	words := writing{in: r.in, op: op, base: st.Base.Name, plan: plan, hide: r.rep.clean}
	at, err := r.place(ctx, st, found)
	if err != nil {
		return Result{}, err
	}
	head, err := r.advance(ctx, st, words, at, "")
	if err != nil {
		return Result{}, err
	}
	p, err := r.upsert(ctx, words, found.current, at.branch, head.sha, head.moved, &res)
	if err != nil {
		return Result{}, err
	}
	res.point(p.PullRef, res.PullOperation, fmt.Sprintf("= #%d already proposes something newer (%s); set allow-downgrade to go back", p.Number, strings.Join(last, ", ")))
	return res, nil
}

// nothingLeft closes our pull requests: the base branch has the values already.
func (r *run) nothingLeft(ctx context.Context, st *github.State, found pulls, words writing, res Result) (Result, error) {
	res.Line = "= already up to date"
	ours := found.superseded
	if found.current != nil {
		ours = append([]github.PullRequest{*found.current}, ours...)
	}
	for _, p := range ours {
		if err := r.close(ctx, p, words.nothingLeft(r.proofs.setOf(p.HeadRef))); err != nil {
			return Result{}, err
		}
		res.Changed = true
		res.point(p.PullRef, "closed", fmt.Sprintf("✓ closed #%d: %s already has this", p.Number, st.Base.Name))
		r.wrote = &res
	}
	return res, nil
}

// upsert opens the pull request, or brings its title and text up to date.
func (r *run) upsert(ctx context.Context, words writing, current *github.PullRequest, branch, head string, moved bool, res *Result) (github.PullRequest, error) {
	var m marker
	below, title := "", words.title()
	if current != nil {
		old, text, marked := parseMarker(current.Body)
		m, below = old, text
		if marked && old.Title != current.Title {
			title = current.Title // a person's title stays
		}
	}
	wasWaiting := m.Waiting
	m.Waiting, m.Closed = words.waits != "", ""
	m.Operation, m.Target, m.Title = words.op.name, words.op.target, words.title()
	m = m.with(step{Set: words.plan.Set, At: r.now().UTC().Format(time.RFC3339), Run: r.in.event.runURL})
	body := words.body(m, res.Notes[len(words.plan.Notes):]) + "\n" + r.rep.clean(m.String()) + "\n"
	if below != "" {
		body += "\n" + below + "\n"
	}
	if current == nil {
		pr, err := r.client.Pulls.Open(ctx, branch, words.base, title, body, r.in.Draft || m.Waiting)
		if err != nil {
			return github.PullRequest{}, err
		}
		res.Changed = true
		if pr.Author != nil && pr.Author.Login == "github-actions[bot]" {
			res.Notes = append(res.Notes, "opened with github.token: workflows of this pull request wait until somebody presses Approve workflows to run; a GitHub App token avoids that")
		}
		r.opened = pr.Number
		res.point(pr.PullRef, "created", fmt.Sprintf("✓ opened #%d: %s", pr.Number, title))
		r.remember(res)
		return pr, nil
	}
	pr := *current
	if err := r.setDraft(ctx, &pr, wasWaiting, m.Waiting); err != nil {
		return github.PullRequest{}, err
	}
	res.point(pr.PullRef, "unchanged", fmt.Sprintf("= #%d is up to date", pr.Number))
	if moved || pr.Title != title || !sameText(pr.Body, body) {
		if err := r.client.Pulls.Edit(ctx, pr, head, title, body); err != nil {
			if errors.Is(err, github.ErrClosed) {
				r.tooLateFor = append(r.tooLateFor, pr.Number)
			}
			return github.PullRequest{}, err
		}
		res.Changed = true
		if res.point(pr.PullRef, "updated", fmt.Sprintf("✓ updated #%d: %s", pr.Number, title)); r.opened == pr.Number {
			res.point(pr.PullRef, "created", fmt.Sprintf("✓ opened #%d: %s", pr.Number, title))
		}
		r.remember(res)
	}
	return pr, nil
}

// setDraft makes a pull request a draft while its gates do not hold. It makes only such a draft ready again; a draft that a person
// made stays a draft.
func (r *run) setDraft(ctx context.Context, pr *github.PullRequest, was, waiting bool) error {
	switch {
	case waiting && !pr.IsDraft:
		pr.IsDraft = true
		return r.client.Pulls.MarkDraft(ctx, pr.ID)
	case was && !waiting && pr.IsDraft && !r.in.Draft:
		pr.IsDraft = false
		return r.client.Pulls.MarkReady(ctx, pr.ID)
	}
	return nil
}

func (r *run) remember(res *Result) {
	copied := *res
	r.wrote = &copied
}

// sameText compares two texts. GitHub changes line ends and outer blanks, so they do not count.
func sameText(a, b string) bool {
	norm := func(s string) string { return strings.TrimSpace(strings.ReplaceAll(s, "\r\n", "\n")) }
	return norm(a) == norm(b)
}

func (r *run) merger() merger { return merger{r.client, r.sleep} }
