package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

func TestIsCollection(t *testing.T) {
	for path, want := range map[string]bool{
		"/api/v1/configmaps":                                true,
		"/api/v1/namespaces/shop/configmaps":                true,
		"/api/v1/namespaces/shop/configmaps/web":            false,
		"/api/v1/namespaces":                                true,
		"/api/v1/namespaces/shop":                           false,
		"/apis/apps/v1/deployments":                         true,
		"/apis/apps/v1/namespaces/shop/deployments":         true,
		"/apis/apps/v1/namespaces/shop/deployments/web":     false,
		"/apis/rbac.authorization.k8s.io/v1/clusterroles/x": false,
		"/clusters/east/api/v1/pods":                        true,
		"/clusters/east/apis/apps/v1/deployments":           true,
		"/api/v1":       false,
		"/apis/apps/v1": false,
		"/apis/apps":    false,
		"/apis":         false,
		"/api":          false,
		"/version":      false,
		"/":             false,
		"":              false,
	} {
		if got := isCollection(path); got != want {
			t.Errorf("%s: %t", path, got)
		}
	}
}

func TestRequestsAreCountedByVerb(t *testing.T) {
	c := &counter{}
	for _, r := range []struct{ method, url string }{
		{"GET", "/api/v1/pods"}, {"GET", "/api/v1/pods?watch=true"}, {"GET", "/api/v1/namespaces/a/pods/x"}, {"GET", "/apis"},
		{"POST", "/api/v1/namespaces/a/pods"}, {"PUT", "/api/v1/namespaces/a/pods/x"}, {"PATCH", "/api/v1/namespaces/a/pods/x"},
		{"DELETE", "/api/v1/namespaces/a/pods/x"},
	} {
		u, err := url.Parse(r.url)
		if err != nil {
			t.Fatal(err)
		}
		c.count(&http.Request{Method: r.method, URL: u})
	}
	want := report.Requests{List: 1, Get: 2, Watch: 1, Create: 1, Update: 1, Patch: 1, Delete: 1, Total: 8}
	if got := c.snapshot(); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got := want.Minus(want); got != (report.Requests{}) {
		t.Errorf("nothing since then, but %+v", got)
	}
}

func answer(code int, message string, retryAfter int32) error {
	st := metav1.Status{Code: int32(code), Message: message, Reason: metav1.StatusReason(http.StatusText(code))}
	if retryAfter > 0 {
		st.Reason, st.Details = metav1.StatusReasonTooManyRequests, &metav1.StatusDetails{RetryAfterSeconds: retryAfter}
	}
	return &apierrors.StatusError{ErrStatus: st}
}

func TestWhatIsTriedAgain(t *testing.T) {
	inURL := func(err error) error { return &url.Error{Op: "Get", URL: "https://server", Err: err} }
	reset := &net.OpError{Op: "read", Err: os.NewSyscallError("read", syscall.ECONNRESET)}
	tests := []struct {
		name string
		err  error
		want bool
	}{
		{"500", answer(500, "etcd leader changed", 0), true},
		{"502", answer(502, "", 0), true},
		{"503", answer(503, "", 0), true},
		{"504", answer(504, "", 0), true},
		{"429", answer(429, "", 1), true},
		{"500 of a webhook", answer(500, `failed calling webhook "x": context deadline exceeded`, 0), false},
		{"500 of a manifest that does not fit", answer(500, "failed to create typed patch object (shop/web): field not declared", 0), false},
		{"400", answer(400, "", 0), false},
		{"401", answer(401, "", 0), false},
		{"403", answer(403, "", 0), false},
		{"404", answer(404, "", 0), false},
		{"409", answer(409, "", 0), false},
		{"422", answer(422, "", 0), false},
		{"connection refused", inURL(&net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}), true},
		{"connection reset", inURL(reset), true},
		{"end of file", inURL(io.EOF), true},
		{"half an answer", io.ErrUnexpectedEOF, true},
		{"going away", errors.New("http2: server sent GOAWAY and closed the connection"), true},
		{"unknown host", inURL(&net.OpError{Op: "dial", Err: &net.DNSError{Name: "nowhere"}}), false},
		{"interrupted", inURL(context.Canceled), false},
		{"out of time", inURL(context.DeadlineExceeded), false},
		{"unknown authority", inURL(errors.New("x509: certificate signed by unknown authority")), false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if _, again := retryAfter(test.err, 1); again != test.want {
				t.Errorf("tried again: %t, want %t", again, test.want)
			}
		})
	}
}

