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
	plan, err := r.op.again(setOf(&head)).plan(ctx, r.snap)
	if err != nil {
		return false, nil // the base branch has moved on so far that nothing can be proved
	}
	changed, err := r.client.changedFiles(ctx, st.base.Target.OID, head.Target.OID)
	if err != nil || len(changed) != len(plan.Files) {
		return false, err
	}
	for name, blob := range changed {
		if data, ok := plan.Files[name]; !ok || blobName(data) != blob {
			return false, nil
		}
	}
	p.HeadRef = &head
	return true, nil
}
