package action

import "context"

// adopt recognises a branch on which somebody pressed Update branch: its last commit merges the base branch
// into ours. Such a commit could hold anything, so it counts as ours only if what the pull request changes is,
// file by file, what we would write. The head then passes for the commit that was ours before the merge.
func (r *run) adopt(ctx context.Context, st *state, p *pullRequest) (bool, error) {
	if p.HeadRef == nil || len(p.HeadRef.Target.Parents.Nodes) != 2 {
		return false, nil
	}
	head, before := *p.HeadRef, p.HeadRef.Target.Parents.Nodes[0]
	head.Target.Message, head.Target.Tree = before.Message, before.Tree
	if _, ours := editsOf(&head); !ours {
		return false, nil
	}
	head.updated = true
	proved, err := r.isOurEdit(ctx, r.snap, st.base.Target.OID, &head)
	if merged := head.Target.Parents.Nodes[1].OID; err == nil && !proved && merged != st.base.Target.OID {
		proved, err = r.wasOurEdit(ctx, st.base.Target.OID, merged, &head)
	}
	if err != nil || !proved {
		return false, err
	}
	p.HeadRef = &head
	return true, nil
}

// wasOurEdit is for a base branch that has moved on since it was merged into ours: what it was then proves as much, if
// it really was a commit of the base branch.
func (r *run) wasOurEdit(ctx context.Context, base, merged string, head *branchHead) (bool, error) {
	where, err := r.client.compare(ctx, merged, base)
	if err != nil || where.status != "ahead" {
		return false, err
	}
	snap, err := r.client.fetch(ctx, merged, r.op.wants)
	if err != nil {
		return false, err
	}
	return r.isOurEdit(ctx, snap, merged, head)
}

// isOurEdit says whether a branch changes, file by file, what we would write on a commit of the base branch.
func (r *run) isOurEdit(ctx context.Context, snap *snapshot, base string, head *branchHead) (bool, error) {
	plan, err := r.op.again(setOf(head)).plan(ctx, snap)
	if err != nil {
		return false, nil // the base branch has moved on so far that nothing can be proved
	}
	changed, err := r.client.changedFiles(ctx, base, head.Target.OID)
	if err != nil || len(changed) != len(plan.Files) {
		return false, err
	}
	for name, blob := range changed {
		if data, ok := plan.Files[name]; !ok || blobName(data) != blob {
			return false, nil
		}
	}
	return true, nil
}
