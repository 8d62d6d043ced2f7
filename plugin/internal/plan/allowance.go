package plan

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/near"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// TrailerAllow is the commit trailer that allows N deletions beyond the budget.
const TrailerAllow = "Gitops-Allow-Deletions"

// Allowance is what commit messages allow beyond the deletion budget. Found has the trailers, each with its commit and, if
// it does not count, why.
type Allowance struct {
	Deletions int // number of objects
	Found     []string
}

// said words what was found, for the end of a refusal.
func (a Allowance) said() string {
	if len(a.Found) == 0 {
		return ""
	}
	return "\n" + strings.Join(a.Found, "\n")
}

// Commit is what a commit says about deletions.
type Commit struct {
	Id        string
	Parents   []string
	Message   string
	Untrusted error // why its signature is not trusted; nil where it is, or where none is asked for
}

// AllowedBy adds up what commits allow; children must come before their parents. The number of a merge commit and those of
// the commits that it merges are about the same deletions: the larger one counts.
func AllowedBy(commits []Commit) Allowance {
	var a Allowance
	s := allowanceSum{commits: map[string]Commit{}, own: map[string]int{}, counted: map[string]bool{}}
	for _, c := range commits {
		n, found := allowanceOf(c.Message, c.Untrusted)
		s.commits[c.Id], s.own[c.Id] = c, n
		for _, text := range found {
			a.Found = append(a.Found, "commit "+report.Revision{Commit: c.Id}.Short()+" has "+text)
		}
	}
	if len(commits) > 0 {
		a.Deletions = s.along(commits[0].Id)
	}
	return a
}

// allowanceSum adds up the numbers of commits, each once.
type allowanceSum struct {
	commits map[string]Commit
	own     map[string]int
	counted map[string]bool
}

// along adds up the branch that ends with the commit tip, from its oldest commit on.
func (s allowanceSum) along(tip string) int {
	var branch []Commit
	for c, known := s.commits[tip]; known && !s.counted[c.Id]; c, known = s.commits[c.Parents[0]] {
		s.counted[c.Id] = true
		branch = append(branch, c)
		if len(c.Parents) == 0 {
			break
		}
	}
	total := 0
	for i := len(branch) - 1; i >= 0; i-- {
		merged := 0
		for _, parent := range branch[i].Parents[min(1, len(branch[i].Parents)):] {
			merged += s.along(parent)
		}
		total += max(s.own[branch[i].Id], merged)
	}
	return total
}

// mostDeletions keeps sums of numbers from commit messages far from overflowing.
const mostDeletions = 1_000_000

// trailerLike matches a line, or a part of one, that was meant to be the trailer.
var trailerLike = regexp.MustCompile(`(?i)^(.*?)\b(git-?ops[-_ ]*allow[-_ ]*[a-z]*|[a-z]*[-_ ]?allow[-_ ]*(?:delet|prun|remov)[a-z]*)\b(\s*[:=]?\s*)(.*)$`)

// allowanceOf reads the trailer from a commit message: a line of its own, anywhere below the subject, since forges put
// the messages of several commits into that of a squash. Several numbers add up. found are the lines that were meant to
// be the trailer, with what is wrong about them. An untrusted commit allows nothing.
func allowanceOf(message string, untrusted error) (n int, found []string) {
	for line := range strings.SplitSeq(message, "\n") {
		line = strings.TrimSpace(line)
		name, value, colon := strings.Cut(line, ":")
		exact := colon && strings.EqualFold(strings.TrimSpace(name), TrailerAllow)
		if !exact && !meansTrailer(line, name) {
			continue
		}
		allowed, why := 0, ""
		if exact {
			allowed, why = deletionsOf(strings.TrimSpace(value))
		} else {
			why = notTheTrailer(line)
		}
		if why == "" && untrusted != nil {
			allowed, why = 0, "its signature is not trusted"
		}
		n = min(n+allowed, mostDeletions)
		text := strconv.Quote(short(line))
		if why != "" {
			text += ", which does not count: " + why
		}
		found = append(found, text)
	}
	return n, found
}

// meansTrailer tells whether a line that is not the trailer was probably meant to be it.
func meansTrailer(line, name string) bool {
	if trailerLike.MatchString(line) {
		return true
	}
	letters := func(s string) string {
		return strings.Map(func(r rune) rune {
			if r >= 'a' && r <= 'z' {
				return r
			}
			return -1
		}, strings.ToLower(s))
	}
	return near.Distance(letters(name), letters(TrailerAllow)) <= 4
}

// notTheTrailer says what is wrong about such a line.
func notTheTrailer(line string) string {
	m := trailerLike.FindStringSubmatch(line)
	switch {
	case m != nil && strings.Contains(strings.ToLower(line), strings.ToLower(TrailerAllow)+":"):
		return "it has to be a line of its own"
	case m != nil && strings.EqualFold(m[2], TrailerAllow):
		return "a colon has to follow the name: " + TrailerAllow + ": N"
	}
	return "the name is " + TrailerAllow
}

// deletionsOf reads the number of a trailer, or says what is wrong about it.
func deletionsOf(value string) (n int, why string) {
	n, err := strconv.Atoi(value)
	switch {
	case value == "":
		return 0, "a number has to follow"
	case err != nil:
		return 0, strconv.Quote(short(value)) + " is not a whole number"
	case n < 0:
		return 0, "the number is below zero"
	}
	return min(n, mostDeletions), ""
}

// short cuts a line that somebody else wrote.
func short(line string) string {
	const most = 80
	if r := []rune(line); len(r) > most {
		return string(r[:most]) + "..."
	}
	return line
}
