package action

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// autoMerge lets GitHub merge the pull request when its requirements are met, or merges it now when there
// is nothing to wait for. It only ever merges the commit of this run.
func (r *run) autoMerge(ctx context.Context, pr pullRequest, head, method string, res *Result) error {
	if method == "" || pr.AutoMergeRequest != nil {
		return nil
	}
	if pr.IsDraft {
		res.Notes = append(res.Notes, "auto-merge waits: the pull request is a draft")
		return nil
	}
	for try := 1; ; try++ {
		err := r.client.enableAutoMerge(ctx, pr.ID, head, method)
		a, ok := answered(err)
		switch {
		case err == nil:
			res.Changed = true
			res.Notes = append(res.Notes, "auto-merge is on")
			return nil
		case !ok || a.status >= 500:
			return err
		case a.says("clean status"), a.says("unstable status"), a.says("protected branch rules not configured"):
			done, err := r.mergeNow(ctx, pr, head, method, res)
			if done || err != nil {
				return err
			}
			// Just after opening, GitHub may not know the required checks yet: then it refuses both ways for a moment.
		case a.says("not allowed"):
			res.Notes = append(res.Notes, "auto-merge is off in this repository: switch on Settings > General > Allow auto-merge")
			return nil
		default:
			res.Notes = append(res.Notes, err.Error())
			return nil
		}
		if try == 3 {
			res.Notes = append(res.Notes, fmt.Sprintf("#%d could not be merged yet; run again or merge it by hand", pr.Number))
			return nil
		}
		if err := r.sleep(ctx, backoff(try, 2*time.Second)); err != nil {
			return err
		}
	}
}

// mergeMethod is how the pull request is merged: as promotion.yaml says, or the input.
func (r *run) mergeMethod(p Plan) string {
	if p.Promoted == nil || p.Promoted.env == nil || p.Promoted.env.AutoMerge == "" {
		return r.in.AutoMerge
	}
	if p.Promoted.env.AutoMerge == "off" {
		return ""
	}
	return strings.ToUpper(p.Promoted.env.AutoMerge)
}

// mergeNow is for pull requests that GitHub would not wait for. It returns false when GitHub would not merge
// them either.
func (r *run) mergeNow(ctx context.Context, pr pullRequest, head, method string, res *Result) (bool, error) {
	sha, err := r.client.merge(ctx, pr.Number, head, method)
	a, ok := answered(err)
	switch {
	case err == nil:
		res.Changed, res.Commit = true, sha
		res.Notes = append(res.Notes, fmt.Sprintf("merged #%d as %s", pr.Number, short(sha)))
		return true, nil
	case !ok || a.status >= 500:
		return false, err
	case a.status == http.StatusMethodNotAllowed && a.says("merge queue"):
		if err := r.client.enqueue(ctx, pr.ID, head); err != nil {
			return false, err
		}
		res.Changed = true
		res.Notes = append(res.Notes, fmt.Sprintf("added #%d to the merge queue", pr.Number))
		return true, nil
	case a.status == http.StatusMethodNotAllowed:
		return false, nil
	}
	res.Notes = append(res.Notes, err.Error())
	return true, nil
}
