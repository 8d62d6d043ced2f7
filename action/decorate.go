package action

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/kubectl-gitops/kubectl-gitops/action/internal/github"
)

// decorator adds labels, assignees and reviewers. The pull request is there whatever happens to them, so a name that GitHub
// refuses is a warning, and the others are added all the same.
type decorator struct {
	in     Inputs
	client *github.Client
	sleep  func(context.Context, time.Duration) error
}

// add adds what the inputs name and the pull request lacks. It returns a warning for each name that GitHub refuses.
func (d decorator) add(ctx context.Context, pr github.PullRequest) (notes []string, err error) {
	labels, assignees := github.Missing(d.in.Labels, pr.Labels.List()), github.Missing(d.in.Assignees, pr.Assignees.List())
	if pr.Opened && len(labels) > 0 && len(assignees) > 0 {
		err := d.settle(ctx, func() error { return d.client.Pulls.SetLabelsAndAssignees(ctx, pr.Number, labels, assignees) })
		switch a, ok := github.Answered(err); {
		case err == nil:
			labels, assignees = nil, nil
		case !ok || a.Status >= 500:
			return nil, err
		} // GitHub sets none when it refuses one; they are added on their own then
	}
	var asked []string // reviewers; a team has a prefix that no login can have
	// GitHub does not list somebody who has reviewed as requested any more. Asking again would undo the review.
	if pr.ReviewRequests.TotalCount+pr.LatestReviews.TotalCount == 0 {
		asked = slices.Clone(d.in.Reviewers)
		for _, team := range d.in.TeamReviewers {
			asked = append(asked, teamPrefix+team)
		}
	}
	for _, list := range []struct {
		what  string
		names []string
		add   func([]string) error
	}{
		{"label", labels, func(names []string) error { return d.client.Pulls.AddLabels(ctx, pr.Number, names) }},
		{"assignee", assignees, func(names []string) error { return d.client.Pulls.AddAssignees(ctx, pr.Number, names) }},
		{"reviewer", asked, func(names []string) error {
			users, teams := splitTeams(names)
			return d.client.Pulls.RequestReviewers(ctx, pr.Number, users, teams)
		}},
	} {
		more, err := d.addNames(ctx, list.what, list.names, list.add)
		if notes = append(notes, more...); err != nil {
			return notes, err
		}
	}
	return notes, nil
}

const teamPrefix = "team "

func splitTeams(names []string) (users, teams []string) {
	for _, n := range names {
		if team, ok := strings.CutPrefix(n, teamPrefix); ok {
			teams = append(teams, team)
		} else {
			users = append(users, n)
		}
	}
	return users, teams
}

// addNames adds all names by one request. If GitHub refuses it because of one name, addNames adds them one by one. It returns a
// warning for each name that GitHub refuses.
func (d decorator) addNames(ctx context.Context, what string, names []string, add func([]string) error) (notes []string, err error) {
	if len(names) == 0 {
		return nil, nil
	}
	err = d.settle(ctx, func() error { return add(names) })
	var dropped github.Dropped
	a, ok := github.Answered(err)
	switch {
	case err == nil:
		return nil, nil
	case errors.As(err, &dropped):
		for _, name := range dropped {
			notes = append(notes, fmt.Sprintf("%s %s was not added: GitHub does not allow it", what, name))
		}
		return notes, nil
	case !ok || a.Status >= 500:
		return nil, err
	case a.Status != http.StatusUnprocessableEntity || len(names) == 1:
		return []string{refusedNames(what, names, a)}, nil
	}
	for _, name := range names {
		err := add([]string{name})
		a, ok := github.Answered(err)
		if err != nil && (!ok || a.Status >= 500) {
			return notes, err
		}
		if err != nil {
			notes = append(notes, refusedNames(what, []string{name}, a))
		}
	}
	return notes, nil
}

func refusedNames(what string, names []string, a *github.Error) string {
	note := fmt.Sprintf("%s %s was not added: %v", what, strings.Join(names, ", "), a)
	if _, teams := splitTeams(names); len(teams) > 0 && a.Says("could not resolve to a node") {
		note += " (teams need a GitHub App token with members: read; github.token cannot request them)"
	}
	return note
}

// settle repeats a request that GitHub refuses because it does not see the new pull request everywhere yet.
func (d decorator) settle(ctx context.Context, do func() error) error {
	for try := 1; ; try++ {
		err := do()
		a, ok := github.Answered(err)
		if !ok || a.Status != http.StatusUnprocessableEntity || !a.Says("could not resolve to a node") || try == 3 {
			return err
		}
		if sleepErr := d.sleep(ctx, github.Backoff(try, time.Second)); sleepErr != nil {
			return errors.Join(err, sleepErr)
		}
	}
}
