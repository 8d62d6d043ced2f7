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

// ownedByOthers tells a refusal to take over fields from other conflicts.
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

// undeclared tells the answer to an apply that does not fit a schema.
func undeclared(err error) bool {
	var status apierrors.APIStatus
	return errors.As(err, &status) && strings.Contains(err.Error(), "field not declared in schema")
}

// NotServedYet tells the 404 of a resource that is not served from the 404 of a missing object or namespace.
func NotServedYet(err error) bool {
	var api apierrors.APIStatus
	return errors.As(err, &api) && api.Status().Code == 404 &&
		strings.Contains(api.Status().Message, "the server could not find the requested resource")
}

// isUnknownField tells the answer to an apply with a field that the schema of the kind lacks.
func isUnknownField(err error) bool {
	return err != nil && (strictField.MatchString(err.Error()) || undeclared(err))
}

var strictField = regexp.MustCompile(`unknown field "([^"]+)"`)

// saysImmutable tells from its text, not from its code, that the server refused to change a field.
func saysImmutable(message string) bool {
	for _, phrase := range []string{"field is immutable", "is immutable after creation", "may not be changed", "updates to statefulset spec for fields other than",
		"may not change once set", "pod updates may not change fields other than", "cannot change roleRef"} {
		if strings.Contains(message, phrase) {
			return true
		}
	}
	return false
}

// keptError is the refusal of a change of an object that asks to be recreated then, and is not.
type keptError struct {
	refused error
	why     string
}

func (e *keptError) Error() string { return e.refused.Error() + "; it is not recreated: " + e.why }

func (e *keptError) Unwrap() error { return e.refused }

// refusesUpdate tells an answer by which the server refuses a change, whatever its words, from one that says nothing about
// the object: missing rights, a conflict, a webhook that cannot be asked.
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

// missesRights tells the answer to a user who may not do what was asked.
func missesRights(st metav1.Status) bool {
	return st.Reason == metav1.StatusReasonForbidden && strings.Contains(st.Message, " cannot ") && strings.Contains(st.Message, "User ")
}

// undryable tells the answer to a dry run that a webhook makes impossible.
func undryable(st metav1.Status) bool {
	return strings.Contains(st.Message, "does not support dry run")
}

// wroteMeanwhile tells that somebody else wrote the object since it was read.
func wroteMeanwhile(err error) bool { return apierrors.IsConflict(err) && !ownedByOthers(err) }

// conflicting words which fields others own.
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
