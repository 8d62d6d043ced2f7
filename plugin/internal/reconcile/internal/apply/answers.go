package apply

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// ownedByOthers reports whether a conflict is about fields that other managers own.
func ownedByOthers(err error) bool {
	var status apierrors.APIStatus
	return errors.As(err, &status) && status.Status().Details != nil &&
		slices.ContainsFunc(status.Status().Details.Causes, func(c metav1.StatusCause) bool {
			return c.Type == metav1.CauseTypeFieldManagerConflict
		})
}

func immutable(err error) bool {
	var status apierrors.APIStatus
	return errors.As(err, &status) && status.Status().Code == 422 && saysImmutable(err.Error())
}

// undeclared reports whether the server refused an apply because a field is not in the schema.
func undeclared(err error) bool {
	var status apierrors.APIStatus
	return errors.As(err, &status) && strings.Contains(err.Error(), "field not declared in schema")
}

// NotServedYet reports whether a 404 means that the server does not serve the resource, rather than that the object or its
// namespace is missing.
func NotServedYet(err error) bool {
	var api apierrors.APIStatus
	return errors.As(err, &api) && api.Status().Code == 404 &&
		strings.Contains(api.Status().Message, "the server could not find the requested resource")
}

// isUnknownField reports whether the server refused a field that the schema of the kind does not have.
func isUnknownField(err error) bool {
	return err != nil && (strictField.MatchString(err.Error()) || undeclared(err))
}

var strictField = regexp.MustCompile(`unknown field "([^"]+)"`)

// saysImmutable reports whether a message of the server says that a field cannot change.
func saysImmutable(message string) bool {
	for _, phrase := range []string{"field is immutable", "is immutable after creation", "may not be changed", "updates to statefulset spec for fields other than",
		"may not change once set", "pod updates may not change fields other than", "cannot change roleRef"} {
		if strings.Contains(message, phrase) {
			return true
		}
	}
	return false
}

// keptError is the refusal to change an object whose annotation asks to recreate it, with the reason why it is not
// recreated.
type keptError struct {
	refused error
	why     string
}

// Error is the refusal and the reason.
func (e *keptError) Error() string { return e.refused.Error() + "; it is not recreated: " + e.why }

// Unwrap returns the refusal of the server.
func (e *keptError) Unwrap() error { return e.refused }

// refusesUpdate reports whether the server refuses a change of the object itself. Missing rights, a conflict, or a webhook
// that cannot be called say nothing about the object.
func refusesUpdate(err error) bool {
	var api apierrors.APIStatus
	if !errors.As(err, &api) {
		return false
	}
	switch st := api.Status(); st.Code {
	case 422:
		return true
	case 400, 403:
		return !missesRights(st) && !undryable(st)
	}
	return false
}

// missesRights reports whether the user has no right to the request.
func missesRights(st metav1.Status) bool {
	return st.Reason == metav1.StatusReasonForbidden && strings.Contains(st.Message, " cannot ") && strings.Contains(st.Message, "User ")
}

// undryable reports whether a webhook makes dry runs impossible.
func undryable(st metav1.Status) bool {
	return strings.Contains(st.Message, "does not support dry run")
}

// wroteMeanwhile reports whether somebody else wrote the object since it was read.
func wroteMeanwhile(err error) bool { return apierrors.IsConflict(err) && !ownedByOthers(err) }

// conflicting returns the message that names the fields which others own.
func conflicting(st metav1.Status) string {
	text := "owned by others"
	for i, c := range st.Details.Causes {
		sep := ", "
		if i == 0 {
			sep = ": "
		}
		text += fmt.Sprintf("%s%s (%s)", sep, c.Field, c.Message)
	}
	return text
}
