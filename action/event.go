package action

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/kubectl-gitops/kubectl-gitops/action/internal/hint"
)

// event is what the action needs to know about the workflow run around it.
type event struct {
	name       string // push, pull_request, ...
	actor      string // who started it
	repository string // owner/name the workflow runs in
	fork       string // owner/name of the fork that a pull_request comes from, or empty
	number     int    // of the pull request, or 0
	baseSHA    string
	headSHA    string
	runURL     string
}

func readEvent(getenv func(string) string) event {
	e := event{name: getenv("GITHUB_EVENT_NAME"), actor: getenv("GITHUB_ACTOR"), repository: getenv("GITHUB_REPOSITORY")}
	if id := getenv("GITHUB_RUN_ID"); id != "" && e.repository != "" {
		e.runURL = strings.TrimSuffix(getenv("GITHUB_SERVER_URL"), "/") + "/" + e.repository + "/actions/runs/" + id
	}
	if e.name != "pull_request" && e.name != "pull_request_target" {
		return e
	}
	// A missing or unreadable payload only means that a fork is found out later, by GitHub's 403.
	data, err := os.ReadFile(getenv("GITHUB_EVENT_PATH"))
	if err != nil {
		return e
	}
	var payload struct {
		Number      int
		PullRequest struct {
			Head, Base struct {
				SHA  string `json:"sha"`
				Repo *struct {
					FullName string `json:"full_name"`
				} `json:"repo"`
			}
		} `json:"pull_request"`
	}
	if json.Unmarshal(data, &payload) != nil {
		return e
	}
	e.number, e.baseSHA, e.headSHA = payload.Number, payload.PullRequest.Base.SHA, payload.PullRequest.Head.SHA
	head, base := payload.PullRequest.Head.Repo, payload.PullRequest.Base.Repo
	switch {
	case base == nil:
	case head == nil:
		e.fork = "a deleted fork"
	case !strings.EqualFold(head.FullName, base.FullName):
		e.fork = head.FullName
	}
	return e
}

// allowed fails where the operation cannot write: in a pull request from a fork. Operations that only read may run anywhere.
func (e event) allowed(operation string) error {
	if e.fork == "" || operation == opPreview || operation == opCheck {
		return nil
	}
	return hint.With(fmt.Errorf("this run belongs to a pull request from %s: GitHub gives it a read-only token and no secrets", e.fork),
		"run the bump on push to your branch, after the merge, or skip it with if: github.event.pull_request.head.repo.full_name == github.repository")
}
