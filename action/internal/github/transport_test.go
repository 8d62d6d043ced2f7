package github

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// roundTrip is a server without a network.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func reply(status int, header map[string]string) *http.Response {
	h := http.Header{}
	for k, v := range header {
		h.Set(k, v)
	}
	return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader("{}"))}
}

func testTransport(base roundTrip, waits *[]time.Duration) *transport {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	return &transport{base: base, token: "ghs_x", origin: "https://api.example:443", note: func(string) {},
		now: func() time.Time { return now },
		sleep: func(_ context.Context, d time.Duration) error {
			*waits = append(*waits, d)
			now = now.Add(d)
			return nil
		}}
}

func TestTokenOnlyGoesToTheAPI(t *testing.T) {
	var seen []string
	tr := testTransport(func(r *http.Request) (*http.Response, error) {
		seen = append(seen, r.URL.Host+" "+r.Header.Get("Authorization"))
		if r.URL.Host == "api.example" {
			return reply(302, map[string]string{"Location": "https://download.example/x?token=signed"}), nil
		}
		return reply(200, nil), nil
	}, new([]time.Duration))
	res, err := (&http.Client{Transport: tr}).Get("https://api.example/tarball")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if got := strings.Join(seen, ", "); got != "api.example Bearer ghs_x, download.example " {
		t.Errorf("requests: %s", got)
	}
}

func TestLostAnswerToACreateIsNotRepeated(t *testing.T) {
	for path, repeats := range map[string]bool{
		"/repos/o/r/pulls": false, "/repos/o/r/git/refs": false, "/repos/o/r/issues/1/comments": false,
		"/repos/o/r/git/trees": true, "/repos/o/r/git/commits": true, "/repos/o/r/issues/1/labels": true, "/graphql": true,
	} {
		n := 0
		tr := testTransport(func(*http.Request) (*http.Response, error) { n++; return nil, io.ErrUnexpectedEOF }, new([]time.Duration))
		res, err := (&http.Client{Transport: tr}).Post("https://api.example"+path, "application/json", strings.NewReader("{}"))
		if err == nil {
			res.Body.Close()
			t.Fatal("no error")
		}
		if (n > 1) != repeats || errors.Is(err, ErrUncertain) == repeats {
			t.Errorf("%s: %d requests, %v", path, n, err)
		}
	}
}

func TestHourlyLimitIsWaitedForBeforeTheNextRequest(t *testing.T) {
	var waits []time.Duration
	reset := time.Date(2026, 1, 1, 0, 5, 0, 0, time.UTC)
	first := true
	tr := testTransport(func(*http.Request) (*http.Response, error) {
		if first {
			first = false
			return reply(200, map[string]string{"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1767225900"}), nil
		}
		return reply(200, map[string]string{"X-RateLimit-Remaining": "5000"}), nil
	}, &waits)
	for range 2 {
		res, err := (&http.Client{Transport: tr}).Get("https://api.example/x")
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
	}
	if reset.Unix() != 1767225900 {
		t.Fatalf("the test's own time is wrong: %d", reset.Unix())
	}
	if len(waits) != 1 || waits[0] < 5*time.Minute || waits[0] > 6*time.Minute {
		t.Errorf("waited %v, want once, five minutes", waits)
	}
}

func TestSecondaryLimitWithoutRetryAfterWaitsAMinute(t *testing.T) {
	var waits []time.Duration
	n := 0
	tr := testTransport(func(*http.Request) (*http.Response, error) {
		n++
		if n < 3 {
			return reply(429, nil), nil
		}
		return reply(200, nil), nil
	}, &waits)
	res, err := (&http.Client{Transport: tr}).Post("https://api.example/repos/o/r/pulls", "application/json", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if len(waits) != 2 || waits[0] < time.Minute || waits[1] < 2*time.Minute {
		t.Errorf("waited %v", waits)
	}
}
