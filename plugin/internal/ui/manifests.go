package ui

import (
	"fmt"
	"io"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/safeyaml"
)

// PrintManifests writes manifests to w: as YAML documents, as a JSON List like that of kubectl, through a template, or as
// names, one in each line. Without -o it writes YAML.
func (o *Output) PrintManifests(w io.Writer, manifests []*unstructured.Unstructured, names []string) error {
	if o.Document() && o.Format != FormatYAML {
		list := &unstructured.UnstructuredList{}
		list.SetAPIVersion("v1")
		list.SetKind("List")
		for _, m := range manifests {
			list.Items = append(list.Items, *m)
		}
		_, err := o.Print(w, list.UnstructuredContent(), names)
		return err
	}
	for i, m := range manifests {
		out, err := safeyaml.YAML(m.Object)
		if err != nil {
			return fmt.Errorf("printing YAML: %w", err)
		}
		if i > 0 {
			out = append([]byte("---\n"), out...)
		}
		if _, err := w.Write(out); err != nil {
			return err
		}
	}
	return nil
}
