package fields

import (
	"cmp"
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
)

// Leftover is a part of a live object that Git does not set and that may go: nobody owns it, or only people's kubectl and
// former tools do. It is as large as it can be: a field, or a list item, with all that is in it.
type Leftover struct {
	Difference
	By      *Owner // the newest of its owners; nil for a default of the server, which nobody owns
	Edit    bool   // a person changed it, which is more than to have made the object
	Instead bool   // it took the place of a list item of ours, which is missing
}

// In tells whether l is in the field of these names, or the field is in l. List items have no names of their own.
func (l Leftover) In(names []string) bool {
	i := 0
	for _, pe := range l.path {
		if pe.FieldName == nil {
			continue
		}
		if i == len(names) {
			return true
		}
		if *pe.FieldName != names[i] {
			return false
		}
		i++
	}
	return true
}

// Left returns the value that u has where l was: a default takes the place of what went.
func (l Leftover) Left(u *unstructured.Unstructured) any {
	_, v, _ := resolve(u.Object, l.path)
	return v
}

// OpenMap tells whether l is a key of data, labels or annotations: a map that holds nothing but what somebody put there.
func (l Leftover) OpenMap() bool {
	if len(l.path) == 0 || l.path[0].FieldName == nil {
		return false
	}
	return *l.path[0].FieldName == "metadata" || *l.path[0].FieldName == "data" && len(l.path) == 2
}

// Leftovers lists what of live may go, in path order. It leaves out status, the metadata other than labels and annotations, what
// our own last apply alone set, since the next one takes that away, and what kubectl and the server note for themselves.
func Leftovers(live, git *unstructured.Unstructured, p Parties) ([]Leftover, error) {
	w, err := newWalk(live, p)
	if err != nil {
		return nil, err
	}
	w.object(git)
	slices.SortStableFunc(w.found, func(a, b Leftover) int { return a.path.Compare(b.path) })
	return w.found, nil
}

// Kept lists what of live Git does not set and somebody keeps, in path order: the smallest fields of a manager.
func Kept(live, git *unstructured.Unstructured, p Parties) ([]Leftover, error) {
	w, err := newWalk(live, p)
	if err != nil {
		return nil, err
	}
	w.object(git)
	slices.SortStableFunc(w.kept, func(a, b Leftover) int { return a.path.Compare(b.path) })
	return w.kept, nil
}

// AsGit returns live as applying git would leave it if drop were ours to take away. It knows of lists only what the
// owners of their items tell, so the server has the last word: it is what a dry run asks about.
func AsGit(live, git *unstructured.Unstructured, p Parties, drop []Leftover) (*unstructured.Unstructured, error) {
	w, err := newWalk(live, p)
	if err != nil {
		return nil, err
	}
	for _, l := range drop {
		w.drop[l.path.String()] = true
	}
	out := w.object(git)
	return out, nil
}

// walk goes through a live object and what Git says of it side by side.
type walk struct {
	Parties
	live    *unstructured.Unstructured
	entries []entry
	drop    map[string]bool // paths that are left out
	found   []Leftover
	kept    []Leftover
}

func newWalk(live *unstructured.Unstructured, p Parties) (*walk, error) {
	entries, err := entriesOf(live, p)
	return &walk{Parties: p, live: live, entries: entries, drop: map[string]bool{}}, err
}

// object returns the live object as Git says, and notes what may go.
func (w *walk) object(git *unstructured.Unstructured) *unstructured.Unstructured {
	var all []held
	for i := range w.entries {
		all = append(all, held{entry: &w.entries[i], below: w.entries[i].set})
	}
	out := map[string]any{}
	for name, v := range w.live.Object {
		g, inGit := git.Object[name]
		at := fieldpath.PathElement{FieldName: &name}
		switch {
		case name == "apiVersion", name == "kind", name == "status":
			out[name] = v
		case name == "metadata":
			out[name] = w.metadata(v, g, into(all, at))
		case inGit:
			out[name] = w.both(fieldpath.Path{at}, v, g, into(all, at))
		default:
			if kept, ok := w.rest(fieldpath.Path{at}, v, into(all, at)); ok {
				out[name] = kept
			}
		}
	}
	for name, g := range git.Object {
		if _, ok := out[name]; !ok {
			out[name] = g
		}
	}
	return &unstructured.Unstructured{Object: out}
}

