package action

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// pulls sorts the open pull requests by what they are to this operation.
type pulls struct {
	current    *pullRequest  // ours, to be updated in place
	superseded []pullRequest // ours, on a branch of another name
	foreign    []pullRequest // about the same, but with somebody else's commits
	taken      []string      // branch names that are not ours to use
}

// sort finds our pull requests by head branch and hidden marker. Pull requests from forks are never
// ours: anybody could write the marker there.
func (r *run) sort(ctx context.Context, st *state) (pulls, error) {
	var out pulls
	for _, p := range st.pulls {
		if p.IsCrossRepository || p.BaseRefName != st.base.Name {
			continue
		}
		m, _, marked := parseMarker(p.Body)
		same := marked && m.Operation == r.op.name && m.Target == r.op.target
		onBranch := r.isBranch(p.HeadRefName)
		_, ours := editsOf(p.HeadRef)
		if same && !ours {
			var err error
			if ours, err = r.adopt(ctx, st, &p); err != nil {
				return pulls{}, err
			}
		}
		switch {
		case marked && !same || !marked && !onBranch:
			out.taken = append(out.taken, p.HeadRefName)
		case !ours:
			out.foreign = append(out.foreign, p)
			out.taken = append(out.taken, p.HeadRefName)
		case onBranch && out.current == nil:
			out.current = &p
		default:
			out.superseded = append(out.superseded, p)
		}
	}
	return out, nil
}

// isBranch says whether a branch has our name, with or without a number behind it.
func (r *run) isBranch(name string) bool {
	rest, ok := strings.CutPrefix(name, r.wanted)
	if !ok {
		return false
	}
	return rest == "" || strings.HasPrefix(rest, "-") && strings.Trim(rest[1:], "0123456789") == "" && rest != "-"
}

// pullRequest makes the pull request say what the plan says: opened, updated, left alone or closed.
func (r *run) pullRequest(ctx context.Context, st *state, words writing, res Result) (Result, error) {
	found, err := r.sort(ctx, st)
	if err != nil {
		return Result{}, err
	}
	if p := r.carries(found, words); p != nil {
		res.point(*p, "unchanged", fmt.Sprintf("= #%d proposes this already; somebody else has committed to its branch, so it was left alone", p.Number))
		return res, nil
	}
	if head, last := r.newer(st, found, words.plan.Set); head != nil {
		return r.tooLate(ctx, st, found.current, head, last, res)
	}
	if len(words.plan.Files) == 0 {
		return r.nothingLeft(ctx, st, found, words, res)
	}
	if words.waits != "" && !r.showsWaiting(found, words) {
		res.Line = words.plan.waitLine()
		return res, nil
	}
	for _, p := range found.foreign {
		res.Notes = append(res.Notes, fmt.Sprintf("pull request #%d is about the same, but its branch holds commits of somebody else; it was left alone", p.Number))
	}
	branch, head, err := r.place(st, found)
	if err != nil {
		return Result{}, err
	}
	res.Branch = branch
	moved := false
	if res.Commit, res.Verified, moved, err = r.advance(ctx, st, words, branch, head, found.current != nil); err != nil {
		return Result{}, err
	}
	pr, err := r.upsert(ctx, words, found.current, branch, res.Commit, moved, &res)
	if err != nil {
		return Result{}, err
	}
	if err := r.decorate(ctx, pr, &res); err != nil {
		return Result{}, err
	}
	if words.waits != "" {
		res.Line = fmt.Sprintf("%s; #%d is a draft", words.plan.waitLine(), pr.Number)
	} else if err := r.autoMerge(ctx, pr, res.Commit, r.mergeMethod(words.plan), &res); err != nil {
		return Result{}, err
	}
	for _, old := range found.superseded {
		if err := r.client.closePull(ctx, old, fmt.Sprintf("Superseded by #%d.", pr.Number)); err != nil {
			return Result{}, err
		}
		res.Notes = append(res.Notes, fmt.Sprintf("closed #%d, superseded by #%d", old.Number, pr.Number))
	}
	return res, nil
}

// showsWaiting says whether a promotion that waits for its gates has a pull request all the same: when promotion.yaml
// asks for a draft, and when the versions are proposed already and a gate no longer holds.
func (r *run) showsWaiting(found pulls, words writing) bool {
	if words.plan.Promoted.env.Gates.Unmet == "draft" {
		return true
	}
	return found.current != nil && slices.Equal(setOf(found.current.HeadRef), words.plan.Set)
}

// carries finds a pull request with somebody else's commits that proposes the same already.
func (r *run) carries(found pulls, words writing) *pullRequest {
	for _, p := range found.foreign {
		if m, _, _ := parseMarker(p.Body); found.current == nil && len(words.plan.Files) > 0 && slices.Equal(m.last(), words.plan.Set) {
			return &p
		}
	}
	return nil
}

