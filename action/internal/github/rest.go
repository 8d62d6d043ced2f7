// Package github is the only client of GitHub: its REST API, its GraphQL API, and the archives of commits.
//
// A Client is one repository. It repeats requests that are safe to repeat, waits when GitHub asks for it, and sends the token to
// the API's origin only. What a caller has to do about an answer is in the errors: ErrMoved, ErrUncertain, and Error with
// GitHub's words.
//
// The package makes no decision: it does not know what a promotion or a bump is. Callers say what to read and what to write.
package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/google/go-github/v62/github"
)

// MergeText is the message of the commit that merges a pull request. Without one some repositories take the title and the text
// of the pull request, which others can edit, trailers included.
type MergeText struct{ Headline, Body string }

// Config says which repository a client is for, and how it is reached.
type Config struct {
	APIURL     string // ends with a slash
	GraphQLURL string
	Token      string // is sent to the origin of APIURL only
	Repository string // owner/name

	Base  http.RoundTripper // makes the requests
	Sleep func(context.Context, time.Duration) error
	Now   func() time.Time
	Note  func(string) // gets a line for the log before a long wait
}

// Client is one repository on GitHub. Its own methods only read; Git and Pulls write.
type Client struct {
	*conn
	Git   Git
	Pulls Pulls
}

// Git writes commits and moves branches.
type Git struct{ *conn }

// Pulls writes pull requests and their comments.
type Pulls struct{ *conn }

// conn is what reading and writing share.
type conn struct {
	rest       *github.Client
	http       *http.Client
	graphqlURL string
	owner      string
	name       string
	id         string // GitHub's name of the repository, from the first read
}

// New returns a client that repeats what is safe to repeat and waits when GitHub asks for it. It makes no request.
func New(cfg Config) (*Client, error) {
	base, err := url.Parse(cfg.APIURL)
	if err != nil {
		return nil, fmt.Errorf("input api-url: %w", err)
	}
	t := &transport{base: cfg.Base, token: cfg.Token, origin: origin(base), sleep: cfg.Sleep, now: cfg.Now, note: cfg.Note}
	h := &http.Client{Transport: t, CheckRedirect: followRedirect}
	rest := github.NewClient(h)
	rest.BaseURL, rest.UploadURL = base, base
	rest.UserAgent = "gitops-action"
	owner, name, _ := strings.Cut(cfg.Repository, "/")
	c := &conn{rest: rest, http: h, graphqlURL: cfg.GraphQLURL, owner: owner, name: name}
	return &Client{conn: c, Git: Git{c}, Pulls: Pulls{c}}, nil
}

// Change is one file of a commit.
type Change struct {
	Path, Mode, Content string
	Blob                string // Git's name of contents that the repository has already; Content is not sent then
	Remove              bool
}

// CreateTree writes a tree: that of base with some files changed. It returns the name of the tree.
func (c Git) CreateTree(ctx context.Context, base string, changes []Change) (string, error) {
	entries := make([]*github.TreeEntry, 0, len(changes))
	for _, ch := range changes {
		if ch.Remove { // neither contents nor a name: the library sends "sha": null
			entries = append(entries, &github.TreeEntry{Path: &ch.Path, Mode: &ch.Mode, Type: github.String("blob")})
			continue
		}
		entry := &github.TreeEntry{Path: &ch.Path, Mode: &ch.Mode, Type: github.String("blob"), Content: &ch.Content}
		if ch.Blob != "" {
			entry.Content, entry.SHA = nil, &ch.Blob
		}
		entries = append(entries, entry)
	}
	tree, _, err := c.rest.Git.CreateTree(ctx, c.owner, c.name, base, entries)
	return tree.GetSHA(), busy(failed("write the tree", err))
}

// CreateCommit writes a commit and returns its name, and whether GitHub signed it. It names no author, so that GitHub signs the
// commit for the token's owner where it can.
func (c Git) CreateCommit(ctx context.Context, tree, message string, parents []string) (sha string, verified bool, err error) {
	commit := &github.Commit{Message: &message, Tree: &github.Tree{SHA: &tree}}
	for _, p := range parents {
		commit.Parents = append(commit.Parents, &github.Commit{SHA: &p})
	}
	done, _, err := c.rest.Git.CreateCommit(ctx, c.owner, c.name, commit, nil)
	return done.GetSHA(), done.GetVerification().GetVerified(), busy(failed("write the commit", err))
}

// CreateBranch makes a branch that points to a commit. It fails with ErrMoved when the branch exists by now.
func (c Git) CreateBranch(ctx context.Context, branch, sha string) error {
	_, _, err := c.rest.Git.CreateRef(ctx, c.owner, c.name, ref(branch, sha))
	err = failed("create the branch "+branch, err)
	if a, ok := Answered(err); ok && a.Status == http.StatusUnprocessableEntity && a.Says("already exists") {
		return fmt.Errorf("%w: %w", ErrMoved, err)
	}
	return busy(err)
}

