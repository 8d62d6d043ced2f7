package plugin

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/printers"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/safetext"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/safeyaml"
)

// apiVersion is the version of everything -o json and -o yaml print.
const apiVersion = "kubectl-gitops.dev/v1alpha1"

const (
	formatJSON = "json"
	formatYAML = "yaml"
	formatName = "name"
	formatWide = "wide"
)

// outputFlags is -o. Every command offers the same formats; also are those that one command has beside them, for people.
// Templates are those of kubectl.
type outputFlags struct {
	format string
	also   []string
}

// AddFlags adds -o, with completion.
func (o *outputFlags) AddFlags(cmd *cobra.Command) {
	cmd.Flags().StringVarP(&o.format, "output", "o", o.format, o.usage())
	complete := cobra.FixedCompletions(o.allowed(), cobra.ShellCompDirectiveNoFileComp|cobra.ShellCompDirectiveNoSpace)
	if err := cmd.RegisterFlagCompletionFunc("output", complete); err != nil {
		cmd.PrintErrln(err) // only when a command has two flags of this name
	}
}

func (o *outputFlags) usage() string {
	formats := append(slices.Clone(o.also), formatJSON, formatYAML, formatName, formatWide)
	return "Output format: " + strings.Join(formats, ", ") + ", or a template as kubectl takes it: jsonpath=..., go-template=..."
}

func (o *outputFlags) allowed() []string {
	return append(slices.Clone(o.also), formatJSON, formatYAML, formatName, formatWide,
		"jsonpath=", "jsonpath-as-json=", "jsonpath-file=", "go-template=", "go-template-file=")
}

// Validate refuses an unknown format and a template that does not parse, before anything is done.
func (o *outputFlags) Validate() error {
	kind, template, isTemplate := strings.Cut(o.format, "=")
	if isTemplate {
		kind += "="
	}
	switch {
	case o.format == "":
		return nil
	case slices.Contains(o.allowed(), kind+"="):
		return hint.Errorf(fmt.Sprintf("output format %q needs a template", o.format), "write -o '%s={...}'", kind)
	case !slices.Contains(o.allowed(), kind):
		return hint.Errorf(fmt.Sprintf("unknown output format %q", o.format), "one of: %s", strings.Join(o.allowed(), ", "))
	case isTemplate && template == "":
		return hint.Errorf(fmt.Sprintf("output format %q needs a template", o.format), "write -o '%s{...}'", kind)
	case isTemplate:
		_, err := o.printer()
		return err
	}
	return nil
}

// wide tells whether tables show everything.
func (o *outputFlags) wide() bool { return o.format == formatWide }

// document tells whether Out is to hold one document instead of lines for people.
func (o *outputFlags) document() bool {
	return o.format != "" && o.format != formatWide && !slices.Contains(o.also, o.format)
}

// print writes v to w as -o says: v as JSON, YAML or through a template, or names one per line. handled is false when
// nothing was asked for, or wide, or a format of this command alone: then the caller prints it.
func (o *outputFlags) print(w io.Writer, v any, names []string) (handled bool, err error) {
	if !o.document() {
		return false, nil
	}
	switch o.format {
	case formatName:
		for _, name := range names {
			if _, err := fmt.Fprintln(w, safetext.Line(name)); err != nil {
				return true, err
			}
		}
		return true, nil
	case formatJSON:
		return true, printJSON(w, v)
	case formatYAML:
		out, err := safeyaml.YAML(v)
		if err != nil {
			return true, fmt.Errorf("printing YAML: %w", err)
		}
		_, err = w.Write(out)
		return true, err
	}
	return true, o.printTemplate(w, v)
}

// printJSON keeps the order of v's fields, and characters such as < as they are.
func printJSON(w io.Writer, v any) error {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetIndent("", "    ")
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return fmt.Errorf("printing JSON: %w", err)
	}
	_, err := w.Write(safetext.JSON(out.Bytes()))
	return err
}

func (o *outputFlags) printer() (printers.ResourcePrinter, error) {
	p, err := genericclioptions.NewKubeTemplatePrintFlags().ToPrinter(o.format)
	if err != nil {
		return nil, fmt.Errorf("-o %s: %w", o.format, err)
	}
	return p, nil
}

func (o *outputFlags) printTemplate(w io.Writer, v any) error {
	p, err := o.printer()
	if err != nil {
		return err
	}
	raw, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("-o %s: %w", o.format, err)
	}
	var content map[string]any
	if err := utiljson.Unmarshal(raw, &content); err != nil {
		return fmt.Errorf("-o %s: %w", o.format, err)
	}
	var out bytes.Buffer
	if err := p.PrintObj(&unstructured.Unstructured{Object: content}, &out); err != nil {
		// The printers append the whole object to their errors; the first line says what is wrong.
		return fmt.Errorf("-o %s: %s", o.format, strings.TrimSuffix(firstLine(err.Error()), " Printing more information for debugging the template:"))
	}
	text := out.Bytes()
	if isTerminal(w) { // a program that reads a pipe gets the value as it is
		text = []byte(safetext.Lines(out.String()))
	}
	_, err = w.Write(text)
	return err
}
