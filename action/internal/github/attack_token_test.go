package github

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestAttackTokenStaysAtItsOrigin: a server that is asked, or somebody between, sends the client somewhere else.
func TestAttackTokenStaysAtItsOrigin(t *testing.T) {
	cases := []struct {
		name, location string
		token          bool // may be sent along
		followed       bool
	}{
		{"X15 plain http on the same host", "http://api.example/x", false, false},
		{"X15 plain http on the same host, with the port of https", "http://api.example:443/x", false, false},
		{"X15 another port", "https://api.example:8443/x", false, true},
		{"X15 a host below", "https://evil.api.example/x", false, true},
		{"X15 the host as a user", "https://api.example@evil.example/x", false, true},
		{"X15 a host that ends with it", "https://evilapi.example/x", false, true},
		{"X15 another host", "https://codeload.example/x", false, true},
		{"X15 beside it: the same host", "/y", true, true},
		{"X15 beside it: the same host with its port", "https://api.example:443/y", true, true},
		{"X15 beside it: the same host in capitals", "https://API.example/y", true, true},
	}
	for _, c := range cases {
		for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPatch, http.MethodPut} {
			for _, status := range []int{301, 302, 303, 307, 308} {
				t.Run(c.name+", "+method+" "+http.StatusText(status), func(t *testing.T) {
					var seen []*http.Request
					server := roundTrip(func(r *http.Request) (*http.Response, error) {
						if seen = append(seen, r); len(seen) == 1 {
							return reply(status, map[string]string{"Location": c.location}), nil
						}
						return reply(200, nil), nil
					})
					client, err := New(Config{APIURL: "https://api.example/", Token: "ghs_x", Repository: "o/r", Base: server, Now: time.Now})
					if err != nil {
						t.Fatal(err)
					}
					req, err := http.NewRequestWithContext(t.Context(), method, "https://api.example/repos/o/r/git/trees", strings.NewReader("contents"))
					if err != nil {
						t.Fatal(err)
					}
					res, err := client.http.Do(req)
					if err == nil {
						res.Body.Close()
					}
					if len(seen) == 0 || seen[0].Header.Get("Authorization") == "" {
						t.Fatal("the first request has no token")
					}
					followed := c.followed && (method == http.MethodGet || c.token)
					if (len(seen) == 2) != followed {
						t.Fatalf("%d requests, %v", len(seen), err)
					}
					if followed && (seen[1].Header.Get("Authorization") != "") != c.token {
						t.Errorf("token sent: %v", !c.token)
					}
				})
			}
		}
	}
}
