package apply

import (
	"slices"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

func TestWhereARefusalPointsAt(t *testing.T) {
	for field, want := range map[string]string{
		"spec.ports[1].name": "spec ports",
		"spec.ports[1]":      "spec ports",
		"spec.template.spec.containers[0].env[2].valueFrom":               "spec template spec containers env",
		"spec.template.spec.containers[0].resources.limits[nvidia.com/x]": "spec template spec containers resources limits",
		"data[a.b]": "data", "spec": "", "<nil>": "", "": "", "metadata.labels": "metadata",
	} {
		if got := strings.Join(placeOf(field), " "); got != want {
			t.Errorf("%s: got %q, want %q", field, got, want)
		}
	}
}

// TestRefusalsThatNothingExplains: these cost no further request.
func TestRefusalsThatNothingExplains(t *testing.T) {
	refused := func(message string, kinds ...metav1.CauseType) error {
		st := metav1.Status{Status: metav1.StatusFailure, Code: 422, Reason: metav1.StatusReasonInvalid, Message: message, Details: &metav1.StatusDetails{}}
		for _, k := range kinds {
			st.Details.Causes = append(st.Details.Causes, metav1.StatusCause{Type: k, Field: "spec.x", Message: message})
		}
		return &apierrors.StatusError{ErrStatus: st}
	}
	tests := []struct {
		name string
		err  error
		want bool
	}{
		{"two alternatives", refused("may not specify more than 1 handler type", metav1.CauseTypeForbidden), true},
		{"a duplicate", refused(`Duplicate value: "http"`, metav1.CauseTypeFieldValueDuplicate), true},
		{"a field that cannot change", refused("field is immutable", metav1.CauseTypeFieldValueInvalid), false},
		{"a value that is none", refused("supported values: A", metav1.CauseTypeFieldValueNotSupported), false},
		{"one of two is hopeless", refused("x", metav1.CauseTypeFieldValueInvalid, metav1.CauseTypeTooLong), false},
		{"a policy", refused("ValidatingAdmissionPolicy 'p' with binding 'b' denied request: no", metav1.CauseTypeFieldValueInvalid), false},
		{"no cause", refused("x"), false},
		{"forbidden", apierrors.NewForbidden(schema.GroupResource{Resource: "x"}, "x", nil), false},
		{"none", nil, false},
	}
	for _, test := range tests {
		if _, got := refusalOf(test.err); got != test.want {
			t.Errorf("%s: %t", test.name, got)
		}
	}
}

func TestFewest(t *testing.T) {
	for want := range 1 << 6 {
		needed := want + 1
		asked := 0
		got := fewest([]int{0, 1, 2, 3, 4, 5, 6}, func(part []int) bool {
			asked++
			have := 0
			for _, n := range part {
				have |= 1 << n
			}
			return have&needed == needed
		})
		have := 0
		for _, n := range got {
			have |= 1 << n
		}
		if have != needed || !slices.IsSorted(got) || asked > 14 {
			t.Errorf("%07b: got %v, asked %d times", needed, got, asked)
		}
	}
	if got := fewest([]string{"a", "b", "c"}, func(part []string) bool { return len(part) > 0 }); len(got) != 1 || got[0] != "a" {
		t.Errorf("any will do: %v", got)
	}
}