func TestPausesGrowAndTheServersWordCounts(t *testing.T) {
	for try, least := range map[int]time.Duration{1: 100 * time.Millisecond, 2: 200 * time.Millisecond, 5: 1600 * time.Millisecond, 20: 2 * time.Second} {
		for range 20 {
			if wait, _ := retryAfter(answer(503, "", 0), try); wait < least || wait >= least*3/2 {
				t.Fatalf("try %d: waits %s", try, wait)
			}
		}
	}
	if wait, _ := retryAfter(answer(429, "", 7), 1); wait < 7*time.Second || wait > 8*time.Second {
		t.Errorf("told to wait 7 s, waits %s", wait)
	}
}

func TestOneEdit(t *testing.T) {
	for pair, want := range map[[2]string]bool{
		{"deployment", "deployment"}: true, {"deploymnet", "deployment"}: true, {"deploymen", "deployment"}: true,
		{"deploymentt", "deployment"}: true, {"xeployment", "deployment"}: true, {"deploy", "deployment"}: false,
		{"eployment", "deployment"}: true, {"service", "ingress"}: false, {"", "a"}: true, {"", ""}: true, {"", "ab"}: false,
		{"ab", "ba"}: true, {"abcd", "badc"}: false, {"ab", "cd"}: false, {"a", "b"}: true,
	} {
		if got := oneEdit(pair[0], pair[1]); got != want {
			t.Errorf("%v: %t", pair, got)
		}
		if got := oneEdit(pair[1], pair[0]); got != want {
			t.Errorf("%v the other way round: %t", pair, got)
		}
	}
}

func TestUnknownKindComesWithAdvice(t *testing.T) {
	c := &Discovery{kinds: map[schema.GroupVersionKind]Kind{}, found: &discovered{
		kinds: map[schema.GroupVersionKind]Kind{}, failed: map[schema.GroupVersion]error{{Group: "metrics.k8s.io", Version: "v1"}: errors.New("503")},
	}}
	for _, k := range []Kind{{Group: "apps", Version: "v1", Kind: "Deployment"}, {Group: "batch", Version: "v1", Kind: "CronJob"},
		{Group: "example.com", Version: "v1beta1", Kind: "Widget"}, {Group: "example.com", Version: "v1", Kind: "Widget"}} {
		c.found.kinds[k.GVK()] = k
	}
	for gvk, want := range map[schema.GroupVersionKind]string{
		{Group: "apps", Version: "v1", Kind: "Deploymnet"}:         "did you mean Deployment?",
		{Group: "apps", Version: "v1", Kind: "deployment"}:         "did you mean Deployment?",
		{Group: "batch", Version: "v1beta1", Kind: "CronJob"}:      "it serves CronJob as batch/v1",
		{Group: "example.com", Version: "v2", Kind: "Widget"}:      "it serves Widget as example.com/v1, example.com/v1beta1",
		{Group: "extensions", Version: "v1", Kind: "Deployment"}:   "Deployment exists in apps/v1",
		{Group: "other.com", Version: "v1", Kind: "Thing"}:         "add the CustomResourceDefinition of Thing to the repository, or install it first",
		{Group: "metrics.k8s.io", Version: "v1", Kind: "PodThing"}: "",
	} {
		_, err := c.Kind(t.Context(), gvk)
		var unknown *UnknownKindError
		if isUnknown := errors.As(err, &unknown); isUnknown == (want == "") {
			t.Errorf("%s: a group whose server does not answer is not unknown: %v", gvk, err)
		}
		if got := fmt.Sprint(hint.Of(err)); want != "" && got != "["+want+"]" {
			t.Errorf("%s: got %s, want %s", gvk, got, want)
		}
	}
	if k, err := c.Kind(t.Context(), schema.GroupVersionKind{Group: "apps", Version: "v1", Kind: "Deployment"}); err != nil || k.Kind != "Deployment" {
		t.Errorf("%v, %v", k, err)
	}
}

