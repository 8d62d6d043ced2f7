package reconcile

import (
	"fmt"
	"strings"
	"testing"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/pass"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

func TestFieldSameRef(t *testing.T) {
	for _, c := range []struct {
		name, given, known, resolved string
		want                         bool
	}{
		{"M3 the same name", "main", "main", "", true},
		{"M3 in full", "refs/heads/main", "main", "", true},
		{"M3 a tag in full", "v1.0.0", "refs/tags/v1.0.0", "", true},
		{"M3 HEAD is no name", "HEAD", "", "main", true},
		{"M3 left out, and HEAD is the known branch", "", "main", "main", true},
		{"M3 left out, and HEAD is another branch", "", "main", "develop", false},
		{"M3 another branch", "feature/x", "main", "feature/x", false},
		{"M3 a branch whose name ends like it", "x/main", "main", "x/main", false},
		{"M3 a branch where HEAD is known", "main", "", "main", false}, // HEAD may be another one tomorrow
		{"M3 a commit", strings.Repeat("ab", 20), "main", "", false},
		{"M3 no branch was found", "", "main", "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := pass.SameRef(c.given, c.known, c.resolved); got != c.want {
				t.Errorf("%v", got)
			}
		})
	}
}

func TestFieldWarnForgotten(t *testing.T) {
	for _, c := range []struct {
		name     string
		was, now report.Source
		want     string
	}{
		{"M4 nothing differs", report.Source{Repo: "r", Ref: "main"}, report.Source{Repo: "r", Ref: "main"}, ""},
		{"M4 another ref", report.Source{Repo: "r", Ref: "main"}, report.Source{Repo: "r", Ref: "x"}, "--ref (main)"},
		{"M4 HEAD before", report.Source{Repo: "r"}, report.Source{Repo: "r", Ref: "x"}, "--ref (the default)"},
		{"M4 all of them", report.Source{Repo: "r", Ref: "main", Path: "a"}, report.Source{Repo: "s", Ref: "x", Path: "b"}, "--repo (r), --ref (main), --path (a)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := ""
			pass.WarnForgotten(func(_ report.EventKind, format string, args ...any) { got = fmt.Sprintf(format, args...) }, c.was, c.now)
			if !strings.HasSuffix(got, c.want) || c.want == "" && got != "" {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}
