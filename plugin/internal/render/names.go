package render

const ignoreFile = ".gitopsignore"

var kustomizationNames = []string{"kustomization.yaml", "kustomization.yml", "Kustomization"}

func isKustomizationName(name string) bool {
	return name == kustomizationNames[0] || name == kustomizationNames[1] || name == kustomizationNames[2]
}