func TestNamesOfObjects(t *testing.T) {
	deployment := Kind{Group: "apps", Version: "v1", Kind: "Deployment", Resource: "deployments", Namespaced: true}
	secret := Kind{Version: "v1", Kind: "Secret", Resource: "secrets", Namespaced: true}
	namespace := Kind{Version: "v1", Kind: "Namespace", Resource: "namespaces"}
	for _, test := range []struct {
		ref           Ref
		id, text, url string
	}{
		{Ref{Kind: deployment, Namespace: "shop", Name: "web"}, "apps/Deployment/shop/web", "deployment.apps/web", "/apis/apps/v1/namespaces/shop/deployments/web"},
		{Ref{Kind: secret, Namespace: "shop", Name: "token"}, "v1/Secret/shop/token", "secret/token", "/api/v1/namespaces/shop/secrets/token"},
		{Ref{Kind: namespace, Name: "shop"}, "v1/Namespace/shop", "namespace/shop", "/api/v1/namespaces/shop"},
	} {
		path, err := test.ref.Path()
		if err != nil || test.ref.ID() != test.id || test.ref.String() != test.text || path != test.url {
			t.Errorf("got %s, %s, %s, %v", test.ref.ID(), test.ref, path, err)
		}
	}
}

// TestAttackKinds: what a CustomResourceDefinition of the repository says about a kind never counts against the server.
func TestAttackKinds(t *testing.T) {
	gadget := Kind{Group: "example.com", Version: "v1", Kind: "Gadget", Resource: "gadgets", Namespaced: true}
	binding := Kind{Group: "rbac.authorization.k8s.io", Version: "v1", Kind: "ClusterRoleBinding", Resource: "clusterrolebindings"}
	for _, test := range []struct {
		name     string
		defined  Kind
		believed bool
	}{
		{"X1 beside it: a kind that the server does not have", Kind{Group: "example.com", Version: "v1", Kind: "Widget", Resource: "widgets"}, true},
		{"X1 beside it: another version of a kind", Kind{Group: "example.com", Version: "v2", Kind: "Gadget", Resource: "gadgets", Namespaced: true}, true},
		{"X1 a kind that the server has, at another resource", Kind{Group: "example.com", Version: "v1", Kind: "Gadget", Resource: "widgets", Namespaced: true}, false},
		{"X1 a kind that the server has, in another scope", Kind{Group: "example.com", Version: "v1", Kind: "Gadget", Resource: "gadgets"}, false},
		{"X1 another version at another resource", Kind{Group: "example.com", Version: "v2", Kind: "Gadget", Resource: "widgets", Namespaced: true}, false},
		{"X1 another version in another scope", Kind{Group: "example.com", Version: "v2", Kind: "Gadget", Resource: "gadgets"}, false},
		{"X1 the resource of another kind", Kind{Group: "example.com", Version: "v1", Kind: "Widget", Resource: "gadgets", Namespaced: true}, false},
		{"X1 Kubernetes' own", Kind{Group: "rbac.authorization.k8s.io", Version: "v1", Kind: "ClusterRoleBinding", Resource: "clusterrolebindings", Namespaced: true}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := &Discovery{kinds: map[schema.GroupVersionKind]Kind{}, found: &discovered{kinds: map[schema.GroupVersionKind]Kind{gadget.GVK(): gadget, binding.GVK(): binding}}}
			k, err := c.KindOr(t.Context(), test.defined.GVK(), map[schema.GroupVersionKind]Kind{test.defined.GVK(): test.defined})
			if believed := err == nil && k == test.defined; believed != test.believed {
				t.Errorf("%+v, %v", k, err)
			}
			if c.Promise(t.Context(), map[schema.GroupVersionKind]Kind{test.defined.GVK(): test.defined}); (c.kinds[test.defined.GVK()] == test.defined) != test.believed {
				t.Errorf("foreseen: %+v", c.kinds)
			}
		})
	}
}

