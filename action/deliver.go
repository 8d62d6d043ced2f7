package action

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/kubectl-gitops/kubectl-gitops/action/internal/display"
	"github.com/kubectl-gitops/kubectl-gitops/action/internal/github"
)

// Bounds of the delivery loop. Forty lost races in a row take several minutes.
const (
	maxRaces     = 40
	maxLost      = 4 // answers to writes, in one run
	raceBackoff  = 200 * time.Millisecond
	maxBranchTry = 20
)

// errNextBranch means that the branch name is taken by somebody else's work.
var errNextBranch = errors.New("the branch contains commits of somebody else")

// run is one operation on its way from inputs to a commit.
type run struct {
	in     Inputs
	op     operation
	rep    *reporter
	client *github.Client
	sleep  func(context.Context, time.Duration) error
	now    func() time.Time

	wanted string // branch name of the pull request
	suffix int    // appended to it while names are taken
	snap   *snapshot
	wrote  *Result // the last thing this run is sure to have written
	at     Result  // the pull request that was being worked on, for a run that fails
	// What attempts have in common.
	refusals   []string // heads that were to be replaced
	tooLateFor []int    // pull requests that were closed before their new text arrived
	warned     []string // warnings about names that could not be added
	opened     int      // the pull request that this run opened
	proofs     *prover
}

// newRun makes the run of one operation. snap is what was read of the repository already, or nil.
func newRun(s *session, op operation, snap *snapshot) (*run, error) {
	name, err := branchName(s.in, op)
	if err != nil {
		return nil, err
	}
	return &run{in: s.in, op: op, rep: s.rep, client: s.client, sleep: s.sleep, now: s.now, wanted: name, snap: snap,
		proofs: &prover{client: s.client, op: op, template: s.in.CommitMessage, proofs: map[string]*proof{}}}, nil
}

// deliver reads, plans and writes until nothing came in between. A lost race or a lost answer is always met the same way: read
// again and plan again on the new head.
func (r *run) deliver(ctx context.Context) (Result, error) {
	lost := 0
	for try := 1; ; try++ {
		res, err := r.attempt(ctx)
		if errors.Is(err, github.ErrUncertain) {
			lost++
		}
		switch {
		case err == nil:
			return r.whole(res), nil
		case errors.Is(err, errNextBranch) && r.suffix < maxBranchTry:
			r.suffix++
			continue
		case !errors.Is(err, github.ErrMoved) && !errors.Is(err, github.ErrUncertain), try == maxRaces, lost > maxLost:
			return r.whole(r.at), explain(err, r.in)
		}
		r.rep.log(fmt.Sprintf("%v; reading it again", err))
		if err := r.sleep(ctx, github.Backoff(try, raceBackoff)); err != nil {
			return Result{}, err
		}
	}
}

// whole returns the result of all attempts together, with what an earlier attempt wrote.
func (r *run) whole(res Result) Result {
	if w := r.wrote; w != nil {
		if !res.Changed {
			res = *w
		}
		if res.PullOperation == "unchanged" && res.Number == w.Number {
			res.PullOperation, res.Line = w.PullOperation, w.Line
		}
	}
	res.Notes = slices.Clone(res.Notes)
	for _, n := range r.warned {
		if !slices.Contains(res.Notes, n) {
			res.Notes = append(res.Notes, n)
		}
	}
	return res
}

// attempt reads, plans and writes once.
func (r *run) attempt(ctx context.Context) (Result, error) {
	writes := r.in.Operation != opCheck && !r.in.DryRun
	st, err := r.client.ReadState(ctx, r.in.Ref, r.branch(), r.in.PullRequest && writes)
	if err != nil {
		return Result{}, err
	}
	if r.snap == nil || r.snap.Commit != st.Base.Target.OID {
		if r.snap, err = fetch(ctx, r.client, st.Base.Target.OID, r.op.wants); err != nil {
			return Result{}, err
		}
	}
	r.proofs.snap = r.snap
	plan, err := r.op.plan(ctx, r.snap)
	if err != nil && writes && r.in.PullRequest {
		return r.overtaken(ctx, st, r.op.set, err)
	}
	if err != nil {
		return Result{}, err
	}
	from := provenance{r.in, r.rep, r.client, r.now}
	if err := from.describe(ctx, st, &plan); err != nil {
		return Result{}, err
	}
	var edited []string
	for _, c := range plan.changes(r.snap) {
		edited = append(edited, c.Path)
	}
	if err := checkBytes(ctx, r.client, r.snap, edited); err != nil {
		return Result{}, err
	}
	words := writing{in: r.in, op: r.op, base: st.Base.Name, plan: plan, hide: r.rep.clean}
	words.waits = plan.waits()
	res := Result{Plan: plan, Notes: plan.Notes, PullOperation: "none", Target: plan.target()}
	switch {
	case !writes:
		return dryRun(res, words), nil
	case r.in.PullRequest:
		return r.pullRequest(ctx, st, words, res)
	case len(plan.Files) == 0:
		res.Line = "= already up to date"
		return res, nil
	case words.waits != "":
		res.Line = plan.waitLine()
		return res, nil
	}
	return r.direct(ctx, st, words, res)
}

// dryRun returns the result of a check and of a dry run, which write nothing.
func dryRun(res Result, words writing) Result {
	res.Changed = len(res.Plan.Files) > 0
	switch {
	case !res.Changed:
		res.Line = "= already up to date"
	case words.waits != "":
		res.Line = "dry run: " + words.plan.waitLine()
	case words.in.Operation == opCheck:
		res.Line = fmt.Sprintf("%s would be made: %s", display.Count(len(res.Plan.Edits), "edit"), words.title())
	case words.in.PullRequest:
		res.Line = "dry run: would open a pull request: " + words.title()
	default:
		res.Line = "dry run: would commit to " + words.base + ": " + words.title()
	}
	return res
}

// direct commits the plan to the base branch.
func (r *run) direct(ctx context.Context, st *github.State, words writing, res Result) (Result, error) {
	sha, verified, err := r.commit(ctx, st, words, []string{st.Base.Target.OID}, "")
	if err != nil {
		return Result{}, err
	}
	if err := r.client.Git.MoveBranch(ctx, st.Base.Name, sha); err != nil {
		return Result{}, err
	}
	res.Changed, res.Commit, res.Verified, res.Branch = true, sha, verified, st.Base.Name
	res.CommitURL = r.in.ServerURL + "/" + st.Name + "/commit/" + sha
	res.Line = fmt.Sprintf("✓ committed %s to %s", display.SHA(sha), st.Base.Name)
	return res, nil
}

// commit writes the tree of the base branch with the edits, and a commit of it. It returns the commit, and whether GitHub signed it.
func (r *run) commit(ctx context.Context, st *github.State, words writing, parents []string, digest string) (string, bool, error) {
	tree, err := r.client.Git.CreateTree(ctx, st.Base.Target.Tree.OID, words.plan.changes(r.snap))
	if err != nil {
		return "", false, err
	}
	message := words.message()
	if digest != "" {
		message += "\n\n" + trailers(words.plan.Set, tree, digest)
	}
	return r.client.Git.CreateCommit(ctx, tree, message, parents)
}

// branch returns the name of the branch to try now.
func (r *run) branch() string {
	if r.suffix == 0 {
		return r.wanted
	}
	return fmt.Sprintf("%s-%d", r.wanted, r.suffix+1)
}
