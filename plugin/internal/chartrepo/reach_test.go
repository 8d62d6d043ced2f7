package chartrepo

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/chart"
)

func TestAddressesOfTheCloudAreNotAsked(t *testing.T) {
	for address, refused := range map[string]bool{
		"169.254.169.254:443": true, "[fe80::1%eth0]:443": true, "[::ffff:169.254.169.254]:443": true, "[fd00:ec2::254]:443": true,
		"100.100.100.200:443": true, "0.0.0.0:443": true, "[::]:443": true, "224.0.0.1:443": true,
		"192.0.2.7:443": false, "10.0.0.7:443": false, "[2001:db8::1]:443": false,
	} {
		if err := checkDial("tcp", address, nil); (err != nil) != refused {
			t.Errorf("%s: %v", address, err)
		}
	}
}

func TestRedirectsDoNotLeadThere(t *testing.T) {
	server := httptest.NewTLSServer(http.RedirectHandler("https://169.254.169.254/latest/meta-data", http.StatusFound))
	defer server.Close()
	f := &Fetcher{Transport: only{server.Client().Transport, t, strings.TrimPrefix(server.URL, "https://")}}
	for _, repository := range []string{server.URL, "oci://" + strings.TrimPrefix(server.URL, "https://"), "https://169.254.169.254", "https://[fe80::1]"} {
		_, err := f.Fetch(t.Context(), chart.Need{Name: "db", Version: "1.2.3", Repository: repository})
		if err == nil || !strings.Contains(err.Error(), "is not ") {
			t.Errorf("%s: %v", repository, err)
		}
	}
}

// only fails the test when another host is asked.
type only struct {
	http.RoundTripper
	t    *testing.T
	host string
}

func (o only) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Host != o.host {
		o.t.Errorf("%s is asked", r.URL.Host)
	}
	return o.RoundTripper.RoundTrip(r)
}
