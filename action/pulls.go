package action

import (
	"context"
	"slices"
	"strings"

	"github.com/kubectl-gitops/kubectl-gitops/action/internal/github"
)

// pulls are the open pull requests, sorted by what they mean for this operation.
type pulls struct {
	current    *github.PullRequest  // ours, to be updated in place
	superseded []github.PullRequest // ours, on a branch of another name
	foreign    []github.PullRequest // about the same, but with somebody else's commits
	taken      []string             // branch names that are not ours to use
}

// sort finds our pull requests by head branch and hidden marker. Pull requests from forks are never
// ours: anybody could write the marker there.
func (r *run) sort(ctx context.Context, st *github.State) (pulls, error) {
	var out pulls
	for _, p := range st.Pulls {
		if p.IsCrossRepository || p.BaseRefName != st.Base.Name {
			continue
		}
		m, _, marked := parseMarker(p.Body)
		same := marked && m.Operation == r.op.name && m.Target == r.op.target
		onBranch := isBranch(p.HeadRefName, r.wanted)
		ours := false
		if same || !marked && onBranch {
			var err error
			if ours, err = r.proofs.prove(ctx, st, p.HeadRef); err != nil {
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

// isBranch says whether a branch has the wanted name, with or without a number behind it.
func isBranch(name, wanted string) bool {
	rest, ok := strings.CutPrefix(name, wanted)
	if !ok {
		return false
	}
	return rest == "" || strings.HasPrefix(rest, "-") && strings.Trim(rest[1:], "0123456789") == "" && rest != "-"
}

// carries finds a pull request that proposes the same already and has somebody else's commits.
func carries(found pulls, words writing) *github.PullRequest {
	for _, p := range found.foreign {
		if m, _, _ := parseMarker(p.Body); found.current == nil && len(words.plan.Files) > 0 && slices.Equal(m.last(), words.plan.Set) {
			return &p
		}
	}
	return nil
}
