package bumper

import (
	"encoding/base64"
	"regexp"
	"slices"
	"strings"
)

// A value of a Secret may stand in Git when it stands for another one. These forms do; everything else is taken for the value
// itself, also when it looks like a form that somebody's tool fills in. docs/promotion.md lists them.
var (
	// A value that SOPS encrypted, with all of its parts.
	sopsValueRE = regexp.MustCompile(`^ENC\[AES256_GCM,data:([A-Za-z0-9+/=]*),iv:([A-Za-z0-9+/=]+),tag:([A-Za-z0-9+/=]+),type:(?:str|int|float|bool|bytes|comment)\]$`)
	// One variable, of Flux and of Kustomize, without a default that is a value itself.
	variableRE = regexp.MustCompile(`^(?:\$\{[A-Za-z_][A-Za-z0-9_]*(?::?[-=])?\}|\$\([A-Za-z_][A-Za-z0-9_.-]*\))$`)
	// A place in a vault, as argocd-vault-plugin reads it.
	vaultPathRE = regexp.MustCompile(`^<path:[^<>#]+#[^<>#|]+(?:#[A-Za-z0-9]+)?(?: *\|[^<>]*)?>$`)
	// The name of a key, where an annotation of the Secret names the place in the vault.
	vaultKeyRE = regexp.MustCompile(`^<[A-Za-z0-9_.-]+(?: *\|[^<>]*)?>$`)

	templateRE = regexp.MustCompile(`^(?:\{\{-?([^{}]*?)-?\}\})+$`)
	actionRE   = regexp.MustCompile(`\{\{-?([^{}]*?)-?\}\}`)
	// Texts in a template that are names, not values.
	namesRE     = regexp.MustCompile("\\b(?:include|template|required|lookup|index|get|hasKey|dig)\\b(?:\\s+(?:\"[^\"]*\"|[.$][A-Za-z0-9_.]*))+")
	referenceRE = regexp.MustCompile(`(?:^|[\s(|])(?:[.$][A-Za-z_]|include\b|template\b|lookup\b|rand[A-Z][A-Za-z]*\b|gen[A-Z][A-Za-z]*\b|uuidv4\b)`)
)

const vaultAnnotation = "avp.kubernetes.io/path"

// sopsTag and sopsIV are how long these parts of an encrypted value are, in bytes.
const (
	sopsTag = 16
	sopsIV  = 32
)

// standsIn tells whether a value is empty or stands for one that is not in Git.
func standsIn(value string, vault bool) bool {
	switch {
	case value == "" || variableRE.MatchString(value) || vaultPathRE.MatchString(value):
		return true
	case vault && vaultKeyRE.MatchString(value):
		return true
	}
	return isSopsValue(value) || isTemplate(value)
}

// isSopsValue tells whether a value can be one that SOPS wrote.
func isSopsValue(value string) bool {
	m := sopsValueRE.FindStringSubmatch(value)
	if m == nil {
		return false
	}
	lengths := make([]int, 0, 3)
	for _, part := range m[1:] {
		raw, err := base64.StdEncoding.DecodeString(part)
		if err != nil {
			return false
		}
		lengths = append(lengths, len(raw))
	}
	return lengths[1] == sopsIV && lengths[2] == sopsTag
}

// isTemplate tells whether a value consists of template actions, each of which refers to something, and holds no text that
// is a value.
func isTemplate(value string) bool {
	if !templateRE.MatchString(value) {
		return false
	}
	actions := actionRE.FindAllStringSubmatch(value, -1)
	return !slices.ContainsFunc(actions, func(m []string) bool {
		rest := namesRE.ReplaceAllStringFunc(m[1], func(names string) string {
			return strings.NewReplacer(`"`, "").Replace(names)
		})
		return strings.ContainsAny(rest, "\"'`") || !referenceRE.MatchString(m[1])
	})
}

// usesVault tells whether a Secret says where argocd-vault-plugin finds its values.
func (o identified) usesVault() bool {
	for _, f := range o.fields {
		meta := target(f.value)
		if f.key != "metadata" || meta == nil {
			continue
		}
		for _, m := range pairs(meta, 0) {
			if list := target(m.value); m.key == "annotations" && list != nil &&
				slices.ContainsFunc(pairs(list, 0), func(a pair) bool { return a.key == vaultAnnotation }) {
				return true
			}
		}
	}
	return false
}
