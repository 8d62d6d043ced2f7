package githubtest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/validator"
	"github.com/vektah/gqlparser/v2/validator/rules"
)

// description is what GitHub publishes about its own API: the OpenAPI document, cut down to the
// operations above, and the GraphQL schema. A nil description checks nothing.
type description struct {
	rest   *openapi3.T
	schema *ast.Schema
}

// loaded is shared by all servers of one test binary, because parsing takes a second.
var loaded = sync.OnceValue(func() *description {
	d, err := readDescription()
	if err != nil {
		// Straight to stderr: a log line of a passing test would not be seen.
		fmt.Fprintf(os.Stderr, "WARNING: requests are NOT checked against GitHub's description in this run: %v\n", err)
		return nil
	}
	return d
})

func readDescription() (*description, error) {
	rest, graph, err := cachedDescription()
	if err != nil {
		return nil, err
	}
	doc, err := openapi3.NewLoader().LoadFromData(rest)
	if err != nil {
		return nil, fmt.Errorf("read GitHub's OpenAPI description: %w", err)
	}
	schema, err := gqlparser.LoadSchema(&ast.Source{Name: "github.graphql", Input: string(graph)})
	if err != nil {
		return nil, fmt.Errorf("read GitHub's GraphQL schema: %w", err)
	}
	return &description{rest: doc, schema: schema}, nil
}

func (d *description) operation(rt *route) (*openapi3.PathItem, *openapi3.Operation) {
	item := d.rest.Paths.Value(rt.template)
	if item == nil {
		return nil, nil
	}
	return item, item.GetOperation(rt.method)
}

func (d *description) input(rt *route, r *http.Request, body []byte, params map[string]string) *openapi3filter.RequestValidationInput {
	item, op := d.operation(rt)
	clone := r.Clone(context.Background())
	clone.Body = io.NopCloser(bytes.NewReader(body))
	return &openapi3filter.RequestValidationInput{
		Request: clone, PathParams: params,
		Route:   &routers.Route{Spec: d.rest, Path: rt.template, PathItem: item, Method: rt.method, Operation: op},
		Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, IncludeResponseStatus: true, SkipSettingDefaults: true},
	}
}

func (d *description) checkRequest(tb testing.TB, rt *route, r *http.Request, body []byte, params map[string]string) {
	if d == nil {
		return
	}
	if _, op := d.operation(rt); op == nil {
		tb.Errorf("githubtest: GitHub has no %s %s", rt.method, rt.template)
		return
	}
	if err := openapi3filter.ValidateRequest(context.Background(), d.input(rt, r, body, params)); err != nil {
		tb.Errorf("githubtest: GitHub would not understand %s %s: %v\n%s", r.Method, r.URL.Path, err, body)
	}
}

// checkResponse completes the body with what GitHub's schema requires and the double does not model,
// checks the whole against the description, and returns it.
func (d *description) checkResponse(tb testing.TB, rt *route, r *http.Request, a *answer) any {
	if d == nil {
		return a.body
	}
	_, op := d.operation(rt)
	if op == nil {
		return a.body
	}
	ref := op.Responses.Status(a.status)
	if ref == nil {
		// GitHub's 404 for a repository one cannot see is not listed at every operation.
		if a.status != http.StatusNotFound {
			tb.Errorf("githubtest: GitHub never answers %d to %s %s", a.status, rt.method, rt.template)
		}
		return a.body
	}
	media := ref.Value.Content.Get("application/json")
	if media == nil || a.body == nil {
		return a.body
	}
	full := fill(media.Schema, plain(a.body))
	if err := media.Schema.Value.VisitJSON(full, openapi3.MultiErrors()); err != nil {
		tb.Errorf("githubtest: GitHub never answers %s %s with %d like this: %v", r.Method, r.URL.Path, a.status, err)
	}
	return full
}

func (d *description) checkQuery(tb testing.TB, query string, vars map[string]any) *ast.QueryDocument {
	if d == nil {
		return nil
	}
	doc, errs := gqlparser.LoadQueryWithRules(d.schema, query, rules.NewDefaultRules())
	if len(errs) > 0 {
		tb.Errorf("githubtest: GitHub would not understand this GraphQL: %v\n%s", errs, query)
		return nil
	}
	if _, err := validator.VariableValues(d.schema, doc.Operations[0], vars); err != nil {
		tb.Errorf("githubtest: GitHub would not accept these GraphQL variables: %v\n%v", err, vars)
	}
	return doc
}
