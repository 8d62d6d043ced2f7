package plugin

import (
	"fmt"
	"io"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/install"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/safeyaml"
)

// installed tells what happened to one object of an instance.
func (u *ui) installed(c report.Change) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if c.Action == report.Unchanged { // which a pass only counts
		w, _ := u.lines()
		fmt.Fprintln(w, u.clean(c.Short), c.Action)
		return
	}
	u.change(&c)
}

// printObjects prints manifests as -o says: YAML documents, a JSON List as kubectl has it, or names.
func printObjects(w io.Writer, output *outputFlags, objects []install.Object) error {
	if output.document() && output.format != formatYAML {
		list := &unstructured.UnstructuredList{}
		list.SetAPIVersion("v1")
		list.SetKind("List")
		var names []string
		for _, o := range objects {
			list.Items = append(list.Items, *o.Manifest)
			names = append(names, o.Ref.String())
		}
		_, err := output.print(w, list.UnstructuredContent(), names)
		return err
	}
	for i, o := range objects {
		out, err := safeyaml.YAML(o.Manifest.Object)
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

// note prints a line of progress on Err.
func (u *ui) note(format string, args ...any) {
	u.mu.Lock()
	defer u.mu.Unlock()
	fmt.Fprintln(u.Err, u.clean(fmt.Sprintf(format, args...)))
}

// say prints a line on Out.
func (u *ui) say(format string, args ...any) {
	u.mu.Lock()
	defer u.mu.Unlock()
	fmt.Fprintln(u.Out, u.clean(fmt.Sprintf(format, args...)))
}
