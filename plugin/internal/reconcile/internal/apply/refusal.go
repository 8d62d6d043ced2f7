package apply

import (
	"cmp"
	"errors"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/fields"
)

// refusal is where in an object the server found fields that do not go together.
type refusal struct {
	places [][]string // names of the fields, without list items: the structs and lists that hold what is refused
}

// refusalOf reads the answer to a write. It returns false for an answer that no other field of the object explains: an
// immutable field, a policy or webhook that denies the request, or a value that is wrong by itself.
func refusalOf(err error) (refusal, bool) {
	var api apierrors.APIStatus
	if !errors.As(err, &api) {
		return refusal{}, false
	}
	st := api.Status()
	if st.Reason != metav1.StatusReasonInvalid || st.Details == nil || immutable(err) ||
		strings.Contains(st.Message, "denied") || strings.Contains(st.Message, "admission webhook") {
		return refusal{}, false
	}
	var r refusal
	for _, c := range st.Details.Causes {
		switch c.Type {
		case metav1.CauseTypeFieldValueNotSupported, metav1.CauseTypeTypeInvalid, metav1.CauseTypeTooLong, metav1.CauseTypeUnexpectedServerResponse:
			return refusal{}, false
		}
		r.places = append(r.places, placeOf(c.Field))
	}
	return r, len(r.places) > 0
}

// placeOf is the struct, map or list in which a field is: of spec.ports[1].name it is spec, ports. The index is one of the
// list that the server merged, which nobody else sees.
func placeOf(field string) []string {
	var names []string
	rest := field
	for rest != "" {
		i := strings.IndexAny(rest, ".[")
		if i < 0 {
			i = len(rest)
		}
		if i > 0 {
			names = append(names, rest[:i])
		}
		rest = rest[i:]
		if strings.HasPrefix(rest, "[") {
			_, rest, _ = strings.Cut(rest, "]")
		}
		rest = strings.TrimPrefix(rest, ".")
	}
	if len(names) == 0 || names[0] == "<nil>" {
		return nil
	}
	if strings.HasSuffix(field, "]") {
		return names
	}
	return names[:len(names)-1]
}

// near reports whether a field is at a place that the server names.
func (r refusal) near(l fields.Leftover) bool {
	return slices.ContainsFunc(r.places, func(names []string) bool {
		return l.In(names) && (len(names) > 0 || !l.In([]string{"metadata"}))
	})
}

// mostElsewhere bounds how many fields that people edited elsewhere in the object are suspected.
const mostElsewhere = 16

// suspects returns the fields that may explain the refusal, the likeliest first: those at the places that the server names,
// and those that people edited anywhere in the object. Labels and annotations count only at the places that the server
// names.
func (r refusal) suspects(all []fields.Leftover) []fields.Leftover {
	var near, far []fields.Leftover
	for _, l := range all {
		switch {
		case r.near(l):
			near = append(near, l)
		case l.Edit && !l.In([]string{"metadata"}):
			far = append(far, l)
		}
	}
	likelihood := func(l fields.Leftover) int {
		switch {
		case l.Edit:
			return 0
		case l.By != nil:
			return 1
		}
		return 2
	}
	slices.SortStableFunc(near, func(a, b fields.Leftover) int { return cmp.Compare(likelihood(a), likelihood(b)) })
	if len(far) > mostElsewhere {
		far = nil
	}
	return append(near, far...)
}

// fewest returns a small part of list for which enough is true; enough(list) is known to be true. Of several such parts it
// takes the one with earlier elements. It calls enough about k*log(n) times, where k is the size of the part.
func fewest[T any](list []T, enough func([]T) bool) []T {
	return slices.Clip(fewestOf(nil, false, list, enough))
}

func fewestOf[T any](base []T, grown bool, list []T, enough func([]T) bool) []T {
	if grown && enough(base) {
		return nil
	}
	if len(list) == 1 {
		return list
	}
	first, second := list[:len(list)/2], list[len(list)/2:]
	ofSecond := fewestOf(slices.Concat(base, first), true, second, enough)
	ofFirst := fewestOf(slices.Concat(base, ofSecond), len(ofSecond) > 0, first, enough)
	return slices.Concat(ofFirst, ofSecond)
}
