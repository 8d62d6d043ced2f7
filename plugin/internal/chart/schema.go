package chart

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
	v2 "helm.sh/helm/v4/pkg/chart/v2"
)

// ValuesError says why one value does not fit the schema of a chart.
type ValuesError struct {
	Schema  string   // what messages call the schema's file
	Path    []string // of the value, from the values given to the whole chart
	Message string   // never holds the value
}

// Error returns "file: values: path: message".
func (e *ValuesError) Error() string {
	return fmt.Sprintf("%s: values: /%s: %s", e.Schema, strings.Join(e.Path, "/"), e.Message)
}

// ValuesErrors are all values that do not fit the schemas of a chart.
type ValuesErrors []*ValuesError

// Error returns one line per error.
func (es ValuesErrors) Error() string {
	lines := make([]string, len(es))
	for i, e := range es {
		lines[i] = e.Error()
	}
	return strings.Join(lines, "\n")
}

// validate checks values against the schemas of the charts, without reading anything that a schema refers to outside
// of itself.
func (c *Chart) validate(values map[string]any) error {
	var all ValuesErrors
	err := c.validateChart(c.root, values, nil, &all)
	if err == nil && len(all) > 0 {
		return all
	}
	return err
}

func (c *Chart) validateChart(ch *v2.Chart, values map[string]any, at []string, all *ValuesErrors) error {
	if ch.Schema != nil {
		file := c.schemaFile(ch)
		invalid, err := validateOne(ch.Schema, values)
		if err != nil {
			return &Error{File: file, Message: "the schema cannot be used: " + oneLine(err.Error())}
		}
		for _, e := range invalid {
			*all = append(*all, &ValuesError{Schema: file, Path: append(append([]string{}, at...), e.Path...), Message: e.Message})
		}
	}
	for _, sub := range ch.Dependencies() {
		inner := append(append([]string{}, at...), sub.Name())
		switch v := values[sub.Name()].(type) {
		case nil:
		case map[string]any:
			if err := c.validateChart(sub, v, inner, all); err != nil {
				return err
			}
		default:
			*all = append(*all, &ValuesError{Schema: c.file, Path: inner, Message: "the values of a subchart are a mapping"})
		}
	}
	return nil
}

// schemaFile names the schema's file: it lies beside what the loader kept of the chart.
func (c *Chart) schemaFile(ch *v2.Chart) string {
	for _, f := range ch.Raw {
		if f.Name == "values.schema.json" {
			return c.at[f]
		}
	}
	return c.file
}

func validateOne(schemaJSON []byte, values map[string]any) (invalid []*ValuesError, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%v", r)
		}
	}()
	schema, err := jsonschema.UnmarshalJSON(bytes.NewReader(schemaJSON))
	if err != nil {
		return nil, err
	}
	const name = "file:///values.schema.json"
	compiler := jsonschema.NewCompiler()
	compiler.UseLoader(nothing{})
	if err := compiler.AddResource(name, schema); err != nil {
		return nil, err
	}
	compiled, err := compiler.Compile(name)
	if err != nil {
		return nil, err
	}
	err = compiled.Validate(values)
	var failed *jsonschema.ValidationError
	if errors.As(err, &failed) {
		leaves(failed, &invalid)
		return invalid, nil
	}
	return nil, err
}

// nothing is the loader of schemas that others refer to.
type nothing struct{}

// Load implements jsonschema.URLLoader. A URN stands for anything, as in Helm.
func (nothing) Load(url string) (any, error) {
	if strings.HasPrefix(url, "urn:") {
		return true, nil
	}
	return nil, fmt.Errorf("it refers to %s, and nothing is fetched while rendering", url)
}

// leaves collects the innermost causes.
func leaves(e *jsonschema.ValidationError, all *[]*ValuesError) {
	if len(e.Causes) == 0 {
		*all = append(*all, &ValuesError{Path: e.InstanceLocation, Message: explain(e.ErrorKind)})
	}
	for _, cause := range e.Causes {
		leaves(cause, all)
	}
}

// explain words what is wrong without the value, which may be a password.
func explain(k jsonschema.ErrorKind) string {
	switch k := k.(type) {
	case *kind.Pattern:
		return fmt.Sprintf("does not match the pattern %q", k.Want)
	case *kind.Format:
		return "is not a valid " + k.Want
	}
	return k.LocalizedString(message.NewPrinter(language.English))
}
