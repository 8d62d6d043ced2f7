package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"k8s.io/client-go/rest"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/e2e/kube"
)

const (
	cleanTimeout = 10 * time.Minute
	pollEvery    = 20 * time.Millisecond
	atOnce       = 8

	applySetResource = "applysets.bench.example.com"
)

// admin edits the cluster for the benchmark: as the person who causes drift, and to clean up.
type admin struct {
	host   string
	client *http.Client
}

func newAdmin(c *kube.Cluster) (*admin, error) {
	client, err := rest.HTTPClientFor(c.RESTConfig())
	return &admin{c.Host, client}, err
}

// send makes a request and decodes the answer into out, if that is not nil. It returns the HTTP status, also with an
// error for 300 and above.
func (a *admin) send(ctx context.Context, method, path, contentType string, body []byte, out any) (int, error) {
	req, err := http.NewRequestWithContext(ctx, method, a.host+path, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Content-Type", contentType)
	req.Header.Set("Accept", "application/json")
	resp, err := a.client.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return resp.StatusCode, err
	}
	if resp.StatusCode >= http.StatusMultipleChoices {
		return resp.StatusCode, fmt.Errorf("%s %s: %s: %.300s", method, path, resp.Status, answer)
	}
	if out == nil {
		return resp.StatusCode, nil
	}
	return resp.StatusCode, json.Unmarshal(answer, out)
}

// get reads one object.
func (a *admin) get(ctx context.Context, path string) (map[string]any, error) {
	var o map[string]any
	_, err := a.send(ctx, http.MethodGet, path, "", nil, &o)
	return o, err
}

// merge is a JSON merge patch by the named manager. It returns the object.
func (a *admin) merge(ctx context.Context, path, manager string, patch string) (map[string]any, error) {
	var o map[string]any
	_, err := a.send(ctx, http.MethodPatch, path+"?fieldManager="+manager, "application/merge-patch+json", []byte(patch), &o)
	return o, err
}

// apply is a server-side apply of a manifest in JSON.
func (a *admin) apply(ctx context.Context, path, manifest string) error {
	_, err := a.send(ctx, http.MethodPatch, path+"?fieldManager=bench&force=true", "application/apply-patch+yaml", []byte(manifest), nil)
	return err
}

// prepare creates what tools expect to exist: the namespace of their state, and for kubectl an ApplySet parent, which
// has to be of a cluster-scoped custom kind when its members are in several namespaces.
func (a *admin) prepare(ctx context.Context, t *tool) error {
	switch t.name {
	case "kapp":
		return a.apply(ctx, "/api/v1/namespaces/"+t.state, `{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"`+t.state+`"}}`)
	case "kubectl":
		if err := a.apply(ctx, "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/"+applySetResource, applySetCRD); err != nil {
			return err
		}
		hashed := sha256.Sum256([]byte("bench..ApplySet.bench.example.com")) // name, namespace, kind and group
		parent := fmt.Sprintf(applySetParent, "applyset-"+base64.RawURLEncoding.EncodeToString(hashed[:])+"-v1")
		return eventually(ctx, func() error { return a.apply(ctx, "/apis/bench.example.com/v1/applysets/bench", parent) })
	}
	return nil
}

const applySetCRD = `{"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{"name":"` + applySetResource + `",
"labels":{"applyset.kubernetes.io/is-parent-type":"true"}},"spec":{"group":"bench.example.com","scope":"Cluster",
"names":{"kind":"ApplySet","plural":"applysets","singular":"applyset"},"versions":[{"name":"v1","served":true,"storage":true,
"schema":{"openAPIV3Schema":{"type":"object"}}}]}}`

const applySetParent = `{"apiVersion":"bench.example.com/v1","kind":"ApplySet","metadata":{"name":"bench",
"labels":{"applyset.kubernetes.io/id":"%s"},"annotations":{"applyset.kubernetes.io/tooling":"kubectl/` + kube.Version + `",
"applyset.kubernetes.io/contains-group-kinds":""}}}`

// clean deletes all that a tool made and waits until it is gone. Objects go before their namespaces: that is faster.
func (a *admin) clean(ctx context.Context, t *tool) error {
	ctx, cancel := context.WithTimeout(ctx, cleanTimeout)
	defer cancel()
	var spaces, paths []string
	for n := range namespaces {
		spaces = append(spaces, t.set.namespace(n))
	}
	resources := []string{"/apis/apps/v1/namespaces/%s/replicasets"}
	for _, k := range kinds() {
		resources = append(resources, k.path+"/namespaces/%s/"+k.resource)
	}
	for _, ns := range spaces {
		for _, r := range resources {
			paths = append(paths, fmt.Sprintf(r, ns))
		}
	}
	spaces = append(spaces, t.state)
	if err := a.deleteAll(ctx, paths); err != nil {
		return err
	}
	paths = paths[:0]
	for _, ns := range spaces {
		paths = append(paths, "/api/v1/namespaces/"+ns)
	}
	if t.name == "kubectl" {
		paths = append(paths, "/apis/bench.example.com/v1/applysets/bench")
	}
	if err := a.deleteAll(ctx, paths); err != nil {
		return err
	}
	for _, path := range paths {
		if err := eventually(ctx, func() error {
			if status, err := a.send(ctx, http.MethodGet, path, "", nil, nil); status != http.StatusNotFound {
				return fmt.Errorf("%s is still there (%v)", path, err)
			}
			return nil
		}); err != nil {
			return err
		}
	}
	return t.forget()
}

func (a *admin) deleteAll(ctx context.Context, paths []string) (failure error) {
	var wg sync.WaitGroup
	var mu sync.Mutex
	slots := make(chan struct{}, atOnce)
	for _, path := range paths {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			status, err := a.send(ctx, http.MethodDelete, path, "application/json", []byte(`{"propagationPolicy":"Background"}`), nil)
			if err != nil && status != http.StatusNotFound && status != http.StatusConflict { // conflict: being deleted
				mu.Lock()
				defer mu.Unlock()
				failure = err
			}
		})
	}
	wg.Wait()
	return failure
}

// eventually repeats try until it returns nil or ctx is over.
func eventually(ctx context.Context, try func() error) error {
	for {
		err := try()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", ctx.Err(), err)
		case <-time.After(pollEvery):
		}
	}
}
