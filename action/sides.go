package action

import (
	"context"

	"github.com/kubectl-gitops/kubectl-gitops/action/internal/github"
)

// look is an operation that changes nothing in the repository: preview and check.
type look struct {
	in     Inputs
	rep    *reporter
	client *github.Client
}

// sides are the two commits of a pull request that are compared: the one where it left its base branch, and its head.
type sides struct {
	number     int
	base, head string
	info       *github.PullInfo // nil when the event said everything
	changed    []github.ComparedFile
}

// sides finds the pull request to look at, of the input or of the event. It returns nil when there is none.
func (r look) sides(ctx context.Context) (*sides, error) {
	s := &sides{number: r.in.PullNumber}
	base := ""
	switch e := r.in.event; {
	case s.number > 0:
		info, err := r.client.PullInfo(ctx, s.number)
		if err != nil {
			return nil, err
		}
		s.info, s.head, base = info, info.HeadRefOid, info.BaseRefOid
	case e.number > 0 && e.headSHA != "" && e.baseSHA != "":
		s.number, s.head, base = e.number, e.headSHA, e.baseSHA
	default:
		return nil, nil
	}
	compared, err := r.client.Compare(ctx, base, s.head)
	if err != nil {
		return nil, err
	}
	s.base, s.changed = compared.MergeBase, compared.Files
	return s, nil
}
