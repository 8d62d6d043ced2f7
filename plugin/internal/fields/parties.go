package fields

import (
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
	"sigs.k8s.io/structured-merge-diff/v6/value"
)

// Parties says who is who among the field managers of an object, and what is left to others whoever set it.
type Parties struct {
	Ours      string   // the field manager we apply with
	Former    []string // managers of tools that had the object before
	LeftTo    []string // managers that keep whatever they own
	LeftAt    []string // JSON pointers to fields that are left to others
	Yields    bool     // nothing that somebody owns may go
	LikeOurs  bool     // an item takes the place of one of ours only when they have a value in common
	LikeEdits bool     // the same for what people edited; what a tool declared need not be like ours
	Applied   bool     // the object is what our first apply returned: what ours alone owns was not there before
	// Known tells whether an item at this path was there, and was reported as not ours, before one of ours went missing.
	Known func(path string) bool
}

// party is what becomes of the fields that one entry of managedFields owns, where Git does not set them.
type party int

const (
	stays party = iota // a controller's: it would set them again, or need them
	goes               // a person's or a former tool's
	ours               // of our last apply: the next one takes them away
)

// entry is one entry of managedFields.
type entry struct {
	Owner
	set   *fieldpath.Set
	party party
	edit  bool // a person changed something, which is more than to have made the object
}

func entriesOf(live *unstructured.Unstructured, p Parties) ([]entry, error) {
	var out []entry
	for _, e := range live.GetManagedFields() {
		set, err := decode(e)
		if err != nil {
			return nil, err
		}
		one := entry{Owner: ownerOf(e), set: set, party: p.partyOf(e)}
		one.edit = one.party == goes && byHand(e, p.Ours) && !slices.Contains(makers(), e.Manager)
		out = append(out, one)
	}
	return out, nil
}

func ownerOf(e metav1.ManagedFieldsEntry) Owner {
	o := Owner{Manager: Today(e.Manager), Operation: string(e.Operation), Subresource: e.Subresource}
	if e.Time != nil {
		o.Time = e.Time.Time
	}
	return o
}

func (p Parties) partyOf(e metav1.ManagedFieldsEntry) party {
	name := Today(e.Manager)
	switch {
	case e.Subresource != "", slices.Contains(p.LeftTo, name):
		return stays
	case name == p.Ours && e.Operation == metav1.ManagedFieldsOperationApply:
		return ours
	case ownUpdate(e, p.Ours):
		return goes
	case !p.Yields && (byHand(e, p.Ours) || slices.Contains(p.Former, name)):
		return goes
	}
	return stays
}

// makers are the managers by which kubectl makes whole objects. Their entries hold the server's defaults too.
func makers() []string {
	return []string{invented, "kubectl-client-side-apply", "kubectl-create", "kubectl-replace", "kubectl"}
}

// held is what one entry owns of the value at a path.
type held struct {
	*entry
	below *fieldpath.Set // relative to the path; nil for a whole value
	whole bool           // the value is owned as one: an atomic list or map, a scalar, or something inside such
	self  bool           // not only something in it
}

// into returns what is held of the child pe. A name without names below it stands for an atomic value with all that is
// in it, or, if another owner knows names below it, for the map, list or item alone.
func into(list []held, pe fieldpath.PathElement) []held {
	var out []held
	merged := false
	for _, h := range list {
		if h.whole {
			out = append(out, h)
			continue
		}
		below, inside := h.below.Children.Get(pe)
		merged = merged || inside
		if self := h.below.Members.Has(pe); inside || self {
			out = append(out, held{h.entry, below, !inside, self})
		}
	}
	for i, h := range out {
		if merged && h.below == nil {
			out[i] = held{h.entry, fieldpath.NewSet(), false, true}
		}
	}
	return out
}

// keyNames are the fields that name an item of a list, as the owners of its items have it. isSet tells of a list whose
// items are named by their value. A list of which nobody owns an item is neither.
func keyNames(list []held) (names []string, isSet bool) {
	each := func(pe fieldpath.PathElement) {
		isSet = isSet || pe.Value != nil
		if pe.Key != nil && len(*pe.Key) > len(names) {
			names = nil
			for _, f := range *pe.Key {
				names = append(names, f.Name)
			}
		}
	}
	for _, h := range list {
		if !h.whole && h.below != nil {
			h.below.Members.Iterate(each)
			h.below.Children.Iterate(each)
		}
	}
	return names, isSet
}

// itemName is how managedFields name an item of a list with these keys; without keys it is named by its value.
func itemName(item any, names []string) (fieldpath.PathElement, bool) {
	if len(names) == 0 {
		v := value.NewValueInterface(item)
		return fieldpath.PathElement{Value: &v}, true
	}
	m, _ := item.(map[string]any)
	var key value.FieldList
	for _, name := range names {
		if v, ok := m[name]; ok {
			key = append(key, value.Field{Name: name, Value: value.NewValueInterface(v)})
		}
	}
	key.Sort()
	return fieldpath.PathElement{Key: &key}, len(key) > 0
}
