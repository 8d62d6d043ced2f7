package health

import "k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

// Established reports whether the API server serves what a CustomResourceDefinition defines.
func Established(crd *unstructured.Unstructured) bool {
	return is(crd, "Established") && is(crd, "NamesAccepted")
}

// NamesRefused reports whether the API server will not serve a CustomResourceDefinition until somebody changes it: its names
// are taken.
func NamesRefused(crd *unstructured.Unstructured) bool {
	return conditionsOf(crd)["NamesAccepted"].Status == "False"
}

// FailedCondition returns the message of the first condition that is False and says why, "" when there is none. The object
// may be nil.
func FailedCondition(u *unstructured.Unstructured) string {
	for _, c := range conditionList(u) {
		if c.Status == "False" && c.Message != "" {
			return c.Message
		}
	}
	return ""
}
