package action

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/kubectl-gitops/kubectl-gitops/action/internal/github"
)

// A branch of ours is its base branch and the edits. It starts again from the base branch whenever the base branch has moved. So a
// pull request lists its own change only, and a rebase, which leaves merge commits out, merges the same as a squash. A branch is
// moved only if its head is still the head that was read.

// spot is the branch that a proposal goes to.
type spot struct {
	branch string
	head   *github.Branch // nil when the branch does not exist
	proof  *proof         // of the head; nil when there is none
	open   bool           // it has an open pull request of ours
	dirty  bool           // GitHub says that it conflicts with the base branch
}

// tip is the commit that holds a proposal.
type tip struct {
	sha      string
	verified bool
	moved    bool // by this run
	merge    bool // it is a merge commit, which a rebase leaves out
	whole    bool // every commit of the branch is proved, not only what they end with
}

// place chooses the branch and returns its head when it exists and is ours.
func (r *run) place(ctx context.Context, st *github.State, found pulls) (spot, error) {
	if p := found.current; p != nil {
		return spot{branch: p.HeadRefName, head: p.HeadRef, proof: r.proofs.known(p.HeadRef), open: true, dirty: p.Mergeable == github.Conflicting}, nil
	}
	name := r.branch()
	if name == st.Base.Name {
		return spot{}, fmt.Errorf("input branch: %q is the base branch itself; use pull-request: false to commit to it", name)
	}
	if slices.Contains(found.taken, name) {
		return spot{}, errNextBranch
	}
	if st.Branch == nil {
		return spot{branch: name}, nil
	}
	if r.unforced(st.Branch.Target.OID) {
		return spot{}, errNextBranch
	}
	if ours, err := r.proofs.prove(ctx, st, st.Branch); err != nil || !ours {
		return spot{}, cmp.Or(err, errNextBranch)
	}
	return spot{branch: name, head: st.Branch, proof: r.proofs.known(st.Branch)}, nil
}

// holds says whether the branch has the edits already, and can be merged into base by a method ("" when it is not to be merged). A
// method that keeps the commits of the branch needs a proof of each of them.
func (s spot) holds(base, digest, method string) bool {
	if s.head == nil || s.proof == nil || s.proof.edits != digest || !s.proof.single && method != "" && method != "SQUASH" {
		return false
	}
	if s.open {
		return !s.dirty || s.head.DescendsFrom(base)
	}
	return s.head.IsOn(base)
}

// unforced says whether GitHub has refused twice to replace a head although the branch still had it.
func (r *run) unforced(head string) bool {
	n := 0
	for _, h := range r.refusals {
		if h == head {
			n++
		}
	}
	return n > 1
}

// advance puts the edits on the branch, so that it can be merged by a method ("" when it is not to be merged).
func (r *run) advance(ctx context.Context, st *github.State, words writing, at spot, method string) (tip, error) {
	base, digest := st.Base.Target.OID, words.plan.digest(r.snap)
	if at.holds(base, digest, method) {
		p := at.proof
		return tip{sha: at.head.Target.OID, merge: len(at.head.Target.Parents.Nodes) > 1 && !p.updated, whole: p.single}, nil
	}
	whole := true
	parents, move := []string{base}, func(sha string) error { return r.client.Git.CreateBranch(ctx, at.branch, sha) }
	if at.head != nil {
		forward := func(sha string) error { return r.client.Git.MoveBranch(ctx, at.branch, sha) }
		switch head := at.head.Target.OID; {
		case at.open && at.head.IsOn(base):
			parents, move = []string{head}, forward
		case r.unforced(head): // a rule forbids to start anew
			parents, move, whole = []string{head, base}, forward, at.proof.single
		default:
			move = func(sha string) error {
				r.refusals = append(r.refusals, head) // taken for one if the branch is still there the next time
				return r.client.Git.ReplaceBranch(ctx, at.branch, head, sha)
			}
		}
	}
	sha, verified, err := r.commit(ctx, st, words, parents, digest)
	if err != nil {
		return tip{}, err
	}
	return tip{sha, verified, true, len(parents) > 1, whole}, move(sha)
}