// busy makes an ErrUncertain of the answers that GitHub gives while it is busy with the same repository, or does not see a new
// object everywhere yet. Most of these answers can also have a lasting reason, so a caller tries again a few times only.
func busy(err error) error {
	a, ok := Answered(err)
	switch {
	case !ok || Protected(a):
		return err
	case a.Status == http.StatusConflict,
		a.Status == http.StatusUnprocessableEntity && (a.Says("reference update failed") || a.Says("reference cannot be updated") || a.Says("object does not exist") || a.Says("sha does not exist")):
		return fmt.Errorf("%w: %w", ErrUncertain, err)
	}
	return err
}

// MoveBranch lets a branch point to a commit that descends from where the branch is now. GitHub compares and sets in one step:
// MoveBranch fails with ErrMoved when somebody else was faster, or the branch is gone.
func (c Git) MoveBranch(ctx context.Context, branch, sha string) error {
	_, _, err := c.rest.Git.UpdateRef(ctx, c.owner, c.name, ref(branch, sha), false)
	err = failed("update the branch "+branch, err)
	if a, ok := Answered(err); ok && a.Status == http.StatusUnprocessableEntity && (a.Says("fast forward") || a.Says("does not exist") || a.Says("but expected")) {
		return fmt.Errorf("%w: %w", ErrMoved, err)
	}
	return busy(err)
}

// MaxCompared is how many files a Comparison has at most. One with as many may lack some.
const MaxCompared = 300

// Comparison is what head changes since it left base.
type Comparison struct {
	Status    string // of head, seen from base: ahead, behind, diverged, identical
	MergeBase string
	Files     []ComparedFile
	Commits   []Commit // that base does not have, oldest first; not all of them when total is larger
	Total     int
}

// ComparedFile is a file that differs between two commits. Previous is its old path if it was renamed, Blob the hash of its
// content.
type ComparedFile struct {
	Path, Previous string // previous is set for a renamed file
	Status, Blob   string
}

// Compare finds what head changes since it left base. Both are commits or branches.
func (c *Client) Compare(ctx context.Context, base, head string) (Comparison, error) {
	done, _, err := c.rest.Repositories.CompareCommits(ctx, c.owner, c.name, base, head, &github.ListOptions{PerPage: 100})
	if err != nil {
		return Comparison{}, failed("compare two commits", err)
	}
	out := Comparison{Status: done.GetStatus(), MergeBase: done.GetMergeBaseCommit().GetSHA(), Total: done.GetTotalCommits()}
	for _, c := range done.Commits {
		text := Commit{SHA: c.GetSHA(), Tree: c.GetCommit().GetTree().GetSHA(), Message: c.GetCommit().GetMessage()}
		for _, p := range c.Parents {
			text.Parents = append(text.Parents, p.GetSHA())
		}
		out.Commits = append(out.Commits, text)
	}
	for _, f := range done.Files {
		out.Files = append(out.Files, ComparedFile{f.GetFilename(), f.GetPreviousFilename(), f.GetStatus(), f.GetSHA()})
	}
	return out, nil
}

func ref(branch, sha string) *github.Reference {
	return &github.Reference{Ref: github.String("refs/heads/" + branch), Object: &github.GitObject{SHA: &sha}}
}

// Open opens a pull request for the branch head. It fails with ErrMoved when the branch has a pull request by now, is gone, or is
// merged already.
func (c Pulls) Open(ctx context.Context, head, base, title, body string, draft bool) (PullRequest, error) {
	pr, _, err := c.rest.PullRequests.Create(ctx, c.owner, c.name, &github.NewPullRequest{Title: &title, Head: &head, Base: &base, Body: &body, Draft: &draft})
	err = failed("open the pull request", err)
	if a, ok := Answered(err); ok && a.Status == http.StatusUnprocessableEntity && (a.Says("already exists") || a.Says("head invalid") || a.Says("no commits between")) {
		return PullRequest{}, fmt.Errorf("%w: %w", ErrMoved, err)
	}
	if err != nil {
		return PullRequest{}, err
	}
	at := PullRef{Number: pr.GetNumber(), URL: pr.GetHTMLURL(), Body: body, HeadRefName: head, BaseRefName: base}
	return PullRequest{PullRef: at, ID: pr.GetNodeID(), Title: title, IsDraft: draft, Opened: true, Author: &struct{ Login string }{pr.GetUser().GetLogin()}}, nil
}

// Edit sets title and text of a pull request. It fails with ErrMoved when the branch is no longer at head, because whoever moved
// it wrote another text, and with ErrClosed when the pull request is closed by now.
func (c Pulls) Edit(ctx context.Context, p PullRequest, head, title, body string) error {
	what := fmt.Sprintf("update pull request #%d", p.Number)
	done, _, err := c.rest.PullRequests.Edit(ctx, c.owner, c.name, p.Number, &github.PullRequest{Title: &title, Body: &body})
	switch {
	case err != nil:
		return failed(what, err)
	case done.GetState() != "open":
		return fmt.Errorf("%w: %s: %w", ErrMoved, what, ErrClosed)
	case done.GetHead().GetSHA() != head:
		return fmt.Errorf("%w: %s: its branch moved to %s", ErrMoved, what, short(done.GetHead().GetSHA()))
	}
	return nil
}

