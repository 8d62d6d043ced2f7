package action

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/google/go-github/v62/github"

	"github.com/kubectl-gitops/kubectl-gitops/action/internal/display"
)

// mergeText is the message of the commit that merges a pull request. GitHub would make it of the title and the text of the
// pull request in some repositories, which others can edit, trailers included.
type mergeText struct{ headline, body string }

// config says which repository a client is for, and how it is reached.
type config struct {
	apiURL     string // ends with a slash
	graphqlURL string
	token      string // is sent to the origin of apiURL only
	repository string // owner/name

	base  http.RoundTripper
	sleep func(context.Context, time.Duration) error
	now   func() time.Time
	note  func(string) // gets a line for the log before a long wait
}

// client is one repository on GitHub. The client itself only reads; git and pulls write.
type client struct {
	*conn
	git   gitWriter
	pulls pullWriter
}

// gitWriter writes commits and moves branches.
type gitWriter struct{ *conn }

// pullWriter writes pull requests and their comments.
type pullWriter struct{ *conn }

// conn is what reading and writing share.
type conn struct {
	rest       *github.Client
	http       *http.Client
	graphqlURL string
	owner      string
	name       string
	id         string // GitHub's name of the repository, from the first read
}

// newClient returns a client that repeats what is safe to repeat and waits when GitHub asks for it. It makes no request.
func newClient(cfg config) (*client, error) {
	base, err := url.Parse(cfg.apiURL)
	if err != nil {
		return nil, fmt.Errorf("input api-url: %w", err)
	}
	t := &transport{base: cfg.base, token: cfg.token, origin: origin(base), sleep: cfg.sleep, now: cfg.now, note: cfg.note}
	h := &http.Client{Transport: t, CheckRedirect: followRedirect}
	rest := github.NewClient(h)
	rest.BaseURL, rest.UploadURL = base, base
	rest.UserAgent = "gitops-action"
	owner, name, _ := strings.Cut(cfg.repository, "/")
	c := &conn{rest: rest, http: h, graphqlURL: cfg.graphqlURL, owner: owner, name: name}
	return &client{conn: c, git: gitWriter{c}, pulls: pullWriter{c}}, nil
}

// change is one file of a commit.
type change struct {
	path, mode, content string
	blob                string // the name of contents that Git has already, instead of content
	remove              bool
}

func (c gitWriter) createTree(ctx context.Context, base string, changes []change) (string, error) {
	entries := make([]*github.TreeEntry, 0, len(changes))
	for _, ch := range changes {
		if ch.remove { // neither contents nor a name: the library sends "sha": null
			entries = append(entries, &github.TreeEntry{Path: &ch.path, Mode: &ch.mode, Type: github.String("blob")})
			continue
		}
		entry := &github.TreeEntry{Path: &ch.path, Mode: &ch.mode, Type: github.String("blob"), Content: &ch.content}
		if ch.blob != "" {
			entry.Content, entry.SHA = nil, &ch.blob
		}
		entries = append(entries, entry)
	}
	tree, _, err := c.rest.Git.CreateTree(ctx, c.owner, c.name, base, entries)
	return tree.GetSHA(), busy(failed("write the tree", err))
}

// createCommit names no author, so that GitHub signs the commit for the token's owner where it can.
func (c gitWriter) createCommit(ctx context.Context, tree, message string, parents []string) (sha string, verified bool, err error) {
	commit := &github.Commit{Message: &message, Tree: &github.Tree{SHA: &tree}}
	for _, p := range parents {
		commit.Parents = append(commit.Parents, &github.Commit{SHA: &p})
	}
	done, _, err := c.rest.Git.CreateCommit(ctx, c.owner, c.name, commit, nil)
	return done.GetSHA(), done.GetVerification().GetVerified(), busy(failed("write the commit", err))
}

// createBranch fails with errMoved when the branch exists by now.
func (c gitWriter) createBranch(ctx context.Context, branch, sha string) error {
	_, _, err := c.rest.Git.CreateRef(ctx, c.owner, c.name, ref(branch, sha))
	err = failed("create the branch "+branch, err)
	if a, ok := answered(err); ok && a.status == http.StatusUnprocessableEntity && a.says("already exists") {
		return fmt.Errorf("%w: %w", errMoved, err)
	}
	return busy(err)
}

// busy recognises the answers of a GitHub that is busy with the same repository, or has not seen a new object
// everywhere yet. Most of them can also have a lasting reason, so they are tried again a few times only.
func busy(err error) error {
	a, ok := answered(err)
	switch {
	case !ok || protected(a):
		return err
	case a.status == http.StatusConflict,
		a.status == http.StatusUnprocessableEntity && (a.says("reference update failed") || a.says("reference cannot be updated") || a.says("object does not exist") || a.says("sha does not exist")):
		return fmt.Errorf("%w: %w", errUncertain, err)
	}
	return err
}

