package kube

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"k8s.io/client-go/rest"
)

const auditLog = "audit.log"

// auditPolicy keeps the control plane's own requests out of the log: the log is there to count a client's.
const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
omitManagedFields: true
rules:
- level: None
  users: ["system:apiserver", "system:kube-controller-manager"]
- level: None
  userGroups: ["system:serviceaccounts:kube-system"]
- level: Metadata
`

// Request is one request as the API server's audit log saw it. A watch appears once, when it starts.
type Request struct {
	Time            time.Time // when the server received it
	User, UserAgent string
	Impersonated    string // the user it acted as, if any
	Verb            string // get, list, watch, create, update, patch, delete, deletecollection
	Group, Resource string // empty Resource: not a resource, see URI
	Subresource     string
	Namespace, Name string
	URI             string
	Code            int // HTTP status of the answer
}

// String returns the request in one line, for messages of failed tests.
func (r Request) String() string {
	return fmt.Sprintf("%s %s %d (%s)", r.Verb, r.URI, r.Code, r.User)
}

type auditEvent struct {
	AuditID                  string
	Stage                    string
	RequestURI               string
	Verb                     string
	User                     struct{ Username string }
	ImpersonatedUser         struct{ Username string }
	UserAgent                string
	ObjectRef                struct{ Resource, Namespace, Name, APIGroup, Subresource string }
	ResponseStatus           struct{ Code int }
	RequestReceivedTimestamp time.Time
}

// Requests returns the requests received since the given time, oldest answer first. Requests of the control plane
// itself are not in the log. It first sends a marker request and waits until that is logged; the marker is left out.
func (c *Cluster) Requests(ctx context.Context, since time.Time) ([]Request, error) {
	marker := "/version?marker=" + rand.Text()
	if err := c.mark(ctx, marker); err != nil {
		return nil, fmt.Errorf("mark the audit log: %w", err)
	}
	for {
		requests, flushed, err := readAudit(filepath.Join(c.Dir, auditLog), since, marker)
		if err != nil {
			return nil, fmt.Errorf("read the audit log: %w", err)
		}
		if flushed {
			return requests, nil
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("wait for the audit log: %w", ctx.Err())
		case <-time.After(pollEvery):
		}
	}
}

func (c *Cluster) mark(ctx context.Context, uri string) error {
	client, err := rest.HTTPClientFor(c.RESTConfig())
	if err != nil {
		return err
	}
	defer client.CloseIdleConnections()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.Host+uri, nil)
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	return resp.Body.Close()
}

// readAudit returns the requests up to the marker, and whether the marker was there.
func readAudit(path string, since time.Time, marker string) (requests []Request, flushed bool, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, false, err
	}
	defer f.Close()
	seen := map[string]bool{}
	for lines := bufio.NewReaderSize(f, 1<<16); ; {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return requests, false, nil // what is left is half a line
		}
		if err != nil {
			return nil, false, err
		}
		if bytes.Contains(line, []byte("/version?marker=")) {
			if bytes.Contains(line, []byte(marker)) {
				return requests, true, nil
			}
			continue
		}
		var e auditEvent
		if err := json.Unmarshal(line, &e); err != nil {
			return nil, false, err
		}
		if e.RequestReceivedTimestamp.Before(since) || seen[e.AuditID] {
			continue
		}
		seen[e.AuditID] = true
		requests = append(requests, Request{
			Time: e.RequestReceivedTimestamp, User: e.User.Username, UserAgent: e.UserAgent,
			Impersonated: e.ImpersonatedUser.Username, Verb: e.Verb, Group: e.ObjectRef.APIGroup,
			Resource: e.ObjectRef.Resource, Subresource: e.ObjectRef.Subresource,
			Namespace: e.ObjectRef.Namespace, Name: e.ObjectRef.Name, URI: e.RequestURI, Code: e.ResponseStatus.Code,
		})
	}
}