// freshBranch is how long a branch of ours without a pull request counts as a run that is about to open it.
const freshBranch = 10 * time.Minute

// newer is what our branch proposes already, when this request would take that back.
func (r *run) newer(st *state, found pulls, set []string) (*branchHead, []string) {
	head := st.branch
	if found.current != nil {
		head = found.current.HeadRef
	} else if head == nil || r.now().Sub(head.Target.CommittedDate) > freshBranch {
		return nil, nil // what is left of a pull request that was merged or closed says nothing
	}
	last := setOf(head)
	if len(last) == 0 || slices.Equal(last, set) || r.op.older == nil || !r.op.older(r.snap, last) {
		return nil, nil
	}
	return head, last
}

// tooLate leaves a newer proposal as it is. Its pull request is still made to fit: two runs that finish at
// once may have written their texts in the wrong order, and a run may have stopped before opening it.
func (r *run) tooLate(ctx context.Context, st *state, current *pullRequest, head *branchHead, last []string, res Result) (Result, error) {
	op := r.op.again(last)
	plan, err := op.plan(ctx, r.snap)
	if err != nil || len(plan.Files) == 0 {
		res.Line = "= left alone: " + strings.Join(last, ", ") + " is newer"
		return res, err
	}
	words := writing{in: r.in, op: op, base: st.base.Name, plan: plan, hide: r.rep.clean}
	p, err := r.upsert(ctx, words, current, head.Name, head.Target.OID, false, &res)
	if err != nil {
		return Result{}, err
	}
	res.point(p, res.PullOperation, fmt.Sprintf("= #%d proposes something newer already (%s); set allow-downgrade to go back", p.Number, strings.Join(last, ", ")))
	return res, nil
}

func (res *Result) point(p pullRequest, operation, line string) {
	res.Number, res.URL, res.Branch, res.PullOperation, res.Line = p.Number, p.URL, p.HeadRefName, operation, line
}

// nothingLeft closes our pull requests: the base branch has the values already.
func (r *run) nothingLeft(ctx context.Context, st *state, found pulls, words writing, res Result) (Result, error) {
	res.Line = "= already up to date"
	ours := found.superseded
	if found.current != nil {
		ours = append([]pullRequest{*found.current}, ours...)
	}
	for _, p := range ours {
		if err := r.client.closePull(ctx, p, words.nothingLeft()); err != nil {
			return Result{}, err
		}
		res.Changed = true
		res.point(p, "closed", fmt.Sprintf("✓ closed #%d: %s already has this", p.Number, st.base.Name))
		r.wrote = &res
	}
	return res, nil
}

// place chooses the branch and returns its head when it exists and is ours.
func (r *run) place(st *state, found pulls) (string, *branchHead, error) {
	if found.current != nil {
		return found.current.HeadRefName, found.current.HeadRef, nil
	}
	name := r.branch()
	if name == st.base.Name {
		return "", nil, fmt.Errorf("input branch: %q is the base branch itself; use pull-request: false to commit to it", name)
	}
	if slices.Contains(found.taken, name) {
		return "", nil, errNextBranch
	}
	if st.branch == nil {
		return name, nil, nil
	}
	if _, ours := editsOf(st.branch); !ours {
		return "", nil, errNextBranch
	}
	return name, st.branch, nil
}

// advance puts the edits on the branch with a commit on top of what is there. When the base branch has
// moved the commit is a merge, so that the update is a fast forward and never needs force.
func (r *run) advance(ctx context.Context, st *state, words writing, branch string, head *branchHead, open bool) (sha string, verified, moved bool, err error) {
	base, digest := st.base.Target.OID, words.plan.digest()
	if have, ours := editsOf(head); ours && have == digest && (open || head.descendsFrom(base)) {
		return head.Target.OID, false, false, nil
	}
	parents := []string{base}
	if head != nil {
		parents = []string{head.Target.OID}
		if !head.descendsFrom(base) {
			parents = append(parents, base)
		}
	}
	if sha, verified, err = r.commit(ctx, st, words, parents, digest); err != nil {
		return "", false, false, err
	}
	if head == nil {
		err = r.client.createBranch(ctx, branch, sha)
	} else {
		err = r.client.moveBranch(ctx, branch, sha)
	}
	return sha, verified, true, err
}

