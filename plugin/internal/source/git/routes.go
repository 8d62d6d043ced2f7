package git

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
)

// routes keeps the connections of transports that are not the default one.
type routes struct {
	mu     sync.Mutex
	digest [sha256.Size]byte
	kept   *http.Transport
}

// set fills in how the server is reached: by which proxy, and trusting which authorities besides the system's.
func (r *routes) set(dir credentials, l *login) error {
	ca, err := dir.read(fileCA)
	if err != nil {
		return err
	}
	address, err := dir.line(fileProxy)
	if err != nil {
		return err
	}
	if l.proxy, err = parseProxy(address); err != nil {
		return err
	}
	if l.proxy != nil {
		if password, ok := l.proxy.User.Password(); ok {
			l.hidden = append(l.hidden, password, address, l.proxy.User.String())
		}
	}
	if ca == "" && address == "" {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	digest := sha256.Sum256([]byte(ca + "\x00" + address))
	if r.kept == nil || r.digest != digest {
		t, err := newTransport(ca, l.proxy)
		if err != nil {
			return err
		}
		r.digest, r.kept = digest, t
	}
	l.roundTripper = r.kept
	return nil
}

func newTransport(ca string, proxy *url.URL) (*http.Transport, error) {
	t := &http.Transport{Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true,
		TLSHandshakeTimeout: 10 * time.Second, IdleConnTimeout: 90 * time.Second}
	if proxy != nil {
		t.Proxy = http.ProxyURL(proxy)
	}
	if ca == "" {
		return t, nil
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM([]byte(ca)) {
		return nil, hint.Errorf("credentials: "+fileCA+" holds no certificate", "it has to contain the certificate of the authority in PEM form")
	}
	t.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	return t, nil
}
