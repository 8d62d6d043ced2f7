package action

import (
	"fmt"
	"strings"

	"github.com/kubectl-gitops/kubectl-gitops/action/internal/github"
	"github.com/kubectl-gitops/kubectl-gitops/action/internal/hint"
)

// explain adds a hint to a refusal of GitHub: the permission or the setting that is missing.
func explain(err error, in Inputs) error {
	a, ok := github.Answered(err)
	if !ok || hint.Of(err) != "" {
		return err
	}
	return hint.With(err, refusalHint(a, in))
}

func refusalHint(a *github.Error, in Inputs) string {
	other := in.event.repository != "" && !strings.EqualFold(in.event.repository, in.Repository)
	switch {
	case a.Status == 401:
		return "the token is wrong, expired or revoked"
	case a.Says("not permitted to create or approve pull requests"):
		return "switch on Settings > Actions > General > Allow GitHub Actions to create and approve pull requests (in the organisation too), or use a GitHub App token"
	case a.Says("draft pull requests are not supported"):
		return "the plan of this repository has no draft pull requests: set draft: false"
	case a.Says("SAML"):
		return "authorise the token for the organisation's single sign-on"
	case a.Says("without `workflows` permission") || a.Says("without workflows permission"):
		return "the token may not touch .github/workflows; limit the paths input"
	case a.Status == 403 || a.Says("not accessible by"):
		return permissionHint(a.Need, in, other)
	case a.Status == 404 || a.Says("could not resolve to a repository"):
		if other {
			return fmt.Sprintf("github.token only reaches %s; give the token input a GitHub App token or a fine-grained token for %s", in.event.repository, in.Repository)
		}
		return "check owner/name, and that the token may read the repository"
	case a.Status == 422 && github.Protected(a) && in.PullRequest:
		return "a rule of the repository forbids this branch; allow gitops/** in it, or choose another name with the branch input"
	case a.Status == 422 && github.Protected(a):
		return "the branch is protected: set pull-request: true, or let the token's owner bypass the rule"
	}
	return ""
}

func permissionHint(need string, in Inputs, other bool) string {
	var b strings.Builder
	want := "contents: write"
	switch {
	case in.Operation == opPreview:
		want = "contents: read and pull-requests: write"
	case in.Operation == opCheck:
		want = "contents: read and pull-requests: read"
	case in.PullRequest:
		want += " and pull-requests: write"
	}
	if need != "" {
		want = strings.ReplaceAll(strings.ReplaceAll(need, "_", "-"), "=", ": ")
	}
	fmt.Fprintf(&b, "the token lacks %s; with github.token add it under permissions: in the workflow", want)
	if other {
		fmt.Fprintf(&b, ", and note that github.token only reaches %s, not %s", in.event.repository, in.Repository)
	}
	b.WriteString("; runs started by Dependabot or a fork always get a read-only token")
	return b.String()
}
