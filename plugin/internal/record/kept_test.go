package record

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

func TestHooksAreKeptAsTheyAre(t *testing.T) {
	list := []KeptHook{{object.Ref{Kind: object.Kind{Group: "batch", Version: "v1", Kind: "Job", Resource: "jobs", Namespaced: true}, Namespace: "shop", Name: "drain"},
		json.RawMessage(`{"kind":"Job","spec":{"a":12345678901234567}}`)}}
	packed, err := PackHooks(list)
	if err != nil {
		t.Fatal(err)
	}
	again, _ := PackHooks(list)
	h := Hooks{Kept: packed}
	got, err := h.KeptHooks()
	if err != nil || !reflect.DeepEqual(got, list) || string(again) != string(packed) {
		t.Errorf("got %v, %v, want %v", got, err, list)
	}
	if packed, err = PackHooks(nil); err != nil || packed == nil || len(packed) != 0 {
		t.Errorf("no hooks are kept as %v, %v", packed, err)
	}
}

func TestDamagedHooksAreAnError(t *testing.T) {
	packed, err := PackHooks([]KeptHook{{Manifest: json.RawMessage(`{"kind":"Job"}`)}})
	if err != nil {
		t.Fatal(err)
	}
	for n := 1; n < len(packed); n++ {
		h := Hooks{Kept: packed[:n]}
		if list, err := h.KeptHooks(); err == nil {
			t.Errorf("%d bytes of %d are read as %v", n, len(packed), list)
		}
		h.Kept = append([]byte{}, packed...)
		h.Kept[n] ^= 4
		if list, err := h.KeptHooks(); err == nil && n > 9 { // the head of gzip says nothing of the content
			t.Errorf("with another byte %d it is read as %v", n, list)
		}
	}
}

func TestARemovalThatIsGivenUpCountsForNothing(t *testing.T) {
	h := Hooks{Due: HooksDelete, Runs: []HookRun{{Phase: "PreDelete", Release: "a", Result: report.ResultSucceeded}}}
	h.SetDue(HooksDelete)
	if h.Runs[0].Release != "a" {
		t.Error("a removal that goes on forgets what has run")
	}
	h.SetDue(HooksUpgrade)
	if h.Runs[0].Release != "" || h.Due != HooksUpgrade {
		t.Errorf("%+v", h)
	}
}
