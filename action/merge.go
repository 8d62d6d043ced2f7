package action

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/kubectl-gitops/kubectl-gitops/action/internal/display"
	"github.com/kubectl-gitops/kubectl-gitops/action/internal/github"
	"github.com/kubectl-gitops/kubectl-gitops/action/internal/hint"
)

// merger merges pull requests, or lets GitHub do so.
type merger struct {
	client *github.Client
	sleep  func(context.Context, time.Duration) error
}

// merge lets GitHub merge the pull request when its requirements are met, or merges it now when there
// is nothing to wait for. It only ever merges the commit of this run.
func (m merger) merge(ctx context.Context, words writing, pr github.PullRequest, head tip, method string, res *Result) error {
	if method == "" || pr.AutoMergeRequest != nil {
		return nil
	}
	if pr.IsDraft {
		res.Notes = append(res.Notes, "auto-merge waits: the pull request is a draft")
		return nil
	}
	if head.merge && method == "REBASE" {
		res.Notes = append(res.Notes, fmt.Sprintf("#%d is not merged by rebase: its branch ends with a merge commit, which GitHub would leave out; allow force pushes to the branch, or use squash", pr.Number))
		return nil
	}
	if !head.whole && method == "MERGE" {
		res.Notes = append(res.Notes, fmt.Sprintf("#%d is not merged: it is not proven that runs of the action made all commits of its branch; allow force pushes to the branch, or use squash", pr.Number))
		return nil
	}
	text := words.mergeText(pr, method)
	for try := 1; ; try++ {
		err := m.client.Pulls.EnableAutoMerge(ctx, pr.ID, head.sha, method, text)
		a, ok := github.Answered(err)
		switch {
		case err == nil:
			res.Changed = true
			res.Notes = append(res.Notes, "auto-merge is on")
			return nil
		case !ok || a.Status >= 500:
			return err
		case a.Says("dirty status"), a.Says("expected head"), a.Says("branch was modified"): // one of the branches has just moved
			return fmt.Errorf("%w: #%d: %w", github.ErrMoved, pr.Number, err)
		case a.Says("clean status"), a.Says("unstable status"), a.Says("protected branch rules not configured"):
			refused, err := m.atOnce(ctx, pr, head.sha, method, text, res)
			if refused == nil || err != nil {
				return err
			}
			// Just after opening, GitHub may not know the required checks yet: then it refuses both ways for a moment.
			if try == 3 {
				return notMerged(pr, refused)
			}
		case a.Says("not allowed"):
			res.Notes = append(res.Notes, "auto-merge is off in this repository: switch on Settings > General > Allow auto-merge")
			return nil
		default:
			res.Notes = append(res.Notes, err.Error())
			return nil
		}
		if err := m.sleep(ctx, github.Backoff(try, 2*time.Second)); err != nil {
			return err
		}
	}
}

func (w writing) mergeText(pr github.PullRequest, method string) github.MergeText {
	switch method {
	case "SQUASH":
		headline, body, _ := strings.Cut(w.message(), "\n")
		return github.MergeText{Headline: fmt.Sprintf("%s (#%d)", headline, pr.Number), Body: strings.TrimSpace(body)}
	case "MERGE":
		return github.MergeText{Headline: fmt.Sprintf("Merge pull request #%d from %s", pr.Number, pr.HeadRefName), Body: w.title()}
	}
	return github.MergeText{} // a rebase keeps the messages of the branch
}

// notMerged returns the error for a pull request that GitHub neither merges now nor will merge later.
func notMerged(pr github.PullRequest, refused error) error {
	return hint.With(fmt.Errorf("#%d is open, but was not merged: %w", pr.Number, refused), "run again, or merge it manually: "+pr.URL)
}

// mergeMethod returns how the pull request is merged: as promotion.yaml says, or else as the input says.
func mergeMethod(in Inputs, p Plan) string {
	if p.Promoted == nil || p.Promoted.env == nil || p.Promoted.env.AutoMerge == "" {
		return in.AutoMerge
	}
	if p.Promoted.env.AutoMerge == "off" {
		return ""
	}
	return strings.ToUpper(p.Promoted.env.AutoMerge)
}

// atOnce merges a pull request for which GitHub has nothing to wait for. It returns the refusal when GitHub does not merge it either,
// and fails with github.ErrMoved when one of the branches has just moved.
func (m merger) atOnce(ctx context.Context, pr github.PullRequest, head, method string, text github.MergeText, res *Result) (refused, err error) {
	sha, err := m.client.Pulls.Merge(ctx, pr.Number, head, method, text)
	a, ok := github.Answered(err)
	switch {
	case err == nil:
		res.Changed, res.Commit = true, sha
		res.Notes = append(res.Notes, fmt.Sprintf("merged #%d as %s", pr.Number, display.SHA(sha)))
		return nil, nil
	case !ok || a.Status >= 500:
		return nil, err
	case a.Status == http.StatusConflict, a.Says("branch was modified"):
		return nil, fmt.Errorf("%w: %w", github.ErrMoved, err)
	case a.Status == http.StatusMethodNotAllowed && a.Says("merge queue"):
		if err := m.client.Pulls.Enqueue(ctx, pr.ID, head); err != nil {
			return nil, err
		}
		res.Changed = true
		res.Notes = append(res.Notes, fmt.Sprintf("added #%d to the merge queue", pr.Number))
		return nil, nil
	case a.Status == http.StatusMethodNotAllowed && a.Says("not allowed on this repository"):
		return nil, hint.With(fmt.Errorf("#%d is open, but was not merged: %w", pr.Number, err), "choose another method with auto-merge, or allow it in Settings > General")
	case a.Status == http.StatusMethodNotAllowed && a.Says("not mergeable"):
		if mergeable, err := m.mergeable(ctx, pr); err != nil || mergeable == github.Conflicting {
			return nil, cmp.Or(err, fmt.Errorf("%w: merge pull request #%d: it now conflicts", github.ErrMoved, pr.Number))
		}
		return err, nil
	case a.Status == http.StatusMethodNotAllowed:
		return err, nil
	}
	res.Notes = append(res.Notes, err.Error())
	return nil, nil
}

// maxUnknown is how often GitHub is asked whether a pull request conflicts while it does not know.
const maxUnknown = 6

// mergeable says whether a pull request conflicts with its base branch, in GitHub's words. GitHub finds out in the background once it
// is asked. So mergeable asks again for half a minute; after that the answer is github.Unknown.
func (m merger) mergeable(ctx context.Context, pr github.PullRequest) (string, error) {
	now := pr.Mergeable
	for try := 1; (now == "" || now == github.Unknown) && try <= maxUnknown; try++ {
		if now == github.Unknown {
			if err := m.sleep(ctx, github.Backoff(try, time.Second/2)); err != nil {
				return github.Unknown, err
			}
		}
		var err error
		if now, err = m.client.Mergeable(ctx, pr.Number); err != nil {
			return github.Unknown, err
		}
	}
	return now, nil
}
