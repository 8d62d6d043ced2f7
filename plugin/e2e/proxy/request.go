package proxy

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Request is one request that arrived at the proxy.
type Request struct {
	Time      time.Time
	Method    string
	Path      string
	Query     url.Values
	UserAgent string

	// Verb is get, list, watch, create, update, patch, delete or deletecollection, as in the server's audit log.
	Verb string
	// Group, Resource, Subresource, Namespace and Name are empty where the path has none. Resource is empty for
	// discovery, OpenAPI, version and health.
	Group, Resource, Subresource, Namespace, Name string
	// Apply is true for server-side apply.
	Apply bool
	// MetadataOnly is true when the client asked for a Table or for PartialObjectMetadata.
	MetadataOnly bool

	Status int   // of the answer; 0 when there was none
	Bytes  int64 // of the answer's body, as sent
}

// Write says whether the request changes objects (dry runs count; a question that is posted does not).
func (r Request) Write() bool {
	return !strings.HasSuffix(r.Resource, "reviews") && slices.Contains([]string{"create", "update", "patch", "delete", "deletecollection"}, r.Verb)
}

// DryRun says whether the request asks the server not to keep its result.
func (r Request) DryRun() bool { return r.Query.Get("dryRun") != "" }

// String returns the request in one line, for messages of failed tests.
func (r Request) String() string {
	uri := url.URL{Path: r.Path, RawQuery: r.Query.Encode()}
	return fmt.Sprintf("%-6s %s -> %d, %d bytes (%s)", r.Verb, uri.String(), r.Status, r.Bytes, r.UserAgent)
}

// parse reads a request the way the API server does: see "API terminology" in the Kubernetes API concepts.
func parse(r *http.Request) Request {
	accept := r.Header.Get("Accept")
	req := Request{
		Time: time.Now(), Method: r.Method, Path: r.URL.Path, Query: r.URL.Query(), UserAgent: r.UserAgent(),
		Apply:        strings.HasPrefix(r.Header.Get("Content-Type"), "application/apply-patch"),
		MetadataOnly: strings.Contains(accept, "as=PartialObjectMetadata") || strings.Contains(accept, "as=Table"),
	}
	req.locate()
	req.Verb = strings.ToLower(r.Method)
	if req.Resource == "" {
		return req
	}
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		req.Verb = "get"
		if req.Name == "" {
			req.Verb = "list"
		}
		if w := req.Query.Get("watch"); w == "true" || w == "1" {
			req.Verb = "watch"
		}
	case http.MethodPost:
		req.Verb = "create"
	case http.MethodPut:
		req.Verb = "update"
	case http.MethodDelete:
		if req.Name == "" {
			req.Verb = "deletecollection"
		}
	}
	return req
}

// locate splits /api/v1/... and /apis/GROUP/VERSION/... into group, namespace, resource, name and subresource.
func (r *Request) locate() {
	parts := strings.Split(strings.Trim(r.Path, "/"), "/")
	switch {
	case len(parts) > 2 && parts[0] == "api":
		parts = parts[2:]
	case len(parts) > 3 && parts[0] == "apis":
		r.Group, parts = parts[1], parts[3:]
	default:
		return
	}
	// /namespaces/NAME alone, and its own subresources, are about the Namespace object.
	own := len(parts) > 2 && (parts[2] == "status" || parts[2] == "finalize")
	if parts[0] == "namespaces" && len(parts) > 2 && !own {
		r.Namespace, parts = parts[1], parts[2:]
	}
	parts = append(parts, "", "")
	r.Resource, r.Name, r.Subresource = parts[0], parts[1], parts[2]
}
