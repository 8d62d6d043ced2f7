package ui

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/cli-runtime/pkg/printers"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/safetext"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/safeyaml"
)

// Formats of -o that all commands have. FormatWide adds columns to tables; Output.Print prints the others.
const (
	FormatJSON = "json"
	FormatYAML = "yaml"
	FormatName = "name"
	FormatWide = "wide"
)

// Output is the flag -o. All commands have the same formats: json, yaml, name, wide, and the templates of kubectl.
type Output struct {
	Format string   // the value of -o; set it before AddFlags for a default
	Also   []string // formats of this command alone, which the caller prints
}

// AddFlags adds -o to a command, with completion of its values.
func (o *Output) AddFlags(cmd *cobra.Command) {
	cmd.Flags().StringVarP(&o.Format, "output", "o", o.Format, o.usage())
	complete := cobra.FixedCompletions(o.allowed(), cobra.ShellCompDirectiveNoFileComp|cobra.ShellCompDirectiveNoSpace)
	if err := cmd.RegisterFlagCompletionFunc("output", complete); err != nil {
		cmd.PrintErrln(err) // only when a command has two flags of this name
	}
}

func (o *Output) usage() string {
	formats := append(slices.Clone(o.Also), FormatJSON, FormatYAML, FormatName, FormatWide)
	return "Output format: " + strings.Join(formats, ", ") + ", or a template as kubectl takes it: jsonpath=..., go-template=..."
}

func (o *Output) allowed() []string {
	return append(slices.Clone(o.Also), FormatJSON, FormatYAML, FormatName, FormatWide,
		"jsonpath=", "jsonpath-as-json=", "jsonpath-file=", "go-template=", "go-template-file=")
}

// Validate returns an error with a hint for an unknown format, and for a template that does not parse. Commands call it before
// they do anything.
func (o *Output) Validate() error {
	kind, template, isTemplate := strings.Cut(o.Format, "=")
	if isTemplate {
		kind += "="
	}
	switch {
	case o.Format == "":
		return nil
	case slices.Contains(o.allowed(), kind+"="):
		return hint.Errorf(fmt.Sprintf("output format %q needs a template", o.Format), "write -o '%s={...}'", kind)
	case !slices.Contains(o.allowed(), kind):
		return hint.Errorf(fmt.Sprintf("unknown output format %q", o.Format), "one of: %s", strings.Join(o.allowed(), ", "))
	case isTemplate && template == "":
		return hint.Errorf(fmt.Sprintf("output format %q needs a template", o.Format), "write -o '%s{...}'", kind)
	case isTemplate:
		_, err := o.printer()
		return err
	}
	return nil
}

// Wide reports whether tables have all columns.
func (o *Output) Wide() bool { return o.Format == FormatWide }

// Document reports whether Out gets one document instead of lines for people.
func (o *Output) Document() bool {
	return o.Format != "" && o.Format != FormatWide && !slices.Contains(o.Also, o.Format)
}

// Print writes one document to w: v as JSON, as YAML or through a template, or names, one in each line. handled is false when
// -o asks for no document (see Document): then the caller prints. The error is about the template, or about writing.
func (o *Output) Print(w io.Writer, v any, names []string) (handled bool, err error) {
	if !o.Document() {
		return false, nil
	}
	switch o.Format {
	case FormatName:
		for _, name := range names {
			if _, err := fmt.Fprintln(w, safetext.Line(name)); err != nil {
				return true, err
			}
		}
		return true, nil
	case FormatJSON:
		return true, printJSON(w, v)
	case FormatYAML:
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

func (o *Output) printer() (printers.ResourcePrinter, error) {
	p, err := templatePrinter(o.Format)
	if err != nil {
		return nil, fmt.Errorf("-o %s: %w", o.Format, err)
	}
	return p, nil
}

// templatePrinter returns the printer of kubectl for a format such as jsonpath={.items}. A template prints nothing for a key that
// is missing. genericclioptions of kubectl has the same, and links a client of a cluster.
func templatePrinter(format string) (printers.ResourcePrinter, error) {
	kind, template, _ := strings.Cut(format, "=")
	if strings.HasSuffix(kind, "-file") {
		data, err := os.ReadFile(template)
		if err != nil {
			return nil, fmt.Errorf("error reading --template %s, %w", template, err)
		}
		template = string(data)
	}
	if strings.HasPrefix(kind, "go-template") {
		p, err := printers.NewGoTemplatePrinter([]byte(template))
		if err != nil {
			return nil, fmt.Errorf("error parsing template %s, %w", template, err)
		}
		p.AllowMissingKeys(true)
		return p, nil
	}
	p, err := printers.NewJSONPathPrinter(template)
	if err != nil {
		return nil, fmt.Errorf("error parsing jsonpath %s, %w", template, err)
	}
	p.AllowMissingKeys(true)
	p.EnableJSONOutput(kind == "jsonpath-as-json")
	return p, nil
}

func (o *Output) printTemplate(w io.Writer, v any) error {
	p, err := o.printer()
	if err != nil {
		return err
	}
	raw, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("-o %s: %w", o.Format, err)
	}
	var content map[string]any
	if err := utiljson.Unmarshal(raw, &content); err != nil {
		return fmt.Errorf("-o %s: %w", o.Format, err)
	}
	var out bytes.Buffer
	if err := p.PrintObj(&unstructured.Unstructured{Object: content}, &out); err != nil {
		// The printers append the whole object to their errors; the first line says what is wrong.
		return fmt.Errorf("-o %s: %s", o.Format, strings.TrimSuffix(FirstLine(err.Error()), " Printing more information for debugging the template:"))
	}
	text := out.Bytes()
	if isTerminal(w) { // a program that reads a pipe gets the value as it is
		text = []byte(safetext.Lines(out.String()))
	}
	_, err = w.Write(text)
	return err
}