// EditBody changes the text of a pull request and nothing else.
func (c Pulls) EditBody(ctx context.Context, number int, body string) error {
	_, _, err := c.rest.PullRequests.Edit(ctx, c.owner, c.name, number, &github.PullRequest{Body: &body})
	return failed(fmt.Sprintf("update pull request #%d", number), err)
}

// Close comments why and deletes the branch, which closes the pull request. It fails with ErrMoved when somebody has committed
// to the branch meanwhile.
func (c Pulls) Close(ctx context.Context, p PullRequest, comment string) error {
	if err := c.CommentOnce(ctx, p.Number, comment); err != nil {
		return err
	}
	return Git(c).deleteBranch(ctx, p.HeadRefName, p.HeadRef.Target.OID)
}

// CommentOnce adds a comment unless one with the same text is there. So a run that repeats what a failed run did comments once.
func (c Pulls) CommentOnce(ctx context.Context, number int, body string) error {
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

// EditComment replaces the text of a comment.
func (c Pulls) EditComment(ctx context.Context, id int64, body string) error {
	_, _, err := c.rest.Issues.EditComment(ctx, c.owner, c.name, id, &github.IssueComment{Body: &body})
	return failed("update the comment", err)
}

// SetLabelsAndAssignees replaces all labels and all assignees by one request. It is for a pull request that was just opened.
func (c Pulls) SetLabelsAndAssignees(ctx context.Context, number int, labels, assignees []string) error {
	_, _, err := c.rest.Issues.Edit(ctx, c.owner, c.name, number, &github.IssueRequest{Labels: &labels, Assignees: &assignees})
	return failed("set labels and assignees", err)
}

// AddLabels adds labels. It sends an object: the library's own call sends a bare list, which GitHub's description does not allow.
func (c Pulls) AddLabels(ctx context.Context, number int, labels []string) error {
	path := fmt.Sprintf("repos/%s/%s/issues/%d/labels", c.owner, c.name, number)
	req, err := c.rest.NewRequest(http.MethodPost, path, map[string][]string{"labels": labels})
	if err == nil {
		_, err = c.rest.Do(ctx, req, nil)
	}
	return failed("add labels", err)
}

// AddAssignees adds assignees. It fails with Dropped when GitHub assigns only some of them, which GitHub does not call an error.
func (c Pulls) AddAssignees(ctx context.Context, number int, names []string) error {
	done, _, err := c.rest.Issues.AddAssignees(ctx, c.owner, c.name, number, names)
	if err != nil {
		return failed("add assignees", err)
	}
	var have []string
	for _, u := range done.Assignees {
		have = append(have, u.GetLogin())
	}
	if lost := Missing(names, have); len(lost) > 0 {
		return Dropped(lost)
	}
	return nil
}

// RequestReviewers asks people and teams for a review.
func (c Pulls) RequestReviewers(ctx context.Context, number int, users, teams []string) error {
	_, _, err := c.rest.PullRequests.RequestReviewers(ctx, c.owner, c.name, number, github.ReviewersRequest{Reviewers: users, TeamReviewers: teams})
	return failed("request reviewers", err)
}

// Merge merges the pull request if its head is still sha, by the method MERGE, SQUASH or REBASE. It returns the commit that was
// made.
func (c Pulls) Merge(ctx context.Context, number int, sha, method string, text MergeText) (string, error) {
	options := &github.PullRequestOptions{SHA: sha, MergeMethod: strings.ToLower(method), CommitTitle: text.Headline}
	done, _, err := c.rest.PullRequests.Merge(ctx, c.owner, c.name, number, text.Body, options)
	return done.GetSHA(), failed(fmt.Sprintf("merge pull request #%d", number), err)
}

// failed turns the errors of the library into ours. It leaves addresses out, because they can hold a download token.
func failed(what string, err error) error {
	if err == nil {
		return nil
	}
	var response *github.ErrorResponse
	var limited *github.RateLimitError
	var abuse *github.AbuseRateLimitError
	switch {
	case errors.As(err, &response):
		return &Error{what: what, Status: response.Response.StatusCode, message: messages(response), Need: response.Response.Header.Get("X-Accepted-Github-Permissions")}
	case errors.As(err, &limited):
		return &Error{what: what, Status: limited.Response.StatusCode, message: limited.Message}
	case errors.As(err, &abuse):
		return &Error{what: what, Status: abuse.Response.StatusCode, message: abuse.Message}
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

func short(sha string) string { return sha[:min(7, len(sha))] }
