package app

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Keys of the instance's Secret of credentials that say whom it trusts, whom it tells and whom it asks. They are files in the job.
const (
	KeyAllowedSigners = "allowed_signers"
	KeyKeyring        = "openpgp-keyring"
	KeyNotify         = "notify.yaml"
	KeyMirrors        = "mirrors.yaml"
)

// credentialKeys are the keys of a Secret of credentials: those of Flux, and those above. The suffix .agekey counts, too.
var credentialKeys = []string{"username", "password", "bearerToken", "identity", "identity.pub", "known_hosts", "ca.crt", "tls.crt", "tls.key",
	"githubAppID", "githubAppInstallationID", "githubAppPrivateKey", ".dockerconfigjson", KeyAllowedSigners, KeyKeyring, KeyNotify, KeyMirrors}

// HoldsCredentials reports whether a Secret has a key of the instance's credentials.
func HoldsCredentials(secret *unstructured.Unstructured) bool {
	data, _ := secret.Object["data"].(map[string]any)
	for key := range data {
		if slices.Contains(credentialKeys, key) || strings.HasSuffix(key, ".agekey") {
			return true
		}
	}
	return false
}
