package plan

import (
	"errors"
	"strings"
	"testing"
)

func TestFieldAllowanceOfAMessage(t *testing.T) {
	for _, test := range []struct {
		name, message string
		want          int
		found         string // of all findings
	}{
		{"M9 none", "subject\n\nbody", 0, ""},
		{"M9 empty", "", 0, ""},
		{"M9 allowing is no trailer", "Allow the shop to write\n\nThis will allow: reading", 0, ""},
		{"M9 the last paragraph", "subject\n\nbody\n\nGitops-Allow-Deletions: 3\nSigned-off-by: Ada <a@b>", 3, `"Gitops-Allow-Deletions: 3"`},
		{"M9 any case, no space", "subject\n\nSigned-off-by: Ada <a@b>\ngitops-allow-deletions:7\n", 7, `"gitops-allow-deletions:7"`},
		{"M9 the subject itself", "Gitops-Allow-Deletions: 4", 4, ""},
		{"M9 a squash with co-authors", "Tidy (#7)\n\n* Drop a\n\nGitops-Allow-Deletions: 3\n\n* Drop b\n\nGitops-Allow-Deletions: 4\n\n---------\n\nCo-authored-by: A <a@b>", 7, ""},
		{"M9 line breaks of Windows", "subject\r\n\r\nGitops-Allow-Deletions: 4\r\n", 4, ""},
		{"M9 zero", "subject\n\nGitops-Allow-Deletions: 0", 0, `"Gitops-Allow-Deletions: 0"`},
		{"M9 singular", "s\n\nGitops-Allow-Deletion: 3", 0, `"Gitops-Allow-Deletion: 3", which does not count: the name is Gitops-Allow-Deletions`},
		{"M9 a letter is missing", "s\n\nGitops-Alow-Deletions: 3", 0, "the name is Gitops-Allow-Deletions"},
		{"M9 another word", "s\n\nGitops-Allow-Deletes: 3", 0, "the name is Gitops-Allow-Deletions"},
		{"M9 a prefix is missing", "s\n\nAllow-Deletions: 3", 0, "the name is Gitops-Allow-Deletions"},
		{"M9 pruning", "s\n\nGitops-Allow-Pruning: 3", 0, "the name is Gitops-Allow-Deletions"},
		{"M9 spaces", "s\n\nGitops Allow Deletions: 3", 0, "the name is Gitops-Allow-Deletions"},
		{"M9 underscores", "s\n\ngitops_allow_deletions: 3", 0, "the name is Gitops-Allow-Deletions"},
		{"M9 no colon", "s\n\nGitops-Allow-Deletions 3", 0, "a colon has to follow the name"},
		{"M9 equals sign", "s\n\nGitops-Allow-Deletions=3", 0, "a colon has to follow the name"},
		{"M9 no number", "s\n\nGitops-Allow-Deletions:", 0, "a number has to follow"},
		{"M9 a word", "s\n\nGitops-Allow-Deletions: all", 0, `"all" is not a whole number`},
		{"M9 number and word", "s\n\nGitops-Allow-Deletions: 3 objects", 0, `"3 objects" is not a whole number`},
		{"M9 below zero", "s\n\nGitops-Allow-Deletions: -5", 0, "below zero"},
		{"M9 too large for a number", "s\n\nGitops-Allow-Deletions: 99999999999999999999", 0, "is not a whole number"},
		{"M9 very large", "s\n\nGitops-Allow-Deletions: 9000000000000000000\nGitops-Allow-Deletions: 9000000000000000000", mostDeletions, ""},
		{"M9 within a sentence", "s\n\nWe use Gitops-Allow-Deletions: 3 here", 0, "it has to be a line of its own"},
		{"M9 joined with the subject", "Drop them Gitops-Allow-Deletions: 3", 0, "it has to be a line of its own"},
		{"M9 in a list", "s\n\n* Gitops-Allow-Deletions: 3", 0, "it has to be a line of its own"},
	} {
		t.Run(test.name, func(t *testing.T) {
			n, found := allowanceOf(test.message, nil)
			all := strings.Join(found, "\n")
			if n != test.want || !strings.Contains(all, test.found) || test.found == "" && test.want == 0 && all != "" {
				t.Errorf("allows %d, found %q, want %d, %q", n, all, test.want, test.found)
			}
		})
	}
	if n, found := allowanceOf("s\n\nGitops-Allow-Deletions: 3", errors.New("unsigned")); n != 0 || !strings.Contains(found[0], "its signature is not trusted") {
		t.Errorf("an untrusted commit allows %d: %q", n, found)
	}
}

func TestFieldAllowanceOfARange(t *testing.T) {
	of := func(name, message, parents string) Commit {
		return Commit{Id: name, Message: message, Parents: strings.Fields(parents)}
	}
	allow := func(n string) string { return "x\n\nGitops-Allow-Deletions: " + n }
	for _, test := range []struct {
		name    string
		commits []Commit
		want    int
	}{
		{"M9 no commits", nil, 0},
		{"M9 below the tip", []Commit{of("c", "readme", "b"), of("b", allow("5"), "a")}, 5},
		{"M9 numbers add up", []Commit{of("c", allow("2"), "b"), of("b", allow("5"), "a")}, 7},
		{"M9 a merge commit on top", []Commit{of("m", "Merge pull request #1", "a t"), of("t", allow("5"), "a")}, 5},
		{"M9 a merge that repeats it", []Commit{of("m", allow("5"), "a t"), of("t", allow("5"), "a")}, 5},
		{"M9 a merge of two that adds up", []Commit{of("m", allow("6"), "b t2"), of("t2", allow("3"), "t1"), of("b", allow("1"), "a"), of("t1", allow("4"), "a")}, 8},
		{"M9 a merge within the branch", []Commit{of("m", "merge", "b t2"), of("b", "b", "a"), of("t2", "merge main", "t1 b"), of("t1", allow("4"), "a")}, 4},
		{"M9 an octopus", []Commit{of("m", "merge", "a x y"), of("x", allow("1"), "a"), of("y", allow("2"), "a")}, 3},
		{"M9 a root", []Commit{of("a", allow("9"), "")}, 9},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := AllowedBy(test.commits); got.Deletions != test.want {
				t.Errorf("%d, want %d", got.Deletions, test.want)
			}
		})
	}
}