// TestAttackPaths: no part of the path of a request leads to another path, and none is sent.
func TestAttackPaths(t *testing.T) {
	configMaps := Kind{Version: "v1", Kind: "ConfigMap", Resource: "configmaps", Namespaced: true}
	for name, ref := range map[string]Ref{
		"X1 a resource that leads up":        {Kind: Kind{Group: "example.com", Version: "v1", Kind: "Gadget", Resource: "../../clusterrolebindings"}, Name: "x"},
		"X1 a resource of two segments":      {Kind: Kind{Group: "example.com", Version: "v1", Kind: "Gadget", Resource: "a/status"}, Name: "x"},
		"X1 an escape":                       {Kind: Kind{Group: "example.com", Version: "v1", Kind: "Gadget", Resource: "a%2fb"}, Name: "x"},
		"X1 no resource":                     {Kind: Kind{Group: "example.com", Version: "v1", Kind: "Gadget"}, Name: "x"},
		"X1 a query":                         {Kind: Kind{Group: "example.com", Version: "v1", Kind: "Gadget", Resource: "a?b"}, Name: "x"},
		"X1 a fragment":                      {Kind: Kind{Group: "example.com", Version: "v1", Kind: "Gadget", Resource: "a#b"}, Name: "x"},
		"X1 a version that leads up":         {Kind: Kind{Group: "example.com", Version: "..", Kind: "Gadget", Resource: "gadgets"}, Name: "x"},
		"X1 a group that is a path":          {Kind: Kind{Group: "rbac.authorization.k8s.io/v1/clusterroles", Version: "v1", Kind: "Gadget", Resource: "gadgets"}, Name: "x"},
		"X1 a namespace that leads up":       {Kind: configMaps, Namespace: "..", Name: "x"},
		"X1 a namespace with a path":         {Kind: configMaps, Namespace: "a/secrets", Name: "x"},
		"X1 a name that leads up":            {Kind: configMaps, Namespace: "a", Name: "../../kube-system/configmaps/x"},
		"X1 a name with a subresource":       {Kind: configMaps, Namespace: "a", Name: "x/status"},
		"X1 a name of a dot":                 {Kind: configMaps, Namespace: "a", Name: "."},
		"X1 a name with a line end":          {Kind: configMaps, Namespace: "a", Name: "x\ny"},
		"X1 a backslash":                     {Kind: configMaps, Namespace: "a", Name: `..\..`},
		"X1 no name, where one is asked for": {Kind: configMaps, Namespace: "a"},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := Connect(&rest.Config{Host: "https://127.0.0.1:1"}, "test", nil)
			if err != nil {
				t.Fatal(err)
			}
			_, getErr := c.Get(t.Context(), ref)
			_, _, applyErr := c.Apply(t.Context(), ref, nil, ApplyOptions{})
			_, deleteErr := c.Delete(t.Context(), ref, "", false)
			for _, err := range []error{getErr, applyErr, deleteErr} {
				if err == nil || !strings.Contains(err.Error(), "cannot be a part of the path of a request") {
					t.Errorf("got %v", err)
				}
			}
			if n := c.Requests().Total; n != 0 {
				t.Errorf("%d requests were sent", n)
			}
		})
	}
}
