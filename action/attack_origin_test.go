package action

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

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
