package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/types"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/client-go/rest"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/safeyaml"
)

// Kind is object.Kind: a kind with all that is needed to address its objects.
type Kind = object.Kind

// Ref is object.Ref: the address of one object. Namespace is empty for cluster-scoped kinds.
type Ref = object.Ref

// Client sends requests to one API server. Several goroutines may use it.
type Client struct {
	*transport
	*Discovery
	*Access
}

// Discovery knows which kinds the API server serves. It is part of a Client. It asks the server once, when it needs an answer
// first, and remembers what it found until Forget.
type Discovery struct {
	*transport

	mu     sync.Mutex
	kinds  map[schema.GroupVersionKind]Kind
	found  *discovered       // nil until discovery ran
	groups map[string]string // preferred versions of API groups; nil until asked for
}

// Access finds out what the user may do. It is part of a Client.
type Access struct{ *transport }

// transport makes requests, and repeats those that may be repeated.
type transport struct {
	rest    rest.Interface
	http    *http.Client
	config  *rest.Config
	counter *counter
}

// Connect returns a client of the API server that config names. It makes no request. onWarning is called once for each
// different warning of the server; it may be nil. Connect fails when config cannot be used.
func Connect(config *rest.Config, userAgent string, onWarning func(string)) (*Client, error) {
	c := rest.CopyConfig(config)
	c.UserAgent = userAgent
	c.QPS, c.Burst = -1, -1 // the server's priority and fairness rules
	c.Timeout = 0           // each request has its own, watches have none
	w := &warnings{to: onWarning, seen: map[string]bool{}}
	c.WarningHandlerWithContext = nil
	c.WarningHandler = w
	counts := &counter{}
	c.Wrap(func(next http.RoundTripper) http.RoundTripper { return counts.wrap(next) })
	scheme := runtime.NewScheme()
	metav1.AddToGroupVersion(scheme, schema.GroupVersion{Version: "v1"})
	c.NegotiatedSerializer = serializer.NewCodecFactory(scheme).WithoutConversion()
	c.ContentType = runtime.ContentTypeJSON
	c.AcceptContentTypes = runtime.ContentTypeJSON
	c.GroupVersion = &schema.GroupVersion{}
	return newClient(c, counts)
}

func newClient(c *rest.Config, counts *counter) (*Client, error) {
	httpClient, err := rest.HTTPClientFor(c)
	if err != nil {
		return nil, fmt.Errorf("kubeconfig: %w", err)
	}
	rc, err := rest.UnversionedRESTClientForConfigAndClient(c, httpClient)
	if err != nil {
		return nil, fmt.Errorf("kubeconfig: %w", err)
	}
	t := &transport{rest: rc, http: httpClient, config: c, counter: counts}
	return &Client{t, &Discovery{transport: t, kinds: map[schema.GroupVersionKind]Kind{}}, &Access{t}}, nil
}

// As returns a client that acts as another user: each request impersonates that user, which the user of c needs the right to.
// Both clients count their requests together.
func (c *Client) As(user string) (*Client, error) {
	config := rest.CopyConfig(c.config)
	config.Impersonate = rest.ImpersonationConfig{UserName: user}
	return newClient(config, c.counter)
}

// Host returns the address of the API server, as the kubeconfig has it.
func (c *Client) Host() string { return c.config.Host }

// Requests returns how many HTTP requests were made so far, by verb. Repeated requests and discovery count.
func (c *Client) Requests() report.Requests { return c.counter.snapshot() }

// List returns the objects of a kind that have the labels of selector, and the resourceVersion of the list. An empty namespace
// stands for all namespaces, an empty selector for all objects. It is a consistent read. It returns all objects or an error,
// never a part.
func (c *Client) List(ctx context.Context, k Kind, namespace, selector string) ([]unstructured.Unstructured, string, error) {
	raw, _, err := c.ask(ctx, in(k, namespace), func(path string) *rest.Request {
		return c.rest.Get().AbsPath(path).Param("labelSelector", selector)
	})
	if err != nil {
		return nil, "", fmt.Errorf("list %s: %w", k.Resource, err)
	}
	var list struct {
		Metadata metav1.ListMeta   `json:"metadata"`
		Items    []json.RawMessage `json:"items"`
	}
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, "", fmt.Errorf("list %s: %w", k.Resource, err)
	}
	items := make([]unstructured.Unstructured, len(list.Items))
	for i, raw := range list.Items {
		o, err := decode(raw)
		if err != nil {
			return nil, "", fmt.Errorf("list %s: %w", k.Resource, err)
		}
		o.SetGroupVersionKind(k.GVK()) // items of built-in lists carry none
		items[i] = *o
	}
	return items, list.Metadata.ResourceVersion, nil
}

// Get reads one object consistently. The error is apierrors.IsNotFound when there is none.
func (c *Client) Get(ctx context.Context, r Ref) (*unstructured.Unstructured, error) {
	raw, _, err := c.ask(ctx, at(r), func(path string) *rest.Request { return c.rest.Get().AbsPath(path) })
	if err != nil {
		return nil, err
	}
	return decode(raw)
}

