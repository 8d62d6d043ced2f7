package action

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/kubectl-gitops/kubectl-gitops/action/internal/display"
	"github.com/kubectl-gitops/kubectl-gitops/action/internal/github"
	"github.com/kubectl-gitops/kubectl-gitops/action/internal/hint"
)

// The sticky comment of a preview starts with this, and it is updated in place.
const previewMarker = "<!-- gitops-action: preview -->\n"

const (
	maxComment      = 65536 // characters, GitHub's limit
	maxCommentBytes = 60_000
	maxSummary      = 900_000
)

// preview renders a pull request before and after, and says in one comment what it changes in the cluster. It writes
// nothing else.
func (r look) preview(ctx context.Context) (Result, error) {
	s, err := r.sides(ctx)
	if err != nil {
		return Result{}, err
	}
	if s == nil {
		return Result{}, hint.With(errors.New("preview: this run belongs to no pull request"), "run it on: pull_request, or give the pull-request-number input")
	}
	program, err := rendererPath(r.in.RendererPath, r.rep.s.Getenv)
	if err != nil {
		return Result{}, err
	}
	dir, remove, err := r.unpackSides(ctx, s)
	if err != nil {
		return Result{}, err
	}
	defer remove()
	pages := rendering{program: program, dir: dir, plainSecrets: r.in.AllowPlainSecrets}
	pages.roots = rootsOf(dir, r.in.Paths)
	whole, err := pages.markdown(ctx, maxSummary)
	if err != nil {
		return Result{}, err
	}
	unseen := unseenSection(dir, s.changed)
	whole = withVerdict(unseen, whole)
	short := whole
	if utf8.RuneCountInString(whole) > maxComment-1000 {
		if short, err = pages.markdown(ctx, maxCommentBytes); err != nil {
			return Result{}, err
		}
		short = withVerdict(unseen, short) + "\nThe whole preview is in the summary of [the run](" + r.in.event.runURL + ").\n"
	}
	res := Result{PullOperation: "none", Number: s.number, URL: fmt.Sprintf("%s/%s/pull/%d", r.in.ServerURL, r.in.Repository, s.number), Text: whole}
	res.ImageOnly = imageOnly(whole)
	if err := r.comment(ctx, s, short, &res); err != nil {
		return Result{}, err
	}
	return res, nil
}

// maxUnseen is how many files the section lists.
const maxUnseen = 20

// unseenSection names changed files that the archives of GitHub do not hold, because .gitattributes leaves them out or because
// they are submodules: nothing can be said about them, so the change is not about images only.
func unseenSection(dir string, changed []github.ComparedFile) string {
	var lines []string
	for _, f := range changed {
		if !inArchive(dir, "head", f.Path) && !inArchive(dir, "base", f.Path) {
			lines = append(lines, "- "+display.Code(f.Path)+"\n")
		}
	}
	n := len(lines)
	if n == 0 && len(changed) < github.MaxCompared {
		return ""
	}
	text := "**Image-only change: no**\n"
	if n > 0 {
		text += fmt.Sprintf("\n**Changed files that are not in GitHub's archive: %d**\n\n%s", n, strings.Join(lines[:min(n, maxUnseen)], ""))
	}
	if more := n - maxUnseen; more > 0 {
		text += fmt.Sprintf("- and %d more\n", more)
	}
	if len(changed) >= github.MaxCompared {
		text += fmt.Sprintf("\nAt least %d files change: GitHub does not list the others.\n", len(changed))
	}
	return text + "\n"
}

// withVerdict puts the section in front, whose verdict takes the place of the program's.
func withVerdict(unseen, text string) string {
	if unseen == "" {
		return text
	}
	for _, word := range []string{"yes", "no"} {
		text = strings.Replace(text, "**Image-only change: "+word+"**\n", "", 1)
	}
	return unseen + text
}

// inArchive says whether a file is there, be it a link.
func inArchive(dir, side, name string) bool {
	root, err := os.OpenRoot(filepath.Join(dir, side))
	if err != nil {
		return false
	}
	defer root.Close()
	info, err := root.Lstat(name)
	return err == nil && !info.IsDir()
}

// imageOnly is the verdict of all headings; "" when nothing changes.
func imageOnly(markdown string) string {
	verdict := ""
	for line := range strings.Lines(markdown) {
		switch strings.TrimRight(line, "\n") {
		case "**Image-only change: yes**":
			verdict = cmp.Or(verdict, "true")
		case "**Image-only change: no**":
			return "false"
		}
	}
	return verdict
}

// unpackSides writes both commits into a temporary directory.
func (r look) unpackSides(ctx context.Context, s *sides) (dir string, remove func(), err error) {
	if dir, err = os.MkdirTemp("", "gitops-action-"); err != nil {
		return "", nil, fmt.Errorf("make a temporary directory: %w", err)
	}
	remove = func() { _ = os.RemoveAll(dir) }
	root, err := os.OpenRoot(dir)
	if err == nil {
		err = errors.Join(r.client.Unpack(ctx, s.base, root, "base"), r.client.Unpack(ctx, s.head, root, "head"), root.Close())
	}
	if err != nil { // nothing is left behind
		remove()
		return "", nil, err
	}
	return dir, remove, nil
}

// comment brings the one comment up to date. It is left alone when the pull request has a newer head by now, and when the
// token may only read: then the summary has it all.
func (r look) comment(ctx context.Context, s *sides, text string, res *Result) error {
	if r.in.event.fork != "" && r.in.event.name == "pull_request" {
		res.Line = fmt.Sprintf("= previewed #%d in the summary only: it comes from %s, so the token is read-only", s.number, r.in.event.fork)
		return nil
	}
	if r.in.DryRun {
		res.Line = fmt.Sprintf("dry run: previewed #%d in the summary", s.number)
		return nil
	}
	info := s.info
	if info == nil {
		var err error
		if info, err = r.client.PullInfo(ctx, s.number); err != nil {
			return err
		}
	}
	if info.HeadRefOid != s.head {
		res.Line = fmt.Sprintf("= #%d has a newer commit, so its comment was not changed", s.number)
		return nil
	}
	body := r.rep.clean(previewMarker + display.Shorten(text, maxComment-len(previewMarker)-100))
	for _, have := range info.Comments.Nodes {
		if !have.ViewerDidAuthor || !strings.HasPrefix(have.Body, strings.TrimSpace(previewMarker)) {
			continue
		}
		if sameText(have.Body, body) {
			res.PullOperation, res.Line = "unchanged", fmt.Sprintf("= the preview of #%d is up to date", s.number)
			return nil
		}
		return r.commented(r.client.Pulls.EditComment(ctx, have.DatabaseID, body), s, "updated", res)
	}
	return r.commented(r.client.Pulls.CommentOnce(ctx, s.number, body), s, "created", res)
}

// commented words what became of the comment. A token that may not write is no failure: the summary has the preview.
func (r look) commented(err error, s *sides, operation string, res *Result) error {
	if a, ok := github.Answered(err); ok && a.Status == http.StatusForbidden {
		res.Line = fmt.Sprintf("= previewed #%d in the summary only", s.number)
		res.Notes = append(res.Notes, "no comment: the token lacks pull-requests: write")
		return nil
	}
	if err == nil {
		res.Changed, res.PullOperation, res.Line = true, operation, fmt.Sprintf("✓ %s the preview of #%d", operation, s.number)
	}
	return err
}