// metadata merges labels and annotations key by key, and takes finalizers and owners of Git along.
func (w *walk) metadata(live, git any, list []held) any {
	have, _ := live.(map[string]any)
	want, _ := git.(map[string]any)
	out := maps.Clone(have)
	root := "metadata"
	for name, g := range want {
		if v, ok := have[name]; !ok {
			out[name] = g
		} else if name == "finalizers" || name == "ownerReferences" {
			pe := fieldpath.PathElement{FieldName: &name}
			out[name] = w.both(fieldpath.Path{{FieldName: &root}, pe}, v, g, into(list, pe))
		}
	}
	for _, name := range []string{"labels", "annotations"} {
		if v, ok := have[name].(map[string]any); ok {
			pe := fieldpath.PathElement{FieldName: &name}
			g, _ := want[name].(map[string]any)
			out[name] = w.fields(fieldpath.Path{{FieldName: &root}, pe}, v, g, into(list, pe), nil)
		}
	}
	return out
}

// both returns what becomes of a value that live and Git have.
func (w *walk) both(at fieldpath.Path, live, git any, list []held) any {
	switch v := live.(type) {
	case map[string]any:
		g, ok := git.(map[string]any)
		atomic := len(list) > 0 && !slices.ContainsFunc(list, func(h held) bool { return !h.whole })
		if ok && (!atomic || len(g) == 0) {
			return w.fields(at, v, g, list, nil)
		}
	case []any:
		if g, ok := git.([]any); ok {
			return w.items(at, v, g, list)
		}
	}
	return git
}

// fields merges two maps. Those of key name the item of a list that the map is, and stay.
func (w *walk) fields(at fieldpath.Path, live, git map[string]any, list []held, key []string) map[string]any {
	out := make(map[string]any, len(live))
	for _, name := range slices.Sorted(maps.Keys(live)) {
		v, pe := live[name], fieldpath.PathElement{FieldName: &name}
		path := append(at.Copy(), pe)
		if g, ok := git[name]; ok {
			out[name] = w.both(path, v, g, into(list, pe))
		} else if slices.Contains(key, name) {
			out[name] = v
		} else if kept, ok := w.rest(path, v, into(list, pe)); ok {
			out[name] = kept
		}
	}
	for name, g := range git {
		if _, ok := live[name]; !ok {
			out[name] = g
		}
	}
	return out
}

// rest returns what becomes of a value that only live has: it stays where somebody keeps a part of it.
func (w *walk) rest(at fieldpath.Path, v any, list []held) (any, bool) {
	if bookkeeping(at) {
		return v, true
	}
	has := func(p party) bool { return slices.ContainsFunc(list, func(h held) bool { return h.party == p }) }
	if has(stays) || w.leftAt(at, v) {
		for _, h := range list {
			if h.party == stays && h.whole {
				w.kept = append(w.kept, Leftover{Difference: Difference{Path: Dotted(at), From: v, path: at.Copy()}, By: &h.Owner})
			}
		}
		left := w.partly(at, v, list)
		return left, size(left) > 0 || size(v) == 0
	}
	if has(ours) && !has(goes) {
		return nil, false
	}
	l := Leftover{Difference: Difference{Path: Dotted(at), From: v, path: at.Copy()}, Edit: len(list) > 0}
	for _, h := range list {
		if h.party == goes && (l.By == nil || h.Time.After(l.By.Time)) {
			l.By = &h.Owner
		}
		l.Edit = l.Edit && (h.edit || h.party == ours)
	}
	if has(ours) { // what is ours alone in it goes in any case
		parts := len(w.found)
		left := w.partly(at, v, list)
		w.found = w.found[:parts]
		if size(left) == 0 && size(v) > 0 {
			return nil, false
		}
		v = left
	}
	w.found = append(w.found, l)
	return v, !w.drop[at.String()]
}

func size(v any) int {
	switch v := v.(type) {
	case map[string]any:
		return len(v)
	case []any:
		return len(v)
	}
	return 1
}

// partly goes into a value of which somebody keeps a part.
func (w *walk) partly(at fieldpath.Path, v any, list []held) any {
	switch v := v.(type) {
	case map[string]any:
		var key []string
		if last := at[len(at)-1]; last.Key != nil {
			for _, f := range *last.Key {
				key = append(key, f.Name)
			}
		}
		return w.fields(at, v, nil, list, key)
	case []any:
		if names, isSet := keyNames(list); len(names) > 0 || isSet {
			return w.items(at, v, nil, list)
		}
	}
	return v
}

// leftAt tells whether a part of the value at a path is left to others, whoever set it.
func (w *walk) leftAt(at fieldpath.Path, v any) bool {
	if len(w.LeftAt) == 0 {
		return false
	}
	set := fieldpath.NewSet(at)
	under(set, at, v)
	return !Select(w.live, set, w.LeftAt).Empty()
}