// ApplyOptions are the options of a server-side apply.
type ApplyOptions struct {
	Manager   string // name of the field manager
	Force     bool   // take fields from other managers; otherwise they are a conflict
	DryRun    bool   // the server answers and stores nothing
	Unchecked bool   // the server drops fields that it does not know, instead of refusing them
}

// Apply applies body to one object by server-side apply, with strict field validation unless o.Unchecked is set. It returns
// the object as the server stored it, and whether the server created it. Fields of other managers are a conflict
// (apierrors.IsConflict) unless o.Force is set.
func (c *Client) Apply(ctx context.Context, r Ref, body []byte, o ApplyOptions) (*unstructured.Unstructured, bool, error) {
	validation := "Strict"
	if o.Unchecked {
		validation = "Ignore"
	}
	raw, status, err := c.ask(ctx, at(r), func(path string) *rest.Request {
		q := c.rest.Patch(types.ApplyPatchType).AbsPath(path).Body(safeyaml.Escape(body)). // the server reads it as YAML
													Param("fieldManager", o.Manager).Param("fieldValidation", validation)
		if o.Force {
			q.Param("force", "true")
		}
		if o.DryRun {
			q.Param("dryRun", metav1.DryRunAll)
		}
		return q
	})
	if err != nil {
		return nil, false, err
	}
	u, err := decode(raw)
	return u, status == http.StatusCreated, err
}

// Create creates one object. It is for kinds that cannot be applied, and for callers who must not change an existing object:
// then the error is apierrors.IsAlreadyExists. It returns the object as the server stored it.
func (c *Client) Create(ctx context.Context, r Ref, body []byte, manager string) (*unstructured.Unstructured, error) {
	return c.create(ctx, r, body, manager)
}

func (c *transport) create(ctx context.Context, r Ref, body []byte, manager string) (*unstructured.Unstructured, error) {
	raw, _, err := c.ask(ctx, in(r.Kind, r.Namespace), func(path string) *rest.Request {
		return c.rest.Post().AbsPath(path).Param("fieldManager", manager).
			SetHeader("Content-Type", runtime.ContentTypeJSON).Body(body)
	})
	if err != nil {
		return nil, err
	}
	return decode(raw)
}

// Update replaces one object and returns it as the server stored it. A resourceVersion in body makes it a compare-and-set: the
// error is apierrors.IsConflict when somebody wrote the object since.
func (c *Client) Update(ctx context.Context, r Ref, body []byte, manager string) (*unstructured.Unstructured, error) {
	raw, _, err := c.ask(ctx, at(r), func(path string) *rest.Request {
		return c.rest.Put().AbsPath(path).Param("fieldManager", manager).
			SetHeader("Content-Type", runtime.ContentTypeJSON).Body(body)
	})
	if err != nil {
		return nil, err
	}
	return decode(raw)
}

// PatchJSON applies a JSON patch (RFC 6902) to one object and returns the object after it. A test operation that fails is
// apierrors.IsInvalid.
func (c *Client) PatchJSON(ctx context.Context, r Ref, patch []byte, manager string) (*unstructured.Unstructured, error) {
	return c.patchJSON(ctx, r, patch, manager, false)
}

// TryPatchJSON is PatchJSON as a dry run: it returns what the object would become.
func (c *Client) TryPatchJSON(ctx context.Context, r Ref, patch []byte, manager string) (*unstructured.Unstructured, error) {
	return c.patchJSON(ctx, r, patch, manager, true)
}

func (c *Client) patchJSON(ctx context.Context, r Ref, patch []byte, manager string, dryRun bool) (*unstructured.Unstructured, error) {
	raw, _, err := c.ask(ctx, at(r), func(path string) *rest.Request {
		q := c.rest.Patch(types.JSONPatchType).AbsPath(path).Param("fieldManager", manager).Body(patch)
		if dryRun {
			q.Param("dryRun", metav1.DryRunAll)
		}
		return q
	})
	if err != nil {
		return nil, err
	}
	return decode(raw)
}

// Delete deletes one object in the background, if it still has this uid. An object that is gone already is no error; an object
// with another uid is a conflict (apierrors.IsConflict). With dry, the server deletes nothing.
//
// gone is true when the server says that the object no longer exists. When it is false the object may still exist, for example
// until its finalizers are done or a pod has ended.
func (c *Client) Delete(ctx context.Context, r Ref, uid types.UID, dry bool) (gone bool, err error) {
	policy := metav1.DeletePropagationBackground
	options := metav1.DeleteOptions{
		TypeMeta:          metav1.TypeMeta{APIVersion: "v1", Kind: "DeleteOptions"},
		PropagationPolicy: &policy,
		Preconditions:     &metav1.Preconditions{UID: &uid},
	}
	if dry {
		options.DryRun = []string{metav1.DryRunAll} // in the body: the server ignores the query when there is one
	}
	body, err := json.Marshal(options)
	if err != nil {
		return false, err
	}
	raw, _, err := c.ask(ctx, at(r), func(path string) *rest.Request {
		return c.rest.Delete().AbsPath(path).SetHeader("Content-Type", runtime.ContentTypeJSON).Body(body)
	})
	if apierrors.IsNotFound(err) {
		return true, nil
	}
	return err == nil && saysGone(raw), err
}

