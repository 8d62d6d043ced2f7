package registry

import (
	"net/http"
	"net/url"
	"testing"
)

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
			rt := tlsOnly{server(func() { sent = true })}
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

// server answers every request, without a network.
type server func()

func (asked server) RoundTrip(*http.Request) (*http.Response, error) {
	asked()
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: http.NoBody}, nil
}
