package action

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"github.com/kubectl-gitops/kubectl-gitops/action/internal/github"
	"github.com/kubectl-gitops/kubectl-gitops/action/internal/promotion"
)

// Anybody who can push a branch can write the trailers of a run, so trailers prove nothing. A branch is ours if what it changes is,
// file by file, the edit that its trailers ask for, made again on the commit that it started from. Only such a branch is merged,
// started again or closed.

// proof is what the contents of a branch show.
type proof struct {
	set   []string // what its last commit asked for
	edits string   // Plan.digest of the edits that it holds; "" when that is not known, or when the base branch has all of it
	// single says that the branch is one commit on a commit of the base branch. For a longer branch the proof is about its last
	// commit only.
	single  bool
	updated bool // its last commit only merges the base branch into ours
}

// prover finds out which branches are those of runs of one operation.
type prover struct {
	client   *github.Client
	op       operation
	template string            // the input commit-message
	snap     *snapshot         // of the base branch
	proofs   map[string]*proof // by the commit of a branch; nil for one that is not ours
}

// maxChain is how many commits a branch of ours may have.
const maxChain = 20

// prove says whether a branch is ours, and remembers what it found out.
func (v *prover) prove(ctx context.Context, st *github.State, head *github.Branch) (bool, error) {
	if head == nil {
		return false, nil
	}
	if p, known := v.proofs[head.Target.OID]; known {
		return p != nil, nil
	}
	p, err := v.proofOf(ctx, st, head)
	if err != nil {
		return false, err
	}
	v.proofs[head.Target.OID] = p
	return p != nil, nil
}

// known returns the proof of a branch, nil when it is not ours, or was not asked about.
func (v *prover) known(head *github.Branch) *proof {
	if head == nil {
		return nil
	}
	return v.proofs[head.Target.OID]
}

func (v *prover) proofOf(ctx context.Context, st *github.State, head *github.Branch) (*proof, error) {
	last := head.Commit()
	set, edits, updated := requestOf(last, head.Parent())
	if edits == "" || v.op.about != nil && !v.op.about(set) {
		return nil, nil
	}
	p := &proof{set: set, updated: updated}
	if head.IsOn(st.Base.Target.OID) && v.snap.IsTree(st.Base.Target.Tree.OID) {
		p.single = true
		return v.proveTree(ctx, p, last)
	}
	done, err := v.client.Compare(ctx, st.Base.Target.OID, head.Target.OID)
	switch {
	case err != nil:
		return nil, err
	case done.Status == "behind" || done.Status == "identical":
		return p, nil
	case done.Total != len(done.Commits) || len(done.Commits) > maxChain || len(done.Files) >= github.MaxCompared || !v.areOurs(done.Commits):
		return nil, nil
	}
	p.single = len(done.Commits) == 1 && len(last.Parents) == 1
	return v.proveFiles(ctx, p, last.SHA, edits, done)
}

// proveTree proves a branch of one commit on the present base branch. All files of the base branch are known, so the name of the
// tree with the edits can be computed. If the commit has that tree, every byte is proved.
func (v *prover) proveTree(ctx context.Context, p *proof, last github.Commit) (*proof, error) {
	plan, err := v.op.again(p.set).plan(ctx, v.snap)
	if err != nil || hasForeignTrailers(last, v.template) {
		return nil, nil // what cannot be made again is not proved
	}
	if v.snap.TreeWith(plan.changes(v.snap)) != last.Tree {
		plan, err = v.withHoldsOf(ctx, plan, v.snap, last.SHA)
		if err != nil || v.snap.TreeWith(plan.changes(v.snap)) != last.Tree {
			return nil, err
		}
	}
	p.edits = plan.digest(v.snap)
	return p, nil
}