// moveBranch is a compare-and-set: GitHub refuses it unless sha descends from where the branch is now.
// It fails with errMoved when somebody else was faster or the branch is gone.
func (c gitWriter) moveBranch(ctx context.Context, branch, sha string) error {
	_, _, err := c.rest.Git.UpdateRef(ctx, c.owner, c.name, ref(branch, sha), false)
	err = failed("update the branch "+branch, err)
	if a, ok := answered(err); ok && a.status == http.StatusUnprocessableEntity && (a.says("fast forward") || a.says("does not exist") || a.says("but expected")) {
		return fmt.Errorf("%w: %w", errMoved, err)
	}
	return busy(err)
}

// maxCompared is how many files GitHub names in a comparison.
const maxCompared = 300

// comparison is what head changes since it left base.
type comparison struct {
	status    string // of head, seen from base: ahead, behind, diverged, identical
	mergeBase string
	files     []comparedFile
	commits   []commitText // that base does not have, oldest first; not all of them when total is larger
	total     int
}

type comparedFile struct {
	path, previous string // previous is set for a renamed file
	status, blob   string
}

func (c *client) compare(ctx context.Context, base, head string) (comparison, error) {
	done, _, err := c.rest.Repositories.CompareCommits(ctx, c.owner, c.name, base, head, &github.ListOptions{PerPage: 100})
	if err != nil {
		return comparison{}, failed("compare two commits", err)
	}
	out := comparison{status: done.GetStatus(), mergeBase: done.GetMergeBaseCommit().GetSHA(), total: done.GetTotalCommits()}
	for _, c := range done.Commits {
		text := commitText{oid: c.GetSHA(), tree: c.GetCommit().GetTree().GetSHA(), message: c.GetCommit().GetMessage()}
		for _, p := range c.Parents {
			text.parents = append(text.parents, p.GetSHA())
		}
		out.commits = append(out.commits, text)
	}
	for _, f := range done.Files {
		out.files = append(out.files, comparedFile{f.GetFilename(), f.GetPreviousFilename(), f.GetStatus(), f.GetSHA()})
	}
	return out, nil
}

func ref(branch, sha string) *github.Reference {
	return &github.Reference{Ref: github.String("refs/heads/" + branch), Object: &github.GitObject{SHA: &sha}}
}

// open fails with errMoved when the branch has a pull request by now, is gone, or is merged already.
func (c pullWriter) open(ctx context.Context, head, base, title, body string, draft bool) (pullRequest, error) {
	pr, _, err := c.rest.PullRequests.Create(ctx, c.owner, c.name, &github.NewPullRequest{Title: &title, Head: &head, Base: &base, Body: &body, Draft: &draft})
	err = failed("open the pull request", err)
	if a, ok := answered(err); ok && a.status == http.StatusUnprocessableEntity && (a.says("already exists") || a.says("head invalid") || a.says("no commits between")) {
		return pullRequest{}, fmt.Errorf("%w: %w", errMoved, err)
	}
	if err != nil {
		return pullRequest{}, err
	}
	return pullRequest{ID: pr.GetNodeID(), Number: pr.GetNumber(), URL: pr.GetHTMLURL(), Title: title, Body: body, HeadRefName: head, BaseRefName: base, IsDraft: draft, Opened: true, Author: &struct{ Login string }{pr.GetUser().GetLogin()}}, nil
}

// edit fails with errMoved when the branch is no longer at head, because whoever moved it wrote another
// text, and when the pull request is closed by now.
func (c pullWriter) edit(ctx context.Context, p pullRequest, head, title, body string) error {
	what := fmt.Sprintf("update pull request #%d", p.Number)
	done, _, err := c.rest.PullRequests.Edit(ctx, c.owner, c.name, p.Number, &github.PullRequest{Title: &title, Body: &body})
	switch {
	case err != nil:
		return failed(what, err)
	case done.GetState() != "open":
		return fmt.Errorf("%w: %s: %w", errMoved, what, errClosed)
	case done.GetHead().GetSHA() != head:
		return fmt.Errorf("%w: %s: its branch moved to %s", errMoved, what, display.SHA(done.GetHead().GetSHA()))
	}
	return nil
}

// editBody changes the text of a pull request and nothing else.
func (c pullWriter) editBody(ctx context.Context, number int, body string) error {
	_, _, err := c.rest.PullRequests.Edit(ctx, c.owner, c.name, number, &github.PullRequest{Body: &body})
	return failed(fmt.Sprintf("update pull request #%d", number), err)
}

// close says why and deletes the branch, which closes the pull request. It fails with errMoved when
// somebody has committed to the branch meanwhile.
func (c pullWriter) close(ctx context.Context, p pullRequest, comment string) error {
	if err := c.commentOnce(ctx, p.Number, comment); err != nil {
		return err
	}
	return gitWriter{c.conn}.deleteBranch(ctx, p.HeadRefName, p.HeadRef.Target.OID)
}