// under adds the paths below a value to set. Items of lists that have a name are named by it.
func under(set *fieldpath.Set, at fieldpath.Path, v any) {
	switch v := v.(type) {
	case map[string]any:
		for name, inner := range v {
			path := append(at.Copy(), fieldpath.PathElement{FieldName: &name})
			set.Insert(path)
			under(set, path, inner)
		}
	case []any:
		for i, inner := range v {
			pe := fieldpath.PathElement{Index: &i}
			if nameOf, ok := itemName(inner, []string{"name"}); ok {
				pe = nameOf
			}
			path := append(at.Copy(), pe)
			set.Insert(path)
			under(set, path, inner)
		}
	}
}

// items merges two lists whose items have names; any other list is Git's. Items keep the order of live, and what only
// Git has comes behind the item before it.
func (w *walk) items(at fieldpath.Path, live, git []any, list []held) any {
	names, isSet := keyNames(list)
	if len(names) == 0 && !isSet {
		return git
	}
	used, there, out := make([]bool, len(git)), make([]bool, len(git)), []any{}
	behind := map[int]int{} // where an item of Git is in out
	var extra []int         // in w.found: whole items
	for _, item := range live {
		pe, ok := itemName(item, names)
		if !ok {
			out = append(out, item)
			continue
		}
		path := append(at.Copy(), pe)
		if i := sameItem(git, used, pe); i >= 0 {
			used[i] = true
			there[i] = !w.Applied || !onlyOurs(into(list, pe))
			behind[i] = len(out)
			m, isMap := item.(map[string]any)
			g, _ := git[i].(map[string]any)
			if isMap {
				item = w.fields(path, m, g, into(list, pe), names)
			}
			out = append(out, item)
			continue
		}
		if itself := slices.DeleteFunc(into(list, pe), func(h held) bool { return !h.self }); onlyOurs(itself) {
			continue // what others hold inside it does not keep an item
		}
		before := len(w.found)
		kept, ok := w.rest(path, item, into(list, pe))
		if len(w.found) == before+1 && len(w.found[before].path) == len(path) {
			extra = append(extra, before)
		}
		if ok {
			out = append(out, kept)
		}
	}
	w.instead(extra, git, there, names)
	for i, item := range git {
		if used[i] {
			continue
		}
		to := 0
		if j, ok := behind[i-1]; ok {
			to = j + 1
		} else if i > 0 {
			to = len(out)
		}
		out = slices.Insert(out, to, item)
		for k, j := range behind {
			if j >= to {
				behind[k] = j + 1
			}
		}
		behind[i] = to
	}
	return out
}

// sameItem is the index of the item of Git with this name, -1 without one. Parts of the key that Git leaves to the server's
// defaults match anything, unless another item says them.
func sameItem(git []any, used []bool, pe fieldpath.PathElement) int {
	match := func(exactly bool) int {
		return slices.IndexFunc(git, func(item any) bool {
			v, ok := child([]any{item}, pe)
			if !ok && !exactly {
				v, ok = loosely([]any{item}, pe)
			}
			return ok && v != nil
		})
	}
	if i := match(true); i >= 0 {
		return i
	}
	if i := match(false); i >= 0 && !used[i] {
		return i
	}
	return -1
}

func onlyOurs(list []held) bool {
	return len(list) > 0 && !slices.ContainsFunc(list, func(h held) bool { return h.party != ours })
}

// instead marks the items that took the place of items of Git's which are missing: as many as are missing at most, those
// most alike first. People change the key of an item, and for the server that is another item.
func (w *walk) instead(extra []int, git []any, there []bool, names []string) {
	type pair struct{ git, found, alike int }
	var pairs []pair
	for i, item := range git {
		for _, n := range extra {
			l := w.found[n]
			if there[i] || l.By == nil || w.Known != nil && w.Known(l.Path) {
				continue
			}
			if p := (pair{i, n, alike(item, l.From, names)}); p.alike > 0 || !w.LikeOurs && !(w.LikeEdits && l.Edit) {
				pairs = append(pairs, p)
			}
		}
	}
	slices.SortStableFunc(pairs, func(a, b pair) int { return cmp.Compare(b.alike, a.alike) })
	taken := map[int]bool{}
	for _, p := range pairs {
		if !taken[p.git] && !w.found[p.found].Instead {
			taken[p.git], w.found[p.found].Instead = true, true
		}
	}
}

// alike counts the values that two items have in common, but for those of the key.
func alike(a, b any, key []string) int {
	switch x := a.(type) {
	case map[string]any:
		y, _ := b.(map[string]any)
		n := 0
		for name, v := range x {
			if w, ok := y[name]; ok && !slices.Contains(key, name) {
				n += alike(v, w, nil)
			}
		}
		return n
	case []any:
		if y, ok := b.([]any); ok && len(x) > 0 && equal(x, y) {
			return 1
		}
		return 0
	}
	if equal(a, b) {
		return 1
	}
	return 0
}