// proveFiles compares what a branch changes with the edit made on the base branch as it is now, and then with the edit made on the
// commit that the branch started from.
//
// In the first case the base branch may have changed the same files since, to what they are in the branch. That would be a conflict
// all the same. The digest in the trailer says that it is not so, and this is the only thing that a trailer is believed.
func (v *prover) proveFiles(ctx context.Context, p *proof, oid, claimed string, done github.Comparison) (*proof, error) {
	snap := v.snap
	for range 2 {
		plan, err := v.op.again(p.set).plan(ctx, snap)
		if err == nil && !changesJust(done, plan) {
			if plan, err = v.withHoldsOf(ctx, plan, snap, oid); err != nil {
				return nil, err
			}
		}
		switch {
		case err == nil && changesJust(done, plan):
			if p.edits = plan.digest(snap); p.edits != claimed && snap.Commit != done.MergeBase {
				p.edits = ""
			}
			return p, nil
		case snap.Commit == done.MergeBase:
			return nil, nil
		}
		if snap, err = fetch(ctx, v.client, done.MergeBase, v.op.wants); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// withHoldsOf returns the plan of a rollback with the holds that the branch has, if they hold the same versions in the same places.
// Who holds a version, since when and why differs from run to run.
func (v *prover) withHoldsOf(ctx context.Context, p Plan, s *snapshot, oid string) (Plan, error) {
	if p.Files[promotion.HoldsPath] == nil {
		return p, nil
	}
	text, _, err := v.client.FileAt(ctx, oid, promotion.HoldsPath)
	if err != nil {
		return p, err
	}
	want, errWant := promotion.ParseHolds(p.Files[promotion.HoldsPath])
	have, errHave := promotion.ParseHolds([]byte(text))
	same := func(a, b promotion.Hold) bool {
		a.Reason, a.By, a.Since = b.Reason, b.By, b.Since
		return a.Equal(b)
	}
	if errWant != nil || errHave != nil || !slices.EqualFunc(want, have, same) {
		return p, nil
	}
	p.Files[promotion.HoldsPath] = []byte(text)
	return p, nil
}

// changesJust says whether a comparison lists the files of a plan and no others, with the contents that they have there.
func changesJust(c github.Comparison, p Plan) bool {
	listed := map[string]string{} // path -> Git's name of its contents, "" for a file that goes
	for _, f := range c.Files {
		if f.Previous != "" {
			listed[f.Previous] = ""
		}
		listed[f.Path] = f.Blob
		if f.Status == "removed" {
			listed[f.Path] = ""
		}
	}
	if len(listed) != len(p.Files) {
		return false
	}
	for name, data := range p.Files {
		blob, ok := listed[name]
		if !ok || data == nil && blob != "" || data != nil && blob != github.BlobName(data) {
			return false
		}
	}
	return true
}

// areOurs says whether commits, oldest first, look like commits of runs or like merges of Update branch. They are all commits that the
// base branch does not have, so a parent that is not among them is a commit of the base branch.
func (v *prover) areOurs(commits []github.Commit) bool {
	seen := map[string]github.Commit{}
	for _, c := range commits {
		var before *github.Commit
		if len(c.Parents) > 0 {
			if b, ok := seen[c.Parents[0]]; ok {
				before = &b
			}
		}
		if _, edits, _ := requestOf(c, before); edits == "" || hasForeignTrailers(c, v.template) || len(c.Parents) > 2 {
			return false
		}
		if len(c.Parents) == 2 {
			_, second := seen[c.Parents[1]]
			if before == nil || second {
				return false
			}
		}
		seen[c.SHA] = c
	}
	return true
}

// requestOf returns what the trailers of a commit ask for, and the digest of its edits. The digest is "" when there are no trailers, or
// when they name another tree. A merge without trailers asks for the same as the commit before it; updated is set then.
func requestOf(c github.Commit, before *github.Commit) (set []string, edits string, updated bool) {
	if m := trailerRE.FindStringSubmatch(c.Message); m != nil && m[1] == c.Tree {
		return setLinesOf(c.Message), m[2], false
	}
	if before == nil || len(c.Parents) != 2 {
		return nil, "", false
	}
	set, edits, _ = requestOf(*before, nil)
	return set, edits, true
}

var gitopsTrailerRE = regexp.MustCompile(`(?i)^gitops-[a-z-]+[ \t]*:`)

// hasForeignTrailers says whether a message has a trailer for kubectl-gitops, such as the one that allows deletions, that
// no run writes, unless the input commit-message asks for it.
func hasForeignTrailers(c github.Commit, template string) bool {
	for line := range strings.Lines(c.Message) {
		line = strings.TrimSpace(line)
		if gitopsTrailerRE.MatchString(line) && !strings.HasPrefix(line, setTrailer) && !strings.HasPrefix(line, actionTrailer) && !strings.Contains(template, line) {
			return true
		}
	}
	return false
}

// setOf returns what the last commit of a branch was asked to set, nil unless the branch was proved to be ours.
func (v *prover) setOf(b *github.Branch) []string {
	if p := v.known(b); p != nil {
		return p.set
	}
	return nil
}
