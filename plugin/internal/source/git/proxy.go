package git

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"net/url"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
)

// dial opens a connection to address, through an http proxy unless that is nil.
func dial(ctx context.Context, proxy *url.URL, address string) (net.Conn, error) {
	if proxy == nil {
		return new(net.Dialer).DialContext(ctx, "tcp", address)
	}
	var conn net.Conn
	var err error
	switch port := proxy.Port(); proxy.Scheme {
	case schemeHTTP:
		conn, err = new(net.Dialer).DialContext(ctx, "tcp", net.JoinHostPort(proxy.Hostname(), orPort(port, "80")))
	case schemeHTTPS:
		dialer := &tls.Dialer{Config: &tls.Config{ServerName: proxy.Hostname(), MinVersion: tls.VersionTLS12}}
		conn, err = dialer.DialContext(ctx, "tcp", net.JoinHostPort(proxy.Hostname(), orPort(port, "443")))
	default:
		return nil, hint.With(fmt.Errorf("ssh does not go through a %s proxy", proxy.Scheme), "use an http proxy that allows CONNECT to port 22")
	}
	if err != nil {
		return nil, fmt.Errorf("proxy %s: %w", proxy.Host, err)
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	tunnel, err := connect(conn, proxy, address)
	if err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("proxy %s: %w", proxy.Host, err)
	}
	return tunnel, nil
}

func orPort(port, otherwise string) string {
	if port == "" {
		return otherwise
	}
	return port
}

// connect asks the proxy for a tunnel. What follows its answer belongs to the tunnel already.
func connect(conn net.Conn, proxy *url.URL, address string) (net.Conn, error) {
	req := &http.Request{Method: http.MethodConnect, URL: &url.URL{Opaque: address}, Host: address, Header: http.Header{}}
	if password, ok := proxy.User.Password(); ok {
		basic := base64.StdEncoding.EncodeToString([]byte(proxy.User.Username() + ":" + password))
		req.Header.Set("Proxy-Authorization", "Basic "+basic)
	}
	if err := req.Write(conn); err != nil {
		return nil, err
	}
	reader := bufio.NewReader(conn)
	res, err := http.ReadResponse(reader, req)
	if err != nil {
		return nil, err
	}
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("it answers with status %d to CONNECT %s", res.StatusCode, address)
	}
	return &tunnel{conn, reader}, nil
}

type tunnel struct {
	net.Conn
	reader *bufio.Reader
}

// Read implements net.Conn.
func (t *tunnel) Read(p []byte) (int, error) { return t.reader.Read(p) }
