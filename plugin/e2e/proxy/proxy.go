// Package proxy stands between a client and an API server: it records what the client asks for, and makes requests
// fail, wait or end in ways that a healthy server does not.
//
// It does NOT interpret bodies, cache, or authenticate: the client's own token goes through to the server. Its front
// is HTTPS, because clients send no token over plain HTTP, and HTTP/1.1, so that a dropped connection is just that.
package proxy

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"k8s.io/client-go/rest"
)

// Hook decides what happens to a request. n counts from 1 in the order of arrival since the last Reset. It is called
// by several goroutines at once.
type Hook func(n int, r Request) Action

// Action is what happens to one request. The zero value forwards it.
type Action struct {
	// Delay waits before anything else.
	Delay time.Duration
	// Before is called before the request is forwarded.
	Before func()
	// Rewrite, unless nil, changes the request that is forwarded.
	Rewrite func(*http.Request)
	// Status, unless 0, is answered instead of forwarding.
	Status int
	// RetryAfter, unless 0, is the Retry-After header of that answer, in whole seconds.
	RetryAfter time.Duration
	// Drop closes the client's connection instead of forwarding: the server never sees the request.
	Drop bool
	// After is called when the server has answered and the client has not yet been told.
	After func()
	// DropAnswer closes the client's connection at that moment: the request has happened, the client cannot know.
	DropAnswer bool
}

// Proxy is a running proxy. Its methods may be called while requests are in flight.
type Proxy struct {
	server  *httptest.Server
	forward *httputil.ReverseProxy

	mu       sync.Mutex
	hook     Hook
	count    int
	requests []*Request
}

// Start returns a proxy on a loopback port in front of the API server that upstream describes. Credentials in
// upstream are not used.
func Start(upstream *rest.Config) (*Proxy, error) {
	transport, err := rest.TransportFor(rest.AnonymousClientConfig(upstream))
	if err != nil {
		return nil, fmt.Errorf("start the proxy: %w", err)
	}
	host, err := url.Parse(upstream.Host)
	if err != nil {
		return nil, fmt.Errorf("start the proxy: %w", err)
	}
	p := &Proxy{}
	p.forward = &httputil.ReverseProxy{
		Rewrite:        func(r *httputil.ProxyRequest) { r.SetURL(host) },
		Transport:      transport,
		FlushInterval:  -1, // a watch's events go through one by one
		ModifyResponse: p.answered,
		ErrorHandler: func(_ http.ResponseWriter, _ *http.Request, err error) {
			panic(http.ErrAbortHandler) // the server is gone: so is the connection, as without a proxy
		},
		ErrorLog: log.New(io.Discard, "", 0),
	}
	p.server = httptest.NewUnstartedServer(http.HandlerFunc(p.serve))
	p.server.Config.ErrorLog = log.New(io.Discard, "", 0)
	p.server.TLS = &tls.Config{NextProtos: []string{"http/1.1"}}
	p.server.StartTLS()
	return p, nil
}

// Stop drops every connection and frees the port.
func (p *Proxy) Stop() {
	p.server.CloseClientConnections()
	p.server.Close()
}

// Cut drops every connection there is: requests under way lose their answers, watches end. New ones are accepted.
func (p *Proxy) Cut() { p.server.CloseClientConnections() }

// Host is the proxy's URL.
func (p *Proxy) Host() string { return p.server.URL }

// CA is the PEM certificate that clients have to trust.
func (p *Proxy) CA() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.server.Certificate().Raw})
}

// Config returns a copy of config, credentials included, that goes through the proxy.
func (p *Proxy) Config(config *rest.Config) *rest.Config {
	through := rest.CopyConfig(config)
	through.Host = p.Host()
	through.TLSClientConfig = rest.TLSClientConfig{CAData: p.CA()}
	return through
}

// SetHook replaces the hook; nil removes it. It does not touch requests that have already arrived.
func (p *Proxy) SetHook(hook Hook) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hook = hook
}

// Reset forgets the requests so far and counts from 1 again. The hook stays.
func (p *Proxy) Reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.count, p.requests = 0, nil
}

