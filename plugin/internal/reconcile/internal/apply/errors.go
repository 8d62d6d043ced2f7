package apply

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/desired"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/diff"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/plan"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/render"
)

// explain returns the answer of the API server about one object as a short message and a hint, without values of Secrets.
func explain(err error, s *plan.Step, secrets []*unstructured.Unstructured) (message, advice string) {
	message, advice = words(err, s)
	if hints := hint.Of(err); len(hints) > 0 {
		advice = hints[0]
	}
	return diff.MaskError(message, secrets...), diff.MaskError(advice, secrets...)
}

// words is explain without masking.
func words(err error, s *plan.Step) (message, advice string) {
	var kept *keptError
	if errors.As(err, &kept) {
		message, _ = words(kept.refused, s)
		return message + "; it is not recreated: " + kept.why, "revert that change, or delete the object yourself"
	}
	var api apierrors.APIStatus
	if !errors.As(err, &api) {
		return err.Error(), ""
	}
	st := api.Status()
	switch {
	case saysImmutable(st.Message) && st.Code == 422:
		return invalid(st), "revert that line, or annotate the object with " + desired.Recreate +
			": enabled to allow delete and recreate"
	case ownedByOthers(err):
		return conflicting(st), "take the fields out of Git, or let them be taken over: annotation " + desired.Force + " says not to"
	case st.Reason == metav1.StatusReasonInvalid:
		return invalid(st), "correct the manifest at " + s.Origin.String()
	case terminatingNamespace(st):
		return fmt.Sprintf("namespace %s is being terminated", s.Namespace), "wait until it is gone; the next run applies the object again"
	case st.Reason == metav1.StatusReasonForbidden && strings.Contains(st.Message, "exceeded quota"):
		return st.Message, "raise the ResourceQuota, or ask for less"
	case st.Reason == metav1.StatusReasonForbidden && strings.Contains(st.Message, "cannot "):
		return st.Message, cluster.RightsOn(s.Ref.Kind, s.Namespace)
	case st.Reason == metav1.StatusReasonNotFound && st.Details != nil && st.Details.Kind == "namespaces":
		return fmt.Sprintf("namespace %s does not exist", st.Details.Name), "add the Namespace to the repository, or use --target-namespace"
	case isMismatch(err):
		return wordMismatches(mismatches(st.Message, s.Fields()), s.Origin, func(mismatch) int { return 0 })
	case strings.Contains(st.Message, "admission webhook"), strings.Contains(st.Message, "failed calling webhook"):
		return st.Message, ""
	case st.Code == 413:
		return "is larger than the API server takes", "split it"
	}
	return st.Message, ""
}

func terminatingNamespace(st metav1.Status) bool {
	if st.Details != nil {
		for _, c := range st.Details.Causes {
			if c.Type == "NamespaceTerminating" {
				return true
			}
		}
	}
	return strings.Contains(st.Message, "because it is being terminated")
}

// invalidValue is how the API server repeats the offending value in front of the reason.
var invalidValue = regexp.MustCompile(`(?s)^Invalid value: .*: `)

// invalid lists field and reason of each cause, without the values the server repeats.
func invalid(st metav1.Status) string {
	if st.Details == nil || len(st.Details.Causes) == 0 {
		return st.Message
	}
	var parts []string
	for _, c := range st.Details.Causes {
		text, _, _ := strings.Cut(c.Message, "\n") // a diff of the whole spec may follow
		if saysImmutable(text) {
			text = invalidValue.ReplaceAllString(text, "")
		}
		if c.Field != "" && c.Field != "<nil>" {
			text = c.Field + ": " + text
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, "; ")
}

// Explain returns the error of a write as a message and a hint, with secret values masked. Where the manifest does not fit
// its schema, the message has the lines of the file.
func (a *Applier) Explain(err error, s *plan.Step) (message, advice string) {
	var api apierrors.APIStatus
	if errors.As(err, &api) && s.Fields() != nil {
		if list := mismatches(api.Status().Message, s.Fields()); len(list) > 0 {
			text := a.Text(s.Origin)
			message, advice = wordMismatches(list, s.Origin, func(m mismatch) int { return render.Locate(text, s.Origin.Line, m.path, m.value) })
			return withoutValues(s, a.Say.Mask(message)), a.Say.Mask(advice)
		}
	}
	message, advice = explain(err, s, a.Say.Secrets())
	message = withoutValues(s, message)
	return a.Say.Hidden.Mask(message), a.Say.Hidden.Mask(advice)
}
