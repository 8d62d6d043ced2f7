package render

import "regexp"

// hashed matches a name that ends with a hash of Kustomize.
var hashed = regexp.MustCompile(`-[2456789bcdfghkmt]{10}$`)

const ignoreFile = ".gitopsignore"

var kustomizationNames = []string{"kustomization.yaml", "kustomization.yml", "Kustomization"}

func isKustomizationName(name string) bool {
	return name == kustomizationNames[0] || name == kustomizationNames[1] || name == kustomizationNames[2]
}
