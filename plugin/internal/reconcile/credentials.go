package reconcile

import (
	"slices"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/render"
)

// Keys of the instance's Secret of credentials that say whom it trusts and whom it tells. They are files in the job.
const (
	KeyAllowedSigners = "allowed_signers"
	KeyKeyring        = "openpgp-keyring"
	KeyNotify         = "notify.yaml"
)

// guardCredentials refuses a Secret that would set those keys: Git does not say who may write to Git, nor where what lies
// beside them is sent. Apply adds keys to a Secret that exists, so its name does not matter.
func (r *Reconciler) guardCredentials(o *object) render.Problems {
	if o.Ref.Kind.Group != "" || o.Ref.Kind.Kind != "Secret" || o.Namespace != r.Records.Namespace {
		return nil
	}
	for _, field := range []string{"data", "stringData"} {
		data, _ := o.manifest.Object[field].(map[string]any)
		for key := range data {
			if slices.Contains([]string{KeyAllowedSigners, KeyKeyring, KeyNotify}, key) {
				return render.Problems{{Origin: o.origin, Object: o.ID(), Message: "the key " + key + " of a Secret of the instance is not taken from Git",
					Hint: "it says whom the instance trusts or tells: put it into the Secret by hand, or by what only its owners may change"}}
			}
		}
	}
	return nil
}
