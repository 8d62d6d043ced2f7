package record

import (
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

func TestAnAppListKnowsWhoIsBehind(t *testing.T) {
	l := &AppList{Apps: []string{"shop", "db"}, Behind: []Behind{{App: "db", At: "0"}, {App: "left"}}, Stored: StoredList{Version: "7"}}
	if !l.Names("shop") || l.Names("left") {
		t.Error("the file names two apps")
	}
	if b, is := l.IsBehind("db"); !is || b.At != "0" {
		t.Errorf("db is at %q, behind: %t", b.At, is)
	}
	if _, is := l.IsBehind("shop"); is {
		t.Error("shop is not behind")
	}
	r := New("shop")
	if r.After(l) {
		t.Error("a record that was saved under no list")
	}
	if r.Under = "7"; !r.After(l) {
		t.Error("a record that was saved on top of this list")
	}
	at := func(repo, path string) string { return ListName(report.Source{Repo: repo, Path: path}) }
	if one := at("a", "b"); one != at("a", "b") || one == at("a", "c") || one == at("b", "b") {
		t.Error("each repository and directory has a list of its own")
	}
}

func TestARecordKnowsWhetherItWasSaved(t *testing.T) {
	r := New("shop")
	if !r.Unsaved() || r.HasParent() {
		t.Error("a new record is not saved")
	}
	shards, err := r.Encode()
	if err != nil {
		t.Fatal(err)
	}
	for n, s := range shards {
		r.Stored.Written[n] = s
	}
	if r.Unsaved() {
		t.Error("it was saved as it is")
	}
	if r.Restore(object.Ref{Kind: configMaps, Namespace: "shop", Name: "x"}, "u"); !r.Unsaved() || !r.rows[object.Key{Group: "", Kind: "ConfigMap", Namespace: "shop", Name: "x"}].Adopted {
		t.Error("a row that was restored is new, and somebody else's perhaps")
	}
	if kinds := r.Kinds(); len(kinds) != 1 || kinds[0] != configMaps {
		t.Errorf("kinds %v", kinds)
	}
	empty, err := Decode(map[int]Shard{0: New("shop").Empty()})
	if err != nil || len(empty.rows) != 0 {
		t.Errorf("an empty record is read as %v, %v", empty, err)
	}
}

func TestWhoseObjectsHoldOthers(t *testing.T) {
	for kind, want := range map[object.Kind]bool{
		{Version: "v1", Kind: "Namespace"}: true, {Group: "apiextensions.k8s.io", Version: "v1", Kind: "CustomResourceDefinition"}: true,
		{Group: "example.com", Version: "v1", Kind: "Namespace"}: false, configMaps: false,
	} {
		if IsContainer(kind) != want || (Row{Ref: object.Ref{Kind: kind}, Adopted: true}).IsContainer() != want || (Row{Ref: object.Ref{Kind: kind}}).IsContainer() {
			t.Errorf("%v: want %t", kind, want)
		}
		if shared := want && kind.Group != ""; (Row{Ref: object.Ref{Kind: kind}, CreateOnly: true}).IsContainer() != shared {
			t.Errorf("%v, only created: want %t", kind, shared)
		}
	}
}

func TestHookRuns(t *testing.T) {
	var h Hooks
	ref := object.Ref{Kind: configMaps, Namespace: "shop", Name: "job-1"}
	h.Begin(HookRun{Phase: "PreSync", Name: "job", Ref: ref, Attempt: 1})
	h.Begin(HookRun{Phase: "PostSync", Name: "job", Ref: ref})
	h.Begin(HookRun{Phase: "PreSync", Name: "job", Ref: ref, Attempt: 2})
	if run := h.Run("PreSync", ref, "job"); len(h.Runs) != 2 || run == nil || run.Attempt != 2 {
		t.Errorf("%+v", h.Runs)
	}
	if h.Run("PreSync", ref, "other") != nil {
		t.Error("a run of another hook")
	}
	if h.Forget(func(r HookRun) bool { return r.Phase == "PreSync" }); len(h.Runs) != 1 || h.Runs[0].Phase != "PostSync" {
		t.Errorf("%+v", h.Runs)
	}
}

func TestMarksOfRecords(t *testing.T) {
	if !IsRecord(map[string]string{LabelApp: "shop", LabelManagedBy: Tool}) || IsRecord(map[string]string{LabelApp: "shop"}) || IsRecord(nil) {
		t.Error("a record has the label of its app, and is managed by us")
	}
	marked := &unstructured.Unstructured{}
	marked.SetAnnotations(map[string]string{AnnotationTooling: "kubectl-gitops/v1"})
	labelled := &unstructured.Unstructured{}
	labelled.SetLabels(map[string]string{LabelApp: "shop"})
	if !IsMarked(marked) || !IsMarked(labelled) || IsMarked(&unstructured.Unstructured{}) {
		t.Error("a record is marked by its label or its tooling")
	}
	if !MayBeParent(object.Ref{Kind: configMaps, Name: ParentName("shop")}) || MayBeParent(object.Ref{Kind: configMaps, Name: "shop"}) {
		t.Error("parents are named alike")
	}
	if s := ReadSuspension(nil); s != nil {
		t.Errorf("%+v", s)
	}
	if s := ReadSuspension(map[string]string{AnnotationSuspended: `{"reason":"a"}`}); s == nil || s.Reason != "a" {
		t.Errorf("%+v", s)
	}
	if s := ReadSuspension(map[string]string{AnnotationSuspended: "by hand"}); s == nil || s.Reason != "by hand" || !s.Until.IsZero() {
		t.Errorf("what does not parse suspends without an end, got %+v", s)
	}
}
