package github

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/kubectl-gitops/kubectl-gitops/action/internal/hint"
)

// Bounds of waiting. GitHub asks for at least a minute after a secondary limit without Retry-After.
const (
	maxTries     = 5
	maxWait      = 15 * time.Minute
	firstBackoff = 500 * time.Millisecond
	quietMinute  = time.Minute
)

// transport adds the token, repeats what is safe to repeat, and waits when GitHub says so.
//
// A rate-limited request was not executed, so it is repeated whatever its method. After a lost answer or
// a 5xx only requests that may run twice are repeated; for the others the error wraps ErrUncertain.
type transport struct {
	base   http.RoundTripper
	token  string
	origin string // the only one that gets the token: scheme, host and port
	sleep  func(context.Context, time.Duration) error
	now    func() time.Time
	note   func(string)

	mu    sync.Mutex
	reset time.Time // no request before this, when the hourly limit is used up
}

func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	var waited time.Duration
	for try := 1; ; try++ {
		if err := t.hold(req.Context(), &waited); err != nil {
			return nil, err
		}
		attempt, err := t.prepare(req)
		if err != nil {
			return nil, err
		}
		res, err := t.base.RoundTrip(attempt)
		wait, limited := time.Duration(0), false
		if err == nil {
			wait, limited = t.limit(res, try)
		}
		switch {
		case limited:
			if waited+wait > maxWait {
				return res, nil
			}
			t.note(fmt.Sprintf("GitHub asks to slow down; waiting %s", wait.Round(time.Second)))
		case err == nil && res.StatusCode < 500:
			return res, nil
		case !repeatable(req):
			return t.uncertain(res, err)
		case try == maxTries || req.Context().Err() != nil:
			return res, err
		default:
			wait = Backoff(try, firstBackoff)
		}
		discard(res)
		waited += wait
		if err := t.sleep(req.Context(), wait); err != nil {
			return nil, err
		}
	}
}

// prepare clones the request with a fresh body, and with the token when it goes to the API.
func (t *transport) prepare(req *http.Request) (*http.Request, error) {
	out := req.Clone(req.Context())
	if req.GetBody != nil {
		body, err := req.GetBody()
		if err != nil {
			return nil, err
		}
		out.Body = body
	}
	out.Header.Del("Authorization")
	if origin(req.URL) == t.origin {
		out.Header.Set("Authorization", "Bearer "+t.token)
	}
	return out, nil
}

// hold waits until the hourly limit is renewed.
func (t *transport) hold(ctx context.Context, waited *time.Duration) error {
	t.mu.Lock()
	wait := t.reset.Sub(t.now())
	t.mu.Unlock()
	if wait <= 0 {
		return nil
	}
	if *waited+wait > maxWait {
		return hint.With(fmt.Errorf("the token's hourly request limit is used up for another %s", wait.Round(time.Second)), "run again later, or use a GitHub App token, which has its own limit")
	}
	*waited += wait
	t.note(fmt.Sprintf("the hourly request limit is used up; waiting %s", wait.Round(time.Second)))
	return t.sleep(ctx, wait)
}

// limit says whether the answer is a rate limit, and how long to wait.
func (t *transport) limit(res *http.Response, try int) (time.Duration, bool) {
	if res.Header.Get("X-RateLimit-Remaining") == "0" {
		// The library below would refuse its next call by itself; hold does that here, with a wait.
		res.Header.Del("X-RateLimit-Remaining")
		if sec, err := strconv.ParseInt(res.Header.Get("X-RateLimit-Reset"), 10, 64); err == nil {
			t.mu.Lock()
			t.reset = time.Unix(sec, 0).Add(time.Second)
			t.mu.Unlock()
			if res.StatusCode == http.StatusForbidden || res.StatusCode == http.StatusTooManyRequests {
				return 0, true // hold waits
			}
		}
	}
	if res.StatusCode != http.StatusForbidden && res.StatusCode != http.StatusTooManyRequests {
		return 0, false
	}
	if sec, err := strconv.Atoi(res.Header.Get("Retry-After")); err == nil && sec >= 0 {
		return time.Duration(sec)*time.Second + jitter(time.Second), true
	}
	if res.StatusCode == http.StatusTooManyRequests || bodySays(res, "secondary rate limit") {
		return quietMinute << min(try-1, 3), true
	}
	return 0, false
}

func (t *transport) uncertain(res *http.Response, err error) (*http.Response, error) {
	if err == nil {
		err = fmt.Errorf("GitHub answered %d", res.StatusCode)
		discard(res)
	}
	return nil, fmt.Errorf("%w: %w", ErrUncertain, err)
}

// repeatable says whether the request may run twice without harm. That is so for reads, for contents that are named by their
// hash, for updates that set a value, and for sets that only grow.
func repeatable(req *http.Request) bool {
	path := req.URL.Path
	switch req.Method {
	case http.MethodPost:
		for _, end := range []string{"/git/trees", "/git/commits", "/labels", "/assignees", "/requested_reviewers", "/graphql"} {
			if strings.HasSuffix(path, end) {
				return true
			}
		}
		return false
	case http.MethodPut:
		return !strings.HasSuffix(path, "/merge")
	}
	return true
}

// bodySays looks for a text in the first kilobytes of a body. The body stays readable.
func bodySays(res *http.Response, text string) bool {
	data, err := io.ReadAll(io.LimitReader(res.Body, 64<<10))
	rest := res.Body
	res.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(data), rest), rest}
	return err == nil && strings.Contains(strings.ToLower(string(data)), text)
}

func discard(res *http.Response) {
	if res == nil {
		return
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 64<<10))
	_ = res.Body.Close()
}

// Backoff returns how long to wait after the try that failed, the first being 1. It doubles with each try. A random part keeps
// writers that collided from colliding again.
func Backoff(try int, first time.Duration) time.Duration {
	d := first << min(try-1, 5)
	return d/2 + jitter(d)
}

func jitter(d time.Duration) time.Duration { return time.Duration(rand.Int64N(int64(d) + 1)) } //nolint:gosec // spreading, not secrecy
