package git

import (
	"crypto/sha256"
	"crypto/tls"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/access"
)

// routes keeps the connections of transports that are not the default one.
type routes struct {
	mu     sync.Mutex
	digest [sha256.Size]byte
	kept   *http.Transport
}

// set fills in how the server is reached: by which proxy, trusting which authorities besides the system's, and, where the credentials are for
// it, with which certificate.
func (r *routes) set(dir credentials, l *login, own bool) error {
	ca, err := dir.readEither(fileCA, oldFileCA)
	if err != nil {
		return err
	}
	shown := access.Login{CA: ca, From: "the credentials"}
	if own {
		if shown.Cert, err = dir.readEither(fileTLSCert, oldFileCert); err != nil {
			return err
		}
		if shown.Key, err = dir.readEither(fileTLSKey, oldFileKey); err != nil {
			return err
		}
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
	config, err := shown.TLS()
	if err != nil {
		return fmt.Errorf("credentials: %w", err)
	}
	if config == nil && address == "" {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	digest := sha256.Sum256([]byte(ca + "\x00" + address + "\x00" + shown.Cert + "\x00" + shown.Key))
	if r.kept == nil || r.digest != digest {
		r.digest, r.kept = digest, newTransport(config, l.proxy)
	}
	l.roundTripper = r.kept
	return nil
}

func newTransport(config *tls.Config, proxy *url.URL) *http.Transport {
	t := &http.Transport{Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true,
		TLSHandshakeTimeout: 10 * time.Second, IdleConnTimeout: 90 * time.Second}
	if proxy != nil {
		t.Proxy = http.ProxyURL(proxy)
	}
	t.TLSClientConfig = config
	return t
}