// Requests returns the requests since the last Reset in the order of arrival. Those still unanswered have Status 0.
func (p *Proxy) Requests() []Request {
	p.mu.Lock()
	defer p.mu.Unlock()
	requests := make([]Request, len(p.requests))
	for i, r := range p.requests {
		requests[i] = *r
	}
	return requests
}

type actionKey struct{}

func (p *Proxy) serve(w http.ResponseWriter, r *http.Request) {
	record := parse(r)
	p.mu.Lock()
	p.count++
	n, hook := p.count, p.hook
	p.requests = append(p.requests, &record)
	before := record
	p.mu.Unlock()

	var action Action
	if hook != nil {
		action = hook(n, before)
	}
	if action.Delay > 0 {
		select {
		case <-time.After(action.Delay):
		case <-r.Context().Done():
		}
	}
	if action.Before != nil {
		action.Before()
	}
	if action.Rewrite != nil {
		action.Rewrite(r)
	}
	counted := &counter{ResponseWriter: w, proxy: p, record: &record}
	switch {
	case action.Drop:
		panic(http.ErrAbortHandler)
	case action.Status != 0:
		refuse(counted, action)
	default:
		ctx := context.WithValue(r.Context(), actionKey{}, action)
		p.forward.ServeHTTP(counted, r.WithContext(ctx))
	}
}

// answered runs between the server's answer and the client.
func (p *Proxy) answered(resp *http.Response) error {
	action, _ := resp.Request.Context().Value(actionKey{}).(Action)
	if action.After != nil {
		action.After()
	}
	if action.DropAnswer {
		return http.ErrAbortHandler
	}
	return nil
}

// refuse answers the way an API server does: with a Status object.
func refuse(w http.ResponseWriter, action Action) {
	status := map[string]any{
		"kind": "Status", "apiVersion": "v1", "metadata": map[string]any{}, "status": "Failure",
		"message": "refused by the test's proxy", "reason": reasons[action.Status], "code": action.Status,
	}
	if seconds := int(action.RetryAfter.Round(time.Second) / time.Second); seconds > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(seconds))
		status["details"] = map[string]any{"retryAfterSeconds": seconds}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(action.Status)
	_ = json.NewEncoder(w).Encode(status)
}

// reasons are those that an API server gives with these codes.
var reasons = map[int]string{
	http.StatusUnauthorized:        "Unauthorized",
	http.StatusForbidden:           "Forbidden",
	http.StatusNotFound:            "NotFound",
	http.StatusConflict:            "Conflict",
	http.StatusGone:                "Expired",
	http.StatusTooManyRequests:     "TooManyRequests",
	http.StatusInternalServerError: "InternalError",
	http.StatusServiceUnavailable:  "ServiceUnavailable",
	http.StatusGatewayTimeout:      "Timeout",
}

// counter notes the status and the size of an answer.
type counter struct {
	http.ResponseWriter
	proxy  *Proxy
	record *Request
}

func (c *counter) WriteHeader(status int) {
	c.proxy.mu.Lock()
	c.record.Status = status
	c.proxy.mu.Unlock()
	c.ResponseWriter.WriteHeader(status)
}

func (c *counter) Write(data []byte) (int, error) {
	c.proxy.mu.Lock()
	c.record.Bytes += int64(len(data))
	if c.record.Status == 0 {
		c.record.Status = http.StatusOK
	}
	c.proxy.mu.Unlock()
	return c.ResponseWriter.Write(data)
}

// Unwrap lets the reverse proxy flush and hijack.
func (c *counter) Unwrap() http.ResponseWriter { return c.ResponseWriter }

// Nth returns a hook that does action to the nth request that matches (1 is the first; 0 means all of them).
func Nth(nth int, matches func(Request) bool, action Action) Hook {
	var seen atomic.Int64
	return func(_ int, r Request) Action {
		if matches(r) && (nth == 0 || seen.Add(1) == int64(nth)) {
			return action
		}
		return Action{}
	}
}
