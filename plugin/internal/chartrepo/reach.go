package chartrepo

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/access"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/chart"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
)

// metadata are the addresses besides link-local ones at which clouds answer questions of their machines: credentials, for one.
var metadata = []netip.Prefix{
	netip.MustParsePrefix("100.100.100.200/32"), // Alibaba Cloud
	netip.MustParsePrefix("168.63.129.16/32"),   // Azure
	netip.MustParsePrefix("192.0.0.192/32"),     // Oracle Cloud
	netip.MustParsePrefix("fd00:ec2::/32"),      // Amazon: metadata, and the credentials of pods
	netip.MustParsePrefix("fd20:ce::254/128"),   // Google Cloud
}

// outside refuses addresses at which no repository of charts is: a chart is not to be trusted with asking for them. Private
// networks are fine, since people have registries there. An address that holds another one, as tunnels and translators read it, is as good
// as that. Those of this machine are fine when local says so.
func outside(ip netip.Addr, local bool) error {
	ip = ip.Unmap().WithZone("")
	for _, at := range append([]netip.Addr{ip}, embedded(ip)...) {
		switch {
		case at.IsLoopback() && (!local || at != ip):
			return hint.Errorf(fmt.Sprintf("%s is not the address of a repository, but this machine", ip),
				"a registry of this machine can only be used outside of a cluster, and only when the chart names its address")
		case isForbidden(at):
			return hint.Errorf(fmt.Sprintf("%s is not the address of a repository", ip), "charts are not fetched from link-local and metadata addresses")
		}
	}
	return nil
}

func isForbidden(ip netip.Addr) bool {
	thisNetwork := ip.Is4() && (ip.As4()[0] == 0 || ip == netip.AddrFrom4([4]byte{255, 255, 255, 255}))
	return thisNetwork || ip.IsLinkLocalUnicast() || ip.IsMulticast() || ip.IsUnspecified() ||
		slices.ContainsFunc(metadata, func(p netip.Prefix) bool { return p.Contains(ip) })
}

// embedded lists the IPv4 addresses that an IPv6 address stands for.
func embedded(ip netip.Addr) []netip.Addr {
	if !ip.Is6() {
		return nil
	}
	b := ip.As16()
	v4 := func(i, j, k, l int) netip.Addr { return netip.AddrFrom4([4]byte{b[i], b[j], b[k], b[l]}) }
	last := v4(12, 13, 14, 15)
	within := func(prefix string) bool { return netip.MustParsePrefix(prefix).Contains(ip) }
	switch {
	case within("::/96"): // IPv4-compatible; :: and ::1 are addresses of their own
		if b[12] == 0 && b[13] == 0 && b[14] == 0 && b[15] < 2 {
			return nil
		}
		return []netip.Addr{last}
	case within("64:ff9b::/96"): // NAT64, RFC 6052
		return []netip.Addr{last}
	case within("64:ff9b:1::/48"): // NAT64 of a network, RFC 8215: the length of its prefix is not known
		return known(last, v4(6, 7, 9, 10), v4(7, 9, 10, 11), v4(9, 10, 11, 12))
	case within("2002::/16"): // 6to4, RFC 3056
		return []netip.Addr{v4(2, 3, 4, 5)}
	case within("2001::/32"): // Teredo, RFC 4380: the server, and the client with its bits turned over
		return []netip.Addr{v4(4, 5, 6, 7), netip.AddrFrom4([4]byte{^b[12], ^b[13], ^b[14], ^b[15]})}
	case b[8]&^2 == 0 && b[9] == 0 && b[10] == 0x5e && b[11] == 0xfe: // ISATAP, RFC 5214
		return []netip.Addr{last}
	}
	return nil
}

// known leaves out what nobody connects to: it comes from reading an address with the wrong length of its prefix.
func known(list ...netip.Addr) []netip.Addr {
	return slices.DeleteFunc(list, func(ip netip.Addr) bool {
		return ip.As4()[0] == 0 || ip.IsMulticast()
	})
}

// mayBeLocal tells whether a request may go to this machine: the chart names its address itself, or the administrator does, as a mirror. A
// redirect, the address of a token and a name that resolves to it do not.
func (f *Fetcher) mayBeLocal(ctx context.Context, host string) bool {
	asked := askingOf(ctx)
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = host
	}
	return f.anywhere || (f.Local && !asked.found || asked.Mirror) && asked.isNamed(host) && isLoopback(name)
}