// commentOnce adds a comment unless one with the same text is there, so that a run after a failed one
// says nothing twice.
func (c pullWriter) commentOnce(ctx context.Context, number int, body string) error {
	what := fmt.Sprintf("comment on pull request #%d", number)
	opts := &github.IssueListCommentsOptions{ListOptions: github.ListOptions{PerPage: 100}}
	have, _, err := c.rest.Issues.ListComments(ctx, c.owner, c.name, number, opts)
	if err != nil {
		return failed(what, err)
	}
	for _, comment := range have {
		if strings.TrimSpace(comment.GetBody()) == strings.TrimSpace(body) {
			return nil
		}
	}
	_, _, err = c.rest.Issues.CreateComment(ctx, c.owner, c.name, number, &github.IssueComment{Body: &body})
	return failed(what, err)
}

func (c pullWriter) editComment(ctx context.Context, id int64, body string) error {
	_, _, err := c.rest.Issues.EditComment(ctx, c.owner, c.name, id, &github.IssueComment{Body: &body})
	return failed("update the comment", err)
}

// setLabelsAndAssignees replaces both, in one request: only for a pull request that was just opened.
func (c pullWriter) setLabelsAndAssignees(ctx context.Context, number int, labels, assignees []string) error {
	_, _, err := c.rest.Issues.Edit(ctx, c.owner, c.name, number, &github.IssueRequest{Labels: &labels, Assignees: &assignees})
	return failed("set labels and assignees", err)
}

// addLabels sends an object: the library's own call sends a bare list, which GitHub's description does not allow.
func (c pullWriter) addLabels(ctx context.Context, number int, labels []string) error {
	path := fmt.Sprintf("repos/%s/%s/issues/%d/labels", c.owner, c.name, number)
	req, err := c.rest.NewRequest(http.MethodPost, path, map[string][]string{"labels": labels})
	if err == nil {
		_, err = c.rest.Do(ctx, req, nil)
	}
	return failed("add labels", err)
}

// addAssignees fails with a droppedError when GitHub assigns only some of the names: it does not refuse the others.
func (c pullWriter) addAssignees(ctx context.Context, number int, names []string) error {
	done, _, err := c.rest.Issues.AddAssignees(ctx, c.owner, c.name, number, names)
	if err != nil {
		return failed("add assignees", err)
	}
	var have []string
	for _, u := range done.Assignees {
		have = append(have, u.GetLogin())
	}
	if lost := missing(names, have); len(lost) > 0 {
		return droppedError(lost)
	}
	return nil
}

func (c pullWriter) requestReviewers(ctx context.Context, number int, users, teams []string) error {
	_, _, err := c.rest.PullRequests.RequestReviewers(ctx, c.owner, c.name, number, github.ReviewersRequest{Reviewers: users, TeamReviewers: teams})
	return failed("request reviewers", err)
}

// merge merges the pull request if its head is still sha.
func (c pullWriter) merge(ctx context.Context, number int, sha, method string, text mergeText) (string, error) {
	options := &github.PullRequestOptions{SHA: sha, MergeMethod: strings.ToLower(method), CommitTitle: text.headline}
	done, _, err := c.rest.PullRequests.Merge(ctx, c.owner, c.name, number, text.body, options)
	return done.GetSHA(), failed(fmt.Sprintf("merge pull request #%d", number), err)
}

// failed turns the library's errors into ours. Addresses are left out: they can hold a download token.
func failed(what string, err error) error {
	if err == nil {
		return nil
	}
	var response *github.ErrorResponse
	var limited *github.RateLimitError
	var abuse *github.AbuseRateLimitError
	switch {
	case errors.As(err, &response):
		return &apiError{what: what, status: response.Response.StatusCode, message: messages(response), need: response.Response.Header.Get("X-Accepted-Github-Permissions")}
	case errors.As(err, &limited):
		return &apiError{what: what, status: limited.Response.StatusCode, message: limited.Message}
	case errors.As(err, &abuse):
		return &apiError{what: what, status: abuse.Response.StatusCode, message: abuse.Message}
	}
	return fmt.Errorf("%s: %w", what, withoutURL(err))
}

// messages joins GitHub's message with the entries of its error list.
func messages(r *github.ErrorResponse) string {
	parts := []string{r.Message}
	if r.Message == "" {
		parts[0] = http.StatusText(r.Response.StatusCode)
	}
	for _, e := range r.Errors {
		switch {
		case e.Message != "":
			parts = append(parts, e.Message)
		case e.Field != "":
			parts = append(parts, e.Field+" "+e.Code)
		}
	}
	return strings.Join(parts, ": ")
}

func withoutURL(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}
