package chartrepo

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/access"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/chart"
)

func TestAttackAddresses(t *testing.T) {
	for address, refused := range map[string]bool{
		// link-local, metadata, unspecified, multicast
		"169.254.169.254": true, "fe80::1%eth0": true, "febf::1": true, "::ffff:169.254.169.254": true, "fd00:ec2::254": true, "fd00:ec2::23": true,
		"100.100.100.200": true, "168.63.129.16": true, "192.0.0.192": true, "fd20:ce::254": true, "0.0.0.0": true, "0.1.2.3": true, "::": true,
		"224.0.0.1": true, "ff02::1": true, "255.255.255.255": true,
		// this machine
		"127.0.0.1": true, "127.9.9.9": true, "::1": true, "::ffff:127.0.0.1": true,
		// NAT64
		"64:ff9b::169.254.169.254": true, "64:ff9b::127.0.0.1": true, "64:ff9b::a9fe:a9fe": true, "64:ff9b::100.100.100.200": true,
		"64:ff9b:1::169.254.169.254": true, "64:ff9b:1:a9fe:a9:fe00::": true, "64:ff9b:1:a9:fe:a9fe::": true, "64:ff9b:1:0:a9:fea9:fe00:0": true,
		// 6to4, Teredo, ISATAP, IPv4-compatible
		"2002:a9fe:a9fe::1": true, "2002:7f00:1::1": true, "2001:0:a9fe:a9fe::1": true, "2001:0:c000:201:0:0:5601:5601": true,
		"2001:0:c000:201:0:0:80ff:fffe": true, "fd12::5efe:169.254.169.254": true, "fd12::200:5efe:127.0.0.1": true, "::169.254.169.254": true, "::127.0.0.1": true, "::7f00:2": true,
		// beside them: what people have registries at
		"192.0.2.7": false, "10.0.0.7": false, "172.16.0.1": false, "192.168.1.1": false, "100.64.0.1": false, "169.253.1.1": false, "2001:db8::1": false,
		"fd12:3456::7": false, "64:ff9b::192.0.2.7": false, "64:ff9b::10.0.0.7": false, "64:ff9b:1::192.0.2.7": false, "64:ff9b:1:c000:2:700::": false, "2002:c000:207::1": false,
		"2001:0:c000:201:0:0:3fff:fdf8": false, "2606:4700::7f00:1": false, "2a00::a9fe:a9fe": false,
	} {
		if err := outside(netip.MustParseAddr(address), false); (err != nil) != refused {
			t.Errorf("X16 %s: %v", address, err)
		}
		if err := checkDial(net.JoinHostPort(address, "443"), false); (err != nil) != refused {
			t.Errorf("X16 %s, when it is dialled: %v", address, err)
		}
	}
	for address, refused := range map[string]bool{"127.0.0.1": false, "::1": false, "64:ff9b::127.0.0.1": true, "169.254.169.254": true, "0.0.0.0": true} {
		if err := outside(netip.MustParseAddr(address), true); (err != nil) != refused {
			t.Errorf("X16 %s where this machine is fine: %v", address, err)
		}
	}
}

// TestAttackLoopback: this machine is asked only where the chart names it, and never by a redirect or another name.
func TestAttackLoopback(t *testing.T) {
	asked := 0
	inside := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked++ }))
	defer inside.Close()
	at := strings.TrimPrefix(inside.URL, "http://")
	_, port, _ := net.SplitHostPort(at)
	redirects := httptest.NewServer(http.RedirectHandler(inside.URL, http.StatusFound))
	defer redirects.Close()
	for name, c := range map[string]struct {
		repository string
		local      bool
		asks       bool
	}{
		"X16 named, in a cluster":                {inside.URL, false, false},
		"X16 as localhost, in a cluster":         {"http://localhost:" + port, false, false},
		"X16 mapped":                             {"http://[::ffff:127.0.0.1]:" + port, false, false},
		"X16 another port, by a redirect":        {redirects.URL, true, false},
		"X16 a registry in a cluster":            {"oci://" + at, false, false},
		"X16 beside it: named, on a laptop":      {inside.URL, true, true},
		"X16 beside it: localhost, on a laptop":  {"http://localhost:" + port, true, true},
		"X16 beside it: a registry, on a laptop": {"oci://" + at, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			asked = 0
			f := &Fetcher{Local: c.local, Loopback: true}
			_, _, err := f.Fetch(t.Context(), chart.Need{Name: "db", Version: "1.2.3", Repository: c.repository})
			if err == nil || (asked > 0) != c.asks || !c.asks && !strings.Contains(err.Error(), "this machine") {
				t.Errorf("asked %d times: %v", asked, err)
			}
		})
	}
}

// TestAttackANameOfThisMachine: what a name resolves to is looked at when it is dialled, and so is what another request named.
func TestAttackANameOfThisMachine(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	f := &Fetcher{Local: true}
	transport, ok := f.checkedTransport(nil).(*http.Transport)
	if !ok {
		t.Fatal("another transport")
	}
	named := func(host string) context.Context {
		return asking{Route: access.Route{At: &url.URL{Scheme: "https", Host: net.JoinHostPort(host, port)}}}.in(t.Context())
	}
	dial := func(ctx context.Context, host string) error {
		conn, err := transport.DialContext(ctx, "tcp", net.JoinHostPort(host, port))
		if err == nil {
			conn.Close()
		}
		return err
	}
	if err := dial(named("charts.example"), "localhost"); err == nil || !strings.Contains(err.Error(), "this machine") {
		t.Errorf("X16 another name: %v", err)
	}
	if err := dial(t.Context(), "localhost"); err == nil {
		t.Error("X16 nothing that a chart names: connected")
	}
	if err := dial(named("localhost"), "localhost"); err != nil {
		t.Errorf("X16 beside it: the name that the chart has: %v", err)
	}
	// A proxy of this machine is the user's own choice.
	t.Setenv("NO_PROXY", "")
	proxy := &url.URL{Scheme: "http", Host: net.JoinHostPort("127.0.0.1", port)}
	standard := http.DefaultTransport.(*http.Transport).Proxy
	http.DefaultTransport.(*http.Transport).Proxy = http.ProxyURL(proxy)
	defer func() { http.DefaultTransport.(*http.Transport).Proxy = standard }()
	transport, _ = (&Fetcher{}).checkedTransport(nil).(*http.Transport)
	request, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://charts.example", nil)
	if _, err := transport.Proxy(request); err != nil {
		t.Fatal(err)
	}
	if err := dial(t.Context(), "127.0.0.1"); err != nil {
		t.Errorf("X16 beside it: a proxy of this machine: %v", err)
	}
}

func TestRedirectsDoNotLeadThere(t *testing.T) {
	server := httptest.NewTLSServer(http.RedirectHandler("https://169.254.169.254/latest/meta-data", http.StatusFound))
	defer server.Close()
	f := &Fetcher{Local: true, Transport: only{server.Client().Transport, t, strings.TrimPrefix(server.URL, "https://")}}
	for _, repository := range []string{server.URL, "oci://" + strings.TrimPrefix(server.URL, "https://"), "https://169.254.169.254", "https://[fe80::1]"} {
		_, _, err := f.Fetch(t.Context(), chart.Need{Name: "db", Version: "1.2.3", Repository: repository})
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
