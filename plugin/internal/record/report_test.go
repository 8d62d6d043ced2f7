package record

import (
	"fmt"
	"slices"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/health"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
)

func TestPushKeepsTheLastRunsAndTellsAFailureOnce(t *testing.T) {
	ok := func(commit string) Run { return Run{Revision: Revision{Commit: commit}, Result: ResultSucceeded} }
	failed := func(commit, message string) Run {
		return Run{Revision: Revision{Commit: commit}, Result: ResultFailed, Message: message}
	}
	tests := []struct {
		name string
		runs []Run
		want []string // ids and commits, newest first
	}{
		{"first", []Run{ok("a")}, []string{"1 a"}},
		{"newest first", []Run{ok("a"), ok("b")}, []string{"2 b", "1 a"}},
		{"success is never a repetition", []Run{ok("a"), ok("a")}, []string{"2 a", "1 a"}},
		{"a failure that repeats", []Run{ok("a"), failed("b", "x"), failed("b", "x"), failed("b", "x")}, []string{"2 b", "1 a"}},
		{"a failure with another message", []Run{failed("b", "x"), failed("b", "y")}, []string{"2 b", "1 b"}},
		{"a failure of another commit", []Run{failed("b", "x"), failed("c", "x")}, []string{"2 c", "1 b"}},
		{"a failure after a success", []Run{failed("b", "x"), ok("b"), failed("b", "x")}, []string{"3 b", "2 b", "1 b"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var history []Run
			for _, r := range test.runs {
				history, _ = Push(history, r)
			}
			var got []string
			for _, r := range history {
				got = append(got, fmt.Sprintf("%d %s", r.ID, r.Revision.Commit))
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
	var history []Run
	for i := range 3 * MaxHistory {
		var news bool
		if history, news = Push(history, ok(fmt.Sprint(i))); !news {
			t.Fatal("a success is news")
		}
	}
	if len(history) != MaxHistory || history[0].ID != 3*MaxHistory {
		t.Errorf("%d entries, the newest is %d", len(history), history[0].ID)
	}
}

// The first two are in kubectl's own tests, the third follows from the same formula.
func TestApplySetID(t *testing.T) {
	tests := []struct{ name, namespace, kind, group, want string }{
		{"my-set", "test", "Secret", "", "applyset-0eFHV8ySqp7XoShsGvyWFQD3s96yqwHmzc4e0HR1dsY-v1"},
		{"my-set", "", "ApplySet", "company.com", "applyset-rhp1a-HVAVT_dFgyEygyA1BEB82HPp2o10UiFTpqtAs-v1"},
		{"my-set", "test", "ConfigMap", "", "applyset-gixR4KUFBNRxOPyC-scYMHmBW0ziohNNkE_oCmTLycQ-v1"},
	}
	for _, test := range tests {
		if got := ApplySetID(test.name, test.namespace, test.kind, test.group); got != test.want {
			t.Errorf("%s: got %s, want %s", test.kind, got, test.want)
		}
	}
}

func TestHintsNameKindsAndNamespacesOnce(t *testing.T) {
	rows := map[Key]Row{}
	for _, ref := range []cluster.Ref{
		{Kind: widgets, Name: "one"}, {Kind: widgets, Name: "two"}, {Kind: configMaps, Namespace: "b", Name: "x"},
		{Kind: configMaps, Namespace: "a", Name: "x"}, {Kind: configMaps, Namespace: "instance", Name: "x"},
	} {
		rows[KeyOf(ref)] = Row{Ref: ref}
	}
	kinds, namespaces := hints(rows, "instance")
	if !slices.Equal(kinds, []string{"ConfigMap", "Widget.example.com"}) || !slices.Equal(namespaces, []string{"a", "b"}) {
		t.Errorf("got %v and %v", kinds, namespaces)
	}
}

func TestParentOfSomebodyElseIsRefused(t *testing.T) {
	s := &Store{Namespace: "instance", Tool: "kubectl-gitops/v1.2.3"}
	parent := func(tooling, id string) *unstructured.Unstructured {
		u := &unstructured.Unstructured{}
		u.SetName(ParentName("shop"))
		u.SetAnnotations(map[string]string{annotationTooling: tooling})
		u.SetLabels(map[string]string{LabelID: id})
		return u
	}
	for _, ours := range []string{"kubectl-gitops/v1.2.3", "kubectl-gitops/v9", "kubectl-gitops/v0.0.0-x+y"} {
		if err := s.checkParent(parent(ours, s.ID("shop")), "shop"); err != nil {
			t.Errorf("%s: %v", ours, err)
		}
	}
	for name, u := range map[string]*unstructured.Unstructured{
		"another tool": parent("kubectl/v1.37", s.ID("shop")), "no tool": parent("", s.ID("shop")),
		"a longer name": parent("kubectl-gitops/fork/v1", s.ID("shop")), "a copy": parent("kubectl-gitops/v1", s.ID("other")),
	} {
		if err := s.checkParent(u, "shop"); err == nil || len(hint.Of(err)) == 0 {
			t.Errorf("%s: want an error with a hint, got %v", name, err)
		}
	}
}

func TestWorstHealth(t *testing.T) {
	var o Objects
	if o.Worst() != health.Healthy {
		t.Error("nothing is Healthy")
	}
	for _, h := range []health.State{health.Healthy, health.Suspended, health.Unknown, health.Progressing, health.Missing, health.Degraded} {
		if o.Add(h); o.Worst() != h {
			t.Errorf("with one %s the whole is %s", h, o.Worst())
		}
	}
	if o.Total != 6 {
		t.Errorf("%d objects", o.Total)
	}
}

func TestShortRevision(t *testing.T) {
	sha := "0123456789abcdef"
	for want, r := range map[string]Revision{"": {}, "0123456": {Commit: sha}, "main@0123456": {Commit: sha, Ref: "main"}} {
		if got := r.Short(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if got := (Revision{Commit: sha, Ref: sha}).Short(); got != "0123456" {
		t.Errorf("a commit as the ref: %q", got)
	}
}