// upsert opens the pull request, or brings its title and text up to date.
func (r *run) upsert(ctx context.Context, words writing, current *pullRequest, branch, head string, moved bool, res *Result) (pullRequest, error) {
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
	m.Waiting = words.waits != ""
	m.Operation, m.Target, m.Title = words.op.name, words.op.target, words.title()
	m = m.with(step{Set: words.plan.Set, At: r.now().UTC().Format(time.RFC3339), Run: r.in.event.runURL})
	body := words.body(m, res.Notes[len(words.plan.Notes):]) + "\n" + r.rep.clean(m.String()) + "\n"
	if below != "" {
		body += "\n" + below + "\n"
	}
	if current == nil {
		pr, err := r.client.openPull(ctx, branch, words.base, title, body, r.in.Draft || m.Waiting)
		if err != nil {
			return pullRequest{}, err
		}
		res.Changed = true
		if pr.author == "github-actions[bot]" {
			res.Notes = append(res.Notes, "opened with github.token: workflows on this pull request wait for somebody to press Approve workflows to run; a GitHub App token avoids that")
		}
		res.point(pr, "created", fmt.Sprintf("✓ opened #%d: %s", pr.Number, title))
		r.remember(res)
		return pr, nil
	}
	pr := *current
	if err := r.setDraft(ctx, &pr, wasWaiting, m.Waiting); err != nil {
		return pullRequest{}, err
	}
	res.point(pr, "unchanged", fmt.Sprintf("= #%d is up to date", pr.Number))
	if moved || pr.Title != title || !sameText(pr.Body, body) {
		if err := r.client.editPull(ctx, pr, head, title, body); err != nil {
			return pullRequest{}, err
		}
		res.Changed = true
		res.point(pr, "updated", fmt.Sprintf("✓ updated #%d: %s", pr.Number, title))
		r.remember(res)
	}
	return pr, nil
}

// setDraft makes a pull request a draft while its gates do not hold. Only a draft that a run made is made ready again:
// a person's draft stays one.
func (r *run) setDraft(ctx context.Context, pr *pullRequest, was, waiting bool) error {
	switch {
	case waiting && !pr.IsDraft:
		pr.IsDraft = true
		return r.client.markDraft(ctx, pr.ID)
	case was && !waiting && pr.IsDraft && !r.in.Draft:
		pr.IsDraft = false
		return r.client.markReady(ctx, pr.ID)
	}
	return nil
}

func (r *run) remember(res *Result) {
	copied := *res
	r.wrote = &copied
}

// sameText compares texts as GitHub keeps them: line ends and outer blanks do not count.
func sameText(a, b string) bool {
	norm := func(s string) string { return strings.TrimSpace(strings.ReplaceAll(s, "\r\n", "\n")) }
	return norm(a) == norm(b)
}

// decorate adds labels, assignees and reviewers. The pull request is there whatever happens to them, so a
// name that GitHub refuses is a warning.
func (r *run) decorate(ctx context.Context, pr pullRequest, res *Result) error {
	labels, assignees := missing(r.in.Labels, pr.Labels.list()), missing(r.in.Assignees, pr.Assignees.list())
	var steps []func() error
	both := pr.opened && len(labels) > 0 && len(assignees) > 0
	if both {
		steps = append(steps, func() error { return r.client.setLabelsAndAssignees(ctx, pr.Number, labels, assignees) })
	}
	if len(labels) > 0 && !both {
		steps = append(steps, func() error { return r.client.addLabels(ctx, pr.Number, labels) })
	}
	if len(assignees) > 0 && !both {
		steps = append(steps, func() error { return r.client.addAssignees(ctx, pr.Number, assignees) })
	}
	// Who has reviewed is no longer requested: asking again would undo the review.
	if len(r.in.Reviewers)+len(r.in.TeamReviewers) > 0 && pr.ReviewRequests.TotalCount+pr.LatestReviews.TotalCount == 0 {
		steps = append(steps, func() error {
			return r.client.requestReviewers(ctx, pr.Number, r.in.Reviewers, r.in.TeamReviewers)
		})
	}
	for _, do := range steps {
		if err := r.settle(ctx, do); err != nil {
			a, ok := answered(err)
			if !ok || a.status >= 500 {
				return err
			}
			note := err.Error()
			if len(r.in.TeamReviewers) > 0 && a.says("could not resolve to a node") {
				note += " (teams need a GitHub App token with members: read; github.token cannot request them)"
			}
			res.Notes = append(res.Notes, note)
		}
	}
	return nil
}

// settle repeats a request that GitHub refuses because it does not see the new pull request everywhere yet.
func (r *run) settle(ctx context.Context, do func() error) error {
	for try := 1; ; try++ {
		err := do()
		a, ok := answered(err)
		if !ok || a.status != http.StatusUnprocessableEntity || !a.says("could not resolve to a node") || try == 3 {
			return err
		}
		if sleepErr := r.sleep(ctx, backoff(try, time.Second)); sleepErr != nil {
			return errors.Join(err, sleepErr)
		}
	}
}

func missing(want, have []string) []string {
	var out []string
	for _, w := range want {
		if !slices.ContainsFunc(have, func(h string) bool { return strings.EqualFold(h, w) }) {
			out = append(out, w)
		}
	}
	return out
}
