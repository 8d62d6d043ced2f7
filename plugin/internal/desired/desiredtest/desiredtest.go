// Package desiredtest has the desired objects of tests.
package desiredtest

import (
	"encoding/json"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/desired"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/manifest"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object/objecttest"
)

// Object is a desired object of Git, at app.yaml:7, with annotations as name=value.
func Object(kind, name string, annotations ...string) *desired.Object {
	o := desired.New(objecttest.Ref(kind, name), manifest.Object{Unstructured: objecttest.Manifest(kind, name, annotations...), Origin: manifest.Origin{File: "app.yaml", Line: 7}})
	o.Body, _ = json.Marshal(o.Manifest.Object)
	return o
}
