package live

import (
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
)

const ourID = "applyset-ours-v1"

var configMaps = object.Kind{Version: "v1", Kind: "ConfigMap", Resource: "configmaps", Namespaced: true}

func configMap(name string) object.Ref {
	return object.Ref{Kind: configMaps, Namespace: "shop", Name: name}
}

func labelled(name, set string) *unstructured.Unstructured {
	u := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "ConfigMap"}}
	u.SetName(name)
	u.SetNamespace("shop")
	u.SetLabels(map[string]string{record.LabelPartOf: set})
	return u
}

func TestCompareWithoutValues(t *testing.T) {
	base := record.Row{Ref: configMap("x"), UID: "u", ResourceVersion: "5", Manifest: "m", Owned: "o"}
	live := func(uid, version string, edit ...func(metav1.Object)) metav1.Object {
		m := &metav1.PartialObjectMetadata{}
		m.Name, m.Namespace, m.UID, m.ResourceVersion = "x", "shop", types.UID(uid), version
		m.Labels = map[string]string{record.LabelPartOf: ourID}
		for _, e := range edit {
			e(m)
		}
		return m
	}
	now := metav1.Now()
	tests := []struct {
		name string
		row  record.Row
		live metav1.Object
		with func(*Snapshot)
		want State
	}{
		{"as we left it", base, live("u", "5"), nil, InSync},
		{"written since", base, live("u", "6"), nil, NeedsRead},
		{"gone", base, nil, nil, Missing},
		{"another object", base, live("v", "5"), nil, Replaced},
		{"label changed", base, live("u", "6", func(m metav1.Object) { m.SetLabels(nil) }), nil, Missing},
		{"being deleted", base, live("u", "6", func(m metav1.Object) { m.SetDeletionTimestamp(&now) }), nil, Terminating},
		{"written ahead and never created", record.Row{Ref: base.Ref}, nil, nil, NotApplied},
		{"written ahead and created", record.Row{Ref: base.Ref}, live("u", "5"), nil, NotApplied},
		{"to be applied again", record.Row{Ref: base.Ref, UID: "u", ResourceVersion: "5"}, live("u", "5"), nil, NotApplied},
		{"kind not served", base, nil, func(s *Snapshot) { s.absent[base.Ref.Kind] = true }, KindGone},
		{"a server restored from a backup", base, live("u", "5"), func(s *Snapshot) { s.rewound = true }, NeedsRead},
		{"generation of a kind that has none", record.Row{Ref: base.Ref, UID: "u", ResourceVersion: "5", Manifest: "m", Metadata: "d"},
			live("u", "6"), nil, NeedsRead},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := New()
			if test.live != nil {
				s.objects[object.KeyOf(base.Ref)] = test.live
			}
			if test.with != nil {
				test.with(s)
			}
			if got := Compare(record.NewInventory("shop"), test.row, s, ourID); got != test.want {
				t.Errorf("got %d, want %d", got, test.want)
			}
		})
	}
}

func TestMemberNeedsOurLabel(t *testing.T) {
	k := object.KeyOf(configMap("x"))
	if s := New(); s.Member(k, ourID) != nil || s.Values(k, ourID) != nil {
		t.Error("a member out of nothing")
	}
	for label, want := range map[string]bool{ourID: true, "applyset-theirs-v1": false, "": false} {
		s := New()
		s.Add(configMaps, labelled("x", label))
		if (s.Member(k, ourID) != nil) != want || (s.Values(k, ourID) != nil) != want {
			t.Errorf("label %q: want a member %t", label, want)
		}
	}
}

func TestASnapshotKnowsWhoseLabelsAreInIt(t *testing.T) {
	s := New()
	put := func(name, label string) object.Key {
		s.Add(configMaps, labelled(name, label))
		return object.KeyOf(configMap(name))
	}
	a, b := put("a", ourID), put("b", "applyset-theirs-v1")
	check := func(id string, want ...object.Key) {
		t.Helper()
		got := s.Carrying(id)
		slices.SortFunc(got, func(x, y object.Key) int { return strings.Compare(x.Name, y.Name) })
		if !slices.Equal(got, want) {
			t.Errorf("%s: got %v, want %v", id, got, want)
		}
	}
	check(ourID, a)
	check("applyset-theirs-v1", b)
	c := put("c", ourID) // seen, though it was asked before
	check(ourID, a, c)
	put("a", "applyset-theirs-v1")
	check(ourID, c)
	s.Drop(c)
	check(ourID)
}

// H33: generation is trusted where the server is known to raise it, and nowhere else.
func TestOnlyKindsThatCountTheirChangesAreTrustedByGeneration(t *testing.T) {
	for _, test := range []struct {
		group      string
		generation int64
		want       bool
	}{
		{"apps", 1, true},
		{"networking.k8s.io", 3, true},
		{"shop.example.com", 1, true}, // a custom resource
		{"", 0, false},
		{"", 1, false},
		{"apps", 0, false},
		{"metrics.k8s.io", 0, false}, // an aggregated server that keeps no count
	} {
		row := record.Row{Ref: object.Ref{Kind: object.Kind{Group: test.group}}, Generation: test.generation}
		if got := countsChanges(row); got != test.want {
			t.Errorf("group %q, generation %d: %t", test.group, test.generation, got)
		}
	}
}
