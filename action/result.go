package action

import (
	"fmt"

	"github.com/kubectl-gitops/kubectl-gitops/action/internal/display"
	"github.com/kubectl-gitops/kubectl-gitops/action/internal/github"
)

// Result is what a run did.
type Result struct {
	Changed  bool // something was written, or would have been
	Commit   string
	Verified bool
	// CommitURL is the web address of a direct commit.
	CommitURL string
	Branch    string
	Number    int // of the pull request, or 0
	URL       string
	// PullOperation is created, updated, unchanged, closed or none.
	PullOperation string
	Findings      []Finding
	ImageOnly     string // of a preview: true, false, or empty when nothing changes
	Text          string // Markdown for the summary, instead of what was edited
	// Target is the environment of a promotion, for people.
	Target string
	Plan   Plan
	Notes  []string
	Line   string // what happened, in one line
}

func (res *Result) point(p github.PullRef, operation, line string) {
	res.Number, res.URL, res.Branch, res.PullOperation, res.Line = p.Number, p.URL, p.HeadRefName, operation, line
}

// problems is the error of a check that found something, nil when there are warnings at most.
func problems(results []Result) error {
	n := 0
	for _, r := range results {
		for _, f := range r.Findings {
			if !f.Warning {
				n++
			}
		}
	}
	if n == 0 {
		return nil
	}
	return fmt.Errorf("check: %s", display.Count(n, "problem"))
}
