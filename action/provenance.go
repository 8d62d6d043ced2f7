package action

import (
	"context"
	"time"

	"github.com/kubectl-gitops/kubectl-gitops/action/internal/github"
	"github.com/kubectl-gitops/kubectl-gitops/action/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/action/internal/promotion"
	"github.com/kubectl-gitops/kubectl-gitops/action/internal/registry"
	"github.com/kubectl-gitops/kubectl-gitops/bumper"
)

// provenance tells a reviewer where the versions of a promotion come from.
type provenance struct {
	in     Inputs
	rep    *reporter
	client *github.Client
	now    func() time.Time
}

// histories returns the commits that touched the source of each strand, newest first.
func histories(ctx context.Context, c *github.Client, head string, strands []promotion.Strand) ([][]promotion.Revision, error) {
	var wants []github.Path
	for _, s := range strands {
		wants = append(wants, github.Path{Name: s.From, Files: s.Carriers[:min(len(s.Carriers), maxCarriers)]})
	}
	found, err := c.Histories(ctx, head, wants, maxRevisions)
	if err != nil {
		return nil, err
	}
	out := make([][]promotion.Revision, len(found))
	for i, list := range found {
		out[i] = revisionsOf(list, strands[i].Beside)
	}
	return out, nil
}

// revisionsOf returns commits in the form that promotions are decided with.
func revisionsOf(list []github.Revision, beside []bumper.File) []promotion.Revision {
	var out []promotion.Revision
	for _, from := range list {
		to := promotion.Revision{SHA: from.OID, Headline: from.MessageHeadline, Author: from.Author.Name, Date: from.CommittedDate, Pull: pullOf(from), Beside: beside}
		if from.Author.User != nil {
			to.Author = from.Author.User.Login
		}
		for _, f := range from.Files {
			to.Files = append(to.Files, bumper.File(f))
		}
		out = append(out, to)
	}
	return out
}

// pullOf returns the merged pull request that brought a commit, or nil.
func pullOf(rev github.Revision) *promotion.Pull {
	for _, p := range rev.AssociatedPullRequests.Nodes {
		if !p.Merged {
			continue
		}
		out := &promotion.Pull{Number: p.Number, Head: p.HeadRefOid, Labels: p.Labels.List()}
		for _, r := range p.LatestOpinionatedReviews.Nodes {
			review := promotion.Review{Approved: r.State == "APPROVED"}
			if r.Commit != nil {
				review.Commit = r.Commit.OID
			}
			out.Reviews = append(out.Reviews, review)
		}
		return out
	}
	return nil
}

// reports returns what was reported on the commits of the base branch at which the source was the same as now.
func reports(ctx context.Context, c *github.Client, head string, paths []string) ([]promotion.Commit, error) {
	found, err := c.Statuses(ctx, head, paths)
	if a, ok := github.Answered(err); ok && a.Says("not accessible") {
		return nil, hint.With(err, "gates need a token with statuses: read, checks: read and pull-requests: read")
	}
	var out []promotion.Commit
	for _, from := range found {
		to := promotion.Commit{SHA: from.SHA}
		for _, r := range from.Reports {
			to.Reports = append(to.Reports, promotion.Report{Name: r.Name, Pending: r.Pending, Outcome: r.Outcome, At: r.At})
		}
		out = append(out, to)
	}
	return out, err
}

// maxLabels bounds how many images are asked for their labels, and maxLabelWait for how long.
const (
	maxLabels    = 20
	maxLabelWait = 20 * time.Second
)

// labels asks the registries what the images before and after the edits were built from, if the input says so. An image that cannot
// be read is left out, with a note: the promotion does not need the links.
func (p provenance) labels(ctx context.Context, edits []bumper.Edit) map[bumper.Image]registry.Labels {
	out := map[bumper.Image]registry.Labels{}
	if !p.in.ImageLabels {
		return out
	}
	ctx, cancel := context.WithTimeout(ctx, maxLabelWait)
	defer cancel()
	for _, e := range edits {
		for _, img := range []bumper.Image{e.Before, e.After} {
			if _, done := out[img]; done || e.Image == "" || len(out) >= maxLabels {
				continue
			}
			found, err := registry.LabelsOf(ctx, img)
			if err != nil {
				p.rep.log("note: " + err.Error())
			}
			if !promotion.IsWebAddress(found.Source) { // it comes from outside and becomes a link
				found.Source = ""
			}
			out[img] = found
		}
	}
	return out
}
