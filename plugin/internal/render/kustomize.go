package render

import (
	"context"
	"path"
)

func renderKustomize(_ context.Context, _ *tree, dir string, _ Options) ([]Object, error) {
	return nil, Problem{Origin: Origin{File: path.Join(dir, "kustomization.yaml")}, Message: "Kustomize is not supported yet"}
}
