package record

import (
	"testing"
	"time"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

func TestComplete(t *testing.T) {
	began := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	done := Completion{Revision: report.Revision{Commit: "c1"}, Config: "conf", Tool: "v1", Applied: began}
	r := New("shop")
	ref := object.Ref{Kind: configMaps, Namespace: "shop", Name: "x"}
	r.WriteAhead(ref, false)
	r.NoteForeign(ref.ID(), "told")
	r.NoteForeign("ConfigMap shop/gone", "told")
	r.MarkPending()
	if r.Complete(done); r.Pending || r.Installed != "c1" || r.Revision.Commit != "c1" || r.Config != "conf" || r.Tool != "v1" || !r.LastApplied.Equal(began) {
		t.Errorf("the first commit: %+v", r.Header)
	}
	if len(r.Foreign) != 1 || r.Foreign[ref.ID()] == "" {
		t.Errorf("told of objects: %v", r.Foreign)
	}
	if r.NoteForeign(ref.ID(), ""); len(r.Foreign) != 0 {
		t.Errorf("it was to be forgotten: %v", r.Foreign)
	}
	done.Revision.Commit, done.Applied, done.Deferred = "c2", time.Time{}, true
	if r.Complete(done); !r.Pending || r.Installed != "c1" || r.Revision.Commit != "c2" || !r.LastApplied.Equal(began) {
		t.Errorf("the second commit, of which an object waits for its kind: %+v", r.Header)
	}
	rebuilt := New("shop")
	rebuilt.Rebuilt, done.Deferred = true, false
	if rebuilt.Complete(done); !rebuilt.Pending || rebuilt.Installed != "" {
		t.Errorf("a rebuilt record is compared once more, and nobody knows its first commit: %+v", rebuilt.Header)
	}
}

func TestInputsAreNews(t *testing.T) {
	h := &Header{}
	one, charts, asked := &Inputs{Digest: "1"}, []Chart{{Name: "redis"}}, []string{"v1/Widget"}
	for i, step := range []struct {
		in     *Inputs
		charts []Chart
		asked  []string
		news   bool
	}{
		{nil, nil, nil, false}, {one, nil, nil, true}, {&Inputs{Digest: "1"}, nil, nil, false}, {&Inputs{Digest: "2"}, nil, nil, true},
		{one, charts, nil, true}, {one, charts, asked, true}, {one, charts, asked, false}, {nil, charts, asked, true},
	} {
		if news := h.NoteInputs(step.in, step.charts, step.asked); news != step.news || h.Inputs != step.in || len(h.Charts) != len(step.charts) || len(h.Asked) != len(step.asked) {
			t.Errorf("step %d: news %t, %+v", i, news, h)
		}
	}
	h.NoteInputs(one, nil, nil)
	if h.BeginWrites(); h.Inputs != nil {
		t.Error("while a run writes, the rows are those of no commit")
	}
	if h.Reverted(true, one); h.Inputs != one || !h.Pending {
		t.Error("a run that takes back drift changes nothing else")
	}
}

func TestWhoseRecordItIs(t *testing.T) {
	h, from := &Header{}, report.Source{Repo: "https://git.example.com/shop"}
	h.NoteSource(from, Settings{Namespace: "shop", PlainSecrets: true, List: "apps", Listed: []byte("{}")}, false)
	if h.Source != from || !h.Unproven || h.Target != "shop" || !h.PlainSecrets || h.List != "apps" || string(h.Settings) != "{}" {
		t.Errorf("%+v", h)
	}
	if h.NoteSource(from, Settings{}, true); h.Unproven || h.Target != "" || h.PlainSecrets || h.List != "" || h.Settings != nil {
		t.Errorf("on its own: %+v", h)
	}
	h.NoteCluster("one")
	if h.NoteCluster("two"); h.Cluster != "one" {
		t.Errorf("the record was made in cluster %s", h.Cluster)
	}
}

func TestHooksOfARemovalEnd(t *testing.T) {
	h := &Hooks{}
	h.Keep([]byte("packed"))
	h.SetDue(HooksDelete)
	if h.EndRemoval(); h.Kept != nil || h.Due != "" {
		t.Errorf("%+v", h)
	}
	h.SetDue(HooksUpgrade)
	if h.NoteRelease("r0"); h.Due != HooksUpgrade || h.Release != "r0" {
		t.Errorf("hooks that are due stay due: %+v", h)
	}
	if h.Finished("r1"); h.Due != "" || h.Release != "r1" {
		t.Errorf("%+v", h)
	}
	run := h.Begin(HookRun{Phase: "PreSync", Name: "job"})
	run.Created("u")
	run.Ended(report.ResultFailed, "exit code 1")
	run.Dropped()
	if got := h.Runs[0]; got.UID != "u" || got.Result != report.ResultFailed || got.Message != "exit code 1" || !got.Gone {
		t.Errorf("%+v", got)
	}
}