// saysGone tells whether the answer to a delete is a Status. The API machinery's storage returns one after it removed an
// object, and the object itself while that waits for something.
func saysGone(raw []byte) bool {
	var status metav1.Status
	return json.Unmarshal(raw, &status) == nil && status.APIVersion == "v1" && status.Kind == "Status" && status.Status == metav1.StatusSuccess
}

// decode reads one JSON object, whole numbers as int64.
func decode(raw []byte) (*unstructured.Unstructured, error) {
	u := &unstructured.Unstructured{}
	if err := utiljson.Unmarshal(raw, &u.Object); err != nil {
		return nil, fmt.Errorf("the API server's answer: %w", err)
	}
	return u, nil
}

const (
	attempts       = 6
	requestTimeout = 60 * time.Second
)

// target forms the path that a request goes to, or says why there is none.
type target func() (string, error)

func at(r Ref) target { return func() (string, error) { return r.Path() } }

func in(k Kind, namespace string) target {
	return func() (string, error) { return k.Collection(namespace) }
}

// ask is do for a request whose path is formed of parts that others may have named. A part that does not stay one segment
// of the path is refused before anything is sent.
func (c *transport) ask(ctx context.Context, to target, build func(path string) *rest.Request) (raw []byte, status int, err error) {
	path, err := to()
	if err != nil {
		return nil, 0, err
	}
	return c.do(ctx, func() *rest.Request { return build(path) })
}

// do sends a request and repeats it after a pause while the answer is one that a later try may change. All verbs used
// here can be repeated: apply and JSON patches with a test are idempotent, updates are compare-and-set.
func (c *transport) do(ctx context.Context, build func() *rest.Request) (raw []byte, status int, err error) {
	err = c.patiently(ctx, func() error {
		reqCtx, cancel := context.WithTimeout(ctx, requestTimeout)
		defer cancel()
		result := build().MaxRetries(0).Do(reqCtx).StatusCode(&status)
		if err := result.Error(); err != nil { // decodes the server's Status, which Raw does not
			return err
		}
		raw, err = result.Raw()
		return err
	})
	return raw, status, err
}

// patiently repeats try after a pause while its error is one that a later try may not meet, and explains the last one.
func (c *transport) patiently(ctx context.Context, try func() error) error {
	for n := 1; ; n++ {
		err := try()
		if err == nil {
			return nil
		}
		wait, again := retryAfter(err, n)
		if !again || n == attempts || ctx.Err() != nil {
			return c.explain(err)
		}
		select {
		case <-ctx.Done():
			return c.explain(err)
		case <-time.After(wait):
		}
	}
}

// explain adds what a person needs to errors that happened before the server answered.
func (c *transport) explain(err error) error {
	var urlErr *url.Error
	if errors.As(err, &urlErr) {
		if errors.Is(err, context.Canceled) {
			return context.Canceled
		}
		return hint.With(fmt.Errorf("cannot reach the API server at %s: %w", c.config.Host, urlErr.Err),
			"check --context and --kubeconfig, and that the cluster runs")
	}
	if apierrors.IsUnauthorized(err) {
		return hint.With(fmt.Errorf("the API server at %s does not accept these credentials: %w", c.config.Host, err),
			"log in again, or check the kubeconfig's user")
	}
	return err
}

// Log copies the log of a pod with one container to w, from the beginning until the container ends or ctx does.
func (c *Client) Log(ctx context.Context, pod Ref, w io.Writer) error {
	path, err := pod.Path("log")
	if err != nil {
		return err
	}
	stream, err := c.rest.Get().AbsPath(path).Param("follow", "true").Stream(ctx)
	if err != nil {
		return c.explain(err)
	}
	defer stream.Close()
	_, err = io.Copy(w, stream)
	return err
}

// TryCreate is a dry run of Create: it returns the object as the server would store it. With unchecked the server drops
// unknown fields, otherwise it refuses them.
func (c *Client) TryCreate(ctx context.Context, r Ref, body []byte, manager string, unchecked bool) (*unstructured.Unstructured, error) {
	validation := "Strict"
	if unchecked {
		validation = "Ignore"
	}
	raw, _, err := c.ask(ctx, in(r.Kind, r.Namespace), func(path string) *rest.Request {
		return c.rest.Post().AbsPath(path).Param("fieldManager", manager).Param("fieldValidation", validation).
			Param("dryRun", metav1.DryRunAll).SetHeader("Content-Type", runtime.ContentTypeJSON).Body(body)
	})
	if err != nil {
		return nil, err
	}
	return decode(raw)
}
