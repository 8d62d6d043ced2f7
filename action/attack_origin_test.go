package action

import (
	"net/http"
	"net/url"
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
					tr := testTransport(func(r *http.Request) (*http.Response, error) {
						if seen = append(seen, r); len(seen) == 1 {
							return reply(status, map[string]string{"Location": c.location}), nil
						}
						return reply(200, nil), nil
					}, new([]time.Duration))
					client, err := newClient(Inputs{APIURL: "https://api.example/", Token: "ghs_x", Repository: "o/r"}, tr)
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

// TestAttackPlainAddresses: an address by plain http would show the token.
func TestAttackPlainAddresses(t *testing.T) {
	for address, ok := range map[string]bool{
		"https://ghe.example/api/v3": true, "http://127.0.0.1:1": true, "http://[::1]:1": true, "http://localhost:1": true,
		"http://ghe.example/api/v3": false, "HTTP://ghe.example": false, "http://127.0.0.1.example": false, "http://localhost.example": false,
	} {
		for _, name := range []string{"api-url", "graphql-url"} {
			t.Run("X15 "+name+" "+address, func(t *testing.T) {
				env := map[string]string{"GITHUB_REPOSITORY": "acme/config", "INPUT_TOKEN": "x", "INPUT_IMAGES": "a=1", "INPUT_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_")): address}
				_, err := readInputs(func(k string) string { return env[k] })
				if (err == nil) != ok {
					t.Errorf("error %v", err)
				}
			})
		}
	}
}

// TestAttackRegistryOverPlainHTTP: a registry sends the client of its credentials to plain http.
func TestAttackRegistryOverPlainHTTP(t *testing.T) {
	for name, c := range map[string]struct {
		address, credentials string
		sent                 bool
	}{
		"X15 credentials over plain http":        {"http://registry.example/v2/", "Basic eDp5", false},
		"X15 a token over plain http":            {"http://registry.example/v2/", "Bearer x", false},
		"X15 beside it: over https":              {"https://registry.example/v2/", "Basic eDp5", true},
		"X15 beside it: plain without any of it": {"http://blobs.example/x", "", true},
	} {
		t.Run(name, func(t *testing.T) {
			sent := false
			rt := tlsOnly{roundTrip(func(*http.Request) (*http.Response, error) { sent = true; return reply(200, nil), nil })}
			u, err := url.Parse(c.address)
			if err != nil {
				t.Fatal(err)
			}
			req := &http.Request{Method: http.MethodGet, URL: u, Header: http.Header{}}
			if c.credentials != "" {
				req.Header.Set("Authorization", c.credentials)
			}
			res, err := rt.RoundTrip(req)
			if err == nil {
				res.Body.Close()
			}
			if sent != c.sent {
				t.Errorf("sent %v, %v", sent, err)
			}
		})
	}
}
