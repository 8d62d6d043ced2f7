package proxy

import (
	"bufio"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"k8s.io/client-go/rest"
)

// harness is a proxy in front of an upstream handler, and a client that goes through it with the token "secret".
func harness(t *testing.T, upstream http.HandlerFunc) (*Proxy, *http.Client) {
	t.Helper()
	server := httptest.NewTLSServer(upstream)
	t.Cleanup(server.Close)
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	config := &rest.Config{Host: server.URL, BearerToken: "secret", TLSClientConfig: rest.TLSClientConfig{CAData: ca}}
	p, err := Start(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Stop)
	client, err := rest.HTTPClientFor(p.Config(config))
	if err != nil {
		t.Fatal(err)
	}
	return p, client
}

func TestRequestsAreForwardedAndRecorded(t *testing.T) {
	p, client := harness(t, func(w http.ResponseWriter, r *http.Request) {
		if got := r.Header.Get("Authorization"); got != "Bearer secret" {
			t.Errorf("the server got the authorization %q", got)
		}
		w.WriteHeader(http.StatusCreated)
		fmt.Fprint(w, "12345")
	})
	resp, err := client.Post(p.Host()+"/api/v1/namespaces/shop/configmaps?dryRun=All", "application/json", nil)
	if err != nil {
		t.Fatal(err)
	}
	if body, _ := io.ReadAll(resp.Body); string(body) != "12345" || resp.StatusCode != http.StatusCreated {
		t.Errorf("answer %d %q", resp.StatusCode, body)
	}
	requests := p.Requests()
	if len(requests) != 1 {
		t.Fatalf("%d requests, want 1", len(requests))
	}
	if r := requests[0]; r.Verb != "create" || r.Resource != "configmaps" || r.Status != http.StatusCreated || r.Bytes != 5 || !r.DryRun() {
		t.Errorf("recorded %+v", r)
	}
	p.Reset()
	if left := p.Requests(); len(left) != 0 {
		t.Errorf("after Reset: %v", left)
	}
}

func TestParseNamesVerbAndResource(t *testing.T) {
	for _, tc := range []struct{ method, uri, want string }{
		{"GET", "/version", "get ///"},
		{"GET", "/apis/apps/v1", "get ///"},
		{"GET", "/api/v1/namespaces", "list /namespaces//"},
		{"GET", "/api/v1/namespaces/shop", "get /namespaces/shop/"},
		{"PUT", "/api/v1/namespaces/shop/finalize", "update /namespaces/shop/finalize"},
		{"GET", "/api/v1/namespaces/shop/pods?watch=true", "watch /pods//"},
		{"GET", "/api/v1/pods?watch=1", "watch /pods//"},
		{"DELETE", "/api/v1/namespaces/shop/pods", "deletecollection /pods//"},
		{"DELETE", "/apis/apps/v1/namespaces/shop/deployments/web", "delete apps/deployments/web/"},
		{"PATCH", "/apis/apps/v1/namespaces/shop/deployments/web/scale", "patch apps/deployments/web/scale"},
		{"PATCH", "/apis/example.com/v1/widgets/one", "patch example.com/widgets/one/"},
	} {
		r := parse(httptest.NewRequest(tc.method, tc.uri, nil))
		if got := fmt.Sprintf("%s %s/%s/%s/%s", r.Verb, r.Group, r.Resource, r.Name, r.Subresource); got != tc.want {
			t.Errorf("%s %s: %s, want %s", tc.method, tc.uri, got, tc.want)
		}
	}
}

func TestHookRefusesTheNthRequest(t *testing.T) {
	var reached atomic.Int32
	p, client := harness(t, func(http.ResponseWriter, *http.Request) { reached.Add(1) })
	everything := func(Request) bool { return true }
	p.SetHook(Nth(2, everything, Action{Status: http.StatusTooManyRequests, RetryAfter: 3 * time.Second}))
	for n, want := range []int{200, 429, 200} {
		resp, err := client.Get(p.Host() + "/version")
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		if resp.StatusCode != want {
			t.Errorf("request %d: %d, want %d", n+1, resp.StatusCode, want)
		}
		if want == 429 && (resp.Header.Get("Retry-After") != "3" || !strings.Contains(string(body), `"reason":"TooManyRequests"`)) {
			t.Errorf("request %d: Retry-After %q, body %s", n+1, resp.Header.Get("Retry-After"), body)
		}
	}
	if got := reached.Load(); got != 2 {
		t.Errorf("%d requests reached the server, want 2", got)
	}
}

func TestHookDropsTheConnection(t *testing.T) {
	for _, tc := range []struct {
		name    string
		action  Action
		reached int32
	}{
		{"before the server sees the request", Action{Drop: true}, 0},
		{"after the server has answered", Action{DropAnswer: true}, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var reached atomic.Int32
			p, client := harness(t, func(http.ResponseWriter, *http.Request) { reached.Add(1) })
			p.SetHook(func(int, Request) Action { return tc.action })
			// A POST is not repeated by net/http when its connection is lost.
			if resp, err := client.Post(p.Host()+"/api/v1/namespaces", "application/json", strings.NewReader("{}")); err == nil {
				t.Errorf("the client got %s", resp.Status)
			}
			if got := reached.Load(); got != tc.reached {
				t.Errorf("%d requests reached the server, want %d", got, tc.reached)
			}
		})
	}
}

func TestHookRunsBeforeAndAfter(t *testing.T) {
	order := make(chan string, 3)
	p, client := harness(t, func(http.ResponseWriter, *http.Request) { order <- "server" })
	p.SetHook(func(int, Request) Action {
		return Action{Before: func() { order <- "before" }, After: func() { order <- "after" }}
	})
	if _, err := client.Get(p.Host() + "/version"); err != nil {
		t.Fatal(err)
	}
	close(order)
	var got []string
	for step := range order {
		got = append(got, step)
	}
	if strings.Join(got, " ") != "before server after" {
		t.Errorf("order %v", got)
	}
}

func TestWatchEventsGoThroughOneByOne(t *testing.T) {
	seen := make(chan bool)
	p, client := harness(t, func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, "first")
		w.(http.Flusher).Flush()
		<-seen // the second event waits until the client has the first
		fmt.Fprintln(w, "second")
	})
	resp, err := client.Get(p.Host() + "/api/v1/pods?watch=true")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	for _, want := range []string{"first", "second"} {
		if !lines.Scan() || lines.Text() != want {
			t.Fatalf("event %q, want %q", lines.Text(), want)
		}
		if want == "first" {
			close(seen)
		}
	}
}
