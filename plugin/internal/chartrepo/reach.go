package chartrepo

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
)

// outside refuses addresses at which no repository of charts is, but what a cloud tells its machines: a chart is not to
// be trusted with asking for that.
func outside(ip netip.Addr) error {
	ip = ip.Unmap().WithZone("")
	metadata := ip == netip.AddrFrom4([4]byte{100, 100, 100, 200}) || ip == netip.MustParseAddr("fd00:ec2::254")
	if metadata || ip.IsLinkLocalUnicast() || ip.IsMulticast() || ip.IsUnspecified() {
		return hint.Errorf(fmt.Sprintf("%s is not the address of a repository", ip), "charts are not fetched from link-local and metadata addresses")
	}
	return nil
}

// checkDial looks at the address that a name turned out to have, right before it is connected to.
func checkDial(_, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	return outside(at.Addr())
}

// checkedTransport is the transport of the standard library that connects to no such address. What a proxy connects to
// is the proxy's business, unless the request names the address itself.
func checkedTransport() http.RoundTripper {
	standard, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		return http.DefaultTransport
	}
	t := standard.Clone()
	t.DialContext = (&net.Dialer{Timeout: timeout / 2, KeepAlive: 30 * time.Second, Control: checkDial}).DialContext
	return t
}