// mayBePlain tells whether a request may go without TLS: to a mirror that the administrator names so, and in tests.
func (f *Fetcher) mayBePlain(r *http.Request) bool {
	asked := askingOf(r.Context())
	return f.Loopback && isLoopback(r.URL.Hostname()) || asked.Mirror && asked.At.Scheme == "http" && asked.isNamed(access.Authority(r.URL))
}

// checkDial looks at the address that a name turned out to have, right before it is connected to.
func checkDial(address string, local bool) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	return outside(at.Addr(), local)
}

// checkedTransport is the transport of the standard library that connects to no such address. What a proxy connects to
// is the proxy's business, unless the request names the address itself.
func (f *Fetcher) checkedTransport(config *tls.Config) http.RoundTripper {
	standard, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		return failing{errors.New("the transport of this program cannot be checked")}
	}
	t := standard.Clone()
	t.TLSClientConfig = config
	var proxies sync.Map // host and port
	if proxyOf := t.Proxy; proxyOf != nil {
		t.Proxy = func(r *http.Request) (*url.URL, error) {
			at, err := proxyOf(r)
			if at != nil {
				proxies.Store(access.Authority(at), true)
			}
			return at, err
		}
	}
	t.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		d := &net.Dialer{Timeout: timeout / 2, KeepAlive: 30 * time.Second}
		if _, proxy := proxies.Load(address); !proxy {
			local := f.mayBeLocal(ctx, address)
			d.Control = func(_, address string, _ syscall.RawConn) error { return checkDial(address, local) }
		}
		return d.DialContext(ctx, network, address)
	}
	return t
}

type failing struct{ err error }

// RoundTrip implements http.RoundTripper.
func (f failing) RoundTrip(*http.Request) (*http.Response, error) { return nil, f.err }

// transport returns what carries a request: another one where authorities or a certificate of the client are given. The certificate is for
// the host that it is for.
func (f *Fetcher) transport(r *http.Request) (http.RoundTripper, error) {
	if f.Transport != nil {
		return f.Transport, nil
	}
	asked := askingOf(r.Context())
	login := access.Login{From: asked.Login.From, CA: asked.Login.CA}
	if asked.isNamed(access.Authority(r.URL)) {
		login.Cert, login.Key = asked.Login.Cert, asked.Login.Key
	}
	config, err := login.TLS()
	if err != nil {
		return nil, err
	}
	key := ""
	if config != nil {
		key = chart.Digest([]byte(login.CA + "\x00" + login.Cert + "\x00" + login.Key))
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.checked[key] == nil {
		if f.checked == nil || len(f.checked) > maxTransports {
			f.checked = map[string]http.RoundTripper{}
		}
		f.checked[key] = f.checkedTransport(config)
	}
	return f.checked[key], nil
}

// maxTransports bounds how many kinds of connections are kept.
const maxTransports = 32

// RoundTrip refuses what is not https, and addresses that are nobody's repository, before anything is sent.
func (f *Fetcher) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme != "https" && !(r.URL.Scheme == "http" && f.mayBePlain(r)) {
		return nil, hint.Errorf(fmt.Sprintf("%s://%s is not https", r.URL.Scheme, r.URL.Host), "charts are fetched over https only")
	}
	if ip, err := netip.ParseAddr(r.URL.Hostname()); err == nil {
		if err := outside(ip, f.mayBeLocal(r.Context(), access.Authority(r.URL))); err != nil {
			return nil, err
		}
	}
	transport, err := f.transport(r)
	if err != nil {
		return nil, err
	}
	response, err := transport.RoundTrip(r)
	if err == nil { // the registry library reads to the end whatever comes
		response.Body = &limited{response.Body, maxIndex, maxIndex, r.URL}
	}
	return response, err
}

// route says how an address is reached.
func (f *Fetcher) route(ctx context.Context, address, secret string) (asking, error) {
	if f.Route == nil {
		at, err := url.Parse(address)
		return asking{Route: access.Route{At: at}}, err
	}
	r, err := f.Route(ctx, address, secret)
	return asking{Route: r}, err
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
