package fields

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
)

// Extra is a field that somebody added beside those that our manager applied, which server-side apply never takes away.
type Extra struct {
	Path    string // as Dotted writes it
	Manager string // "" when nobody owns the field: somebody rewrote managedFields
}

// Beside lists what people added to live with kubectl, and the keys of data, labels and annotations that nobody owns
// any more. What controllers add is not told, nor is what the server fills in elsewhere: nobody owns defaults either;
// nor what kubectl and the server note for themselves, and when kubectl restarts a workload. Of metadata alone the keys of data are not told.
// It is empty when ours has no entry.
func Beside(live metav1.Object, ours string) []Extra {
	var out []Extra
	for _, e := range beside(live, ours) {
		out = append(out, Extra{Path: Dotted(e.path), Manager: e.manager})
	}
	return out
}

type extra struct {
	path    fieldpath.Path
	manager string
	others  *fieldpath.Set // of those who are not people
}

func beside(live metav1.Object, ours string) []extra {
	if u, whole := live.(*unstructured.Unstructured); whole && undisputed(u) {
		return nil
	}
	set, ok, err := Applied(live, ours)
	if !ok || err != nil {
		return nil
	}
	var out []extra
	owned, others := set, set
	for _, e := range live.GetManagedFields() {
		theirs, err := decode(e)
		if err != nil {
			return nil
		}
		owned = owned.Union(theirs)
		if !byHand(e, ours) {
			others = others.Union(theirs)
			continue
		}
		theirs.Leaves().Difference(set).Iterate(func(p fieldpath.Path) {
			if !owns(set, p) && !bookkeeping(p) {
				out = append(out, extra{path: p.Copy(), manager: e.Manager})
			}
		})
	}
	for at, keys := range openMaps(live) {
		for _, key := range slices.Sorted(maps.Keys(keys)) {
			if p := append(pathOf(at), fieldpath.PathElement{FieldName: &key}); !owns(owned, p) && !bookkeeping(p) {
				out = append(out, extra{path: p})
			}
		}
	}
	for i := range out {
		out[i].others = others
	}
	slices.SortStableFunc(out, func(a, b extra) int { return cmp.Compare(Dotted(a.path), Dotted(b.path)) })
	return out
}

// undisputed tells of most objects, without decoding anything, that one manager owns all there is to own.
func undisputed(u *unstructured.Unstructured) bool {
	entries := rawEntries(u)
	if len(entries) != 1 {
		return false
	}
	for at, keys := range openMaps(u) {
		owned := entries[0]["fieldsV1"]
		for name := range strings.SplitSeq(at, ".") {
			below, _ := owned.(map[string]any)
			owned = below["f:"+name]
		}
		names, _ := owned.(map[string]any)
		for key := range keys {
			if _, there := names["f:"+key]; !there {
				return false
			}
		}
	}
	return true
}

// openMaps are the maps of an object that hold nothing but what somebody put there.
func openMaps(live metav1.Object) map[string]map[string]any {
	out := map[string]map[string]any{"metadata.labels": anyMap(live.GetLabels()), "metadata.annotations": anyMap(live.GetAnnotations())}
	if u, whole := live.(*unstructured.Unstructured); whole {
		out["data"], _ = u.Object["data"].(map[string]any)
	}
	return out
}

func pathOf(dotted string) fieldpath.Path {
	var p fieldpath.Path
	for name := range strings.SplitSeq(dotted, ".") {
		p = append(p, fieldpath.PathElement{FieldName: &name})
	}
	return p
}

// bookkeeping tells what kubectl keeps on objects for itself, what restarts a workload, and what the server writes on
// every Namespace and DaemonSet, as nobody.
func bookkeeping(p fieldpath.Path) bool {
	last := p[len(p)-1].FieldName
	if last == nil {
		return false
	}
	switch *last {
	case "kubectl.kubernetes.io/last-applied-configuration", "kubectl.kubernetes.io/restartedAt", "kubernetes.io/change-cause",
		"kubernetes.io/metadata.name", "deprecated.daemonset.template.generation":
		return true
	}
	return false
}

// Added tells whether Beside would list anything that people added, by metadata alone.
func Added(live metav1.Object, ours string) bool {
	if !slices.ContainsFunc(live.GetManagedFields(), func(e metav1.ManagedFieldsEntry) bool { return byHand(e, ours) }) {
		return false // most objects: nothing needs to be decoded
	}
	return slices.ContainsFunc(beside(live, ours), func(e extra) bool { return e.manager != "" })
}

// Strip returns what a JSON patch takes away to leave nothing of what Beside lists, and the fields with their values. A
// field goes with what it is in, as far up as nobody else owns anything there.
func Strip(live *unstructured.Unstructured, ours string) (patch []map[string]any, gone []Difference) {
	type place struct {
		pointer []string
		diff    Difference
	}
	places := map[string]place{}
	for _, e := range beside(live, ours) {
		for n := 1; n <= len(e.path); n++ {
			if owns(e.others, e.path[:n]) {
				continue
			}
			if pointer, v, ok := resolve(live.Object, e.path[:n]); ok {
				places[strings.Join(pointer, "/")] = place{pointer, Difference{Path: Dotted(e.path[:n]), From: v, path: e.path[:n]}}
			}
			break
		}
	}
	list := slices.SortedFunc(maps.Values(places), func(a, b place) int { return -comparePointers(a.pointer, b.pointer) }) // indices count down
	for _, p := range list {
		escaped := ""
		for _, s := range p.pointer {
			escaped += "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(s)
		}
		patch = append(patch, map[string]any{"op": "remove", "path": escaped})
		gone = append(gone, p.diff)
	}
	slices.Reverse(gone)
	return patch, gone
}

// Drop takes the fields of Strip out of u.
func Drop(u *unstructured.Unstructured, gone []Difference) {
	set := fieldpath.NewSet()
	for _, d := range gone {
		set.Insert(d.path)
	}
	Remove(u.Object, set)
}

func comparePointers(a, b []string) int {
	for i := range min(len(a), len(b)) {
		x, errX := strconv.Atoi(a[i])
		y, errY := strconv.Atoi(b[i])
		c := cmp.Compare(a[i], b[i])
		if errX == nil && errY == nil {
			c = cmp.Compare(x, y)
		}
		if c != 0 {
			return c
		}
	}
	return cmp.Compare(len(a), len(b))
}

// resolve turns a path into the segments of a JSON pointer, and returns the value there.
func resolve(at any, p fieldpath.Path) ([]string, any, bool) {
	var out []string
	for _, pe := range p {
		v, ok := child(at, pe)
		if !ok {
			return nil, nil, false
		}
		if pe.FieldName != nil {
			out = append(out, *pe.FieldName)
		} else {
			list, _ := at.([]any)
			i := slices.IndexFunc(list, func(item any) bool { return equal(item, v) })
			out = append(out, fmt.Sprint(i))
		}
		at = v
	}
	return out, at, true
}
