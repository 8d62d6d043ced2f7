package git

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
)

// expression is a ref and the way from it to the commit that is meant, as gitrevisions(7) writes it: main~2, HEAD^2.
type expression struct {
	ref   string // a ref name, a commit, or "" for HEAD
	steps []step
}

// step goes to an ancestor: n times to the first parent for ~, to the n-th parent for ^.
type step struct {
	sign byte
	n    int
}

// maxGenerations bounds how far back an expression goes.
const maxGenerations = 10_000

var (
	stepForm = regexp.MustCompile(`^(?:\^\{([^}]*)\}|([~^])([0-9]*))`)
	// described is what git describe gives: a tag, how many commits follow it, and the hash.
	described = regexp.MustCompile(`^.+-[0-9]+-g([0-9a-fA-F]{4,40})$`)
	shortForm = regexp.MustCompile(`^[0-9a-fA-F]{4,39}$`)
)

// parseRef takes a ref and its steps apart. What names no commit is an error.
func parseRef(text string) (expression, error) {
	at := strings.IndexAny(text, "~^")
	e := expression{ref: text}
	if at >= 0 {
		e.ref = text[:at]
	}
	if e.ref == "@" {
		e.ref = "HEAD"
	}
	if err := checkRef(e.ref); err != nil {
		return e, notAnExpression(text, err)
	}
	if at < 0 {
		return e, nil
	}
	if at == 0 {
		return e, hint.With(fmt.Errorf("%q is not a ref name", text), "name a branch, a tag or a commit before %c", text[0])
	}
	for rest := text[at:]; rest != ""; {
		m := stepForm.FindStringSubmatch(rest)
		if m == nil {
			return e, hint.With(fmt.Errorf("ref %q cannot be read from %q on", text, rest), "write it as in main~2, main^2 or v1.0.0^{commit}")
		}
		rest = rest[len(m[0]):]
		if m[2] == "" {
			if m[1] != "" && m[1] != "commit" {
				return e, hint.With(fmt.Errorf("ref %q: ^{%s} is not a commit", text, m[1]), "end it with ^{commit}, or leave that out")
			}
			continue
		}
		n, err := 1, error(nil)
		if m[3] != "" {
			n, err = strconv.Atoi(m[3])
		}
		if err != nil || n > maxGenerations {
			return e, fmt.Errorf("ref %q goes back more than %d commits", text, maxGenerations)
		}
		if n > 0 { // ~0 and ^0 are the commit itself
			e.steps = append(e.steps, step{m[2][0], n})
		}
	}
	if e.generations() > maxGenerations {
		return e, fmt.Errorf("ref %q goes back more than %d commits", text, maxGenerations)
	}
	return e, nil
}

// generations is how many commits lie between the ref and what is meant.
func (e expression) generations() int {
	n := 0
	for _, s := range e.steps {
		if s.sign == '~' {
			n += s.n
		} else {
			n++
		}
	}
	return n
}

// key tells expressions with the same steps.
func (e expression) key() string {
	var out strings.Builder
	for _, s := range e.steps {
		fmt.Fprintf(&out, "%c%d", s.sign, s.n)
	}
	return out.String()
}

// shortHash returns the digits of a commit that a ref name may stand for.
func shortHash(ref string) (digits string, ok bool) {
	if m := described.FindStringSubmatch(ref); m != nil {
		return strings.ToLower(m[1]), true
	}
	return strings.ToLower(ref), shortForm.MatchString(ref)
}

// notAnExpression says more about forms of gitrevisions(7) that name no commit of a repository.
func notAnExpression(text string, err error) error {
	switch {
	case strings.Contains(text, "@{"):
		return hint.Errorf(fmt.Sprintf("ref %q: earlier positions of a branch are only in the reflog of one checkout, which is not read", text),
			"name the commit: `git rev-parse '%s'` prints it", text)
	case strings.Contains(text, ".."):
		return hint.Errorf(fmt.Sprintf("ref %q is a range of commits", text), "name one branch, tag or commit")
	case strings.Contains(text, ":"):
		return hint.Errorf(fmt.Sprintf("ref %q names a file or directory, or searches for a commit", text), "name a branch, a tag or a commit; a directory is named by --path")
	}
	return err
}

// errRefNotFound is the cause when a repository has no such ref.
var errRefNotFound = errors.New("not found")

// checkRef applies the rules of git-check-ref-format(1), so that a ref never becomes a path or an expression.
func checkRef(ref string) error {
	if err := checkText("ref", ref); err != nil {
		return err
	}
	if ref == "" || isCommit(ref) {
		return nil
	}
	bad := strings.ContainsAny(ref, " ~^:?*[\\") || strings.Contains(ref, "..") || strings.Contains(ref, "@{") ||
		strings.Contains(ref, "//") || strings.HasPrefix(ref, "/") || strings.HasSuffix(ref, "/") ||
		strings.HasSuffix(ref, ".") || ref == "@"
	for part := range strings.SplitSeq(ref, "/") {
		bad = bad || strings.HasPrefix(part, ".") || strings.HasSuffix(part, ".lock")
	}
	if bad {
		return hint.With(fmt.Errorf("%q is not a ref name", ref), "name a branch, a tag or a commit")
	}
	return nil
}
