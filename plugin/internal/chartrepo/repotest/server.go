// Package repotest runs real servers of charts on this machine for tests: a Helm repository and an OCI registry, with TLS by an
// authority of their own, passwords, bearer tokens, client certificates and Docker's token protocol. It records each request.
//
// It does NOT fake a client, and knows nothing of what is tested. Only tests import it, and the program chart-server for scripts.
package repotest

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"

	"github.com/google/go-containerregistry/pkg/registry"
)

// Options are what a caller of Start may choose. The zero value serves everybody, over TLS, and has no charts.
type Options struct {
	// Charts is a directory with charts, at any depth. They are packed anew for each request: what is written there is published.
	// A file at its top, such as an index.yaml or an archive, is served as it is, in place of a packed one.
	Charts string
	// Address is where to listen. "" is a free port of 127.0.0.1.
	Address string
	// Logins returns the credentials that are let in: "user:password", "bearer TOKEN" or "identity TOKEN" (a refresh token of a registry).
	// nil, as function or list, lets everybody in; an empty list nobody.
	Logins func() []string
	// Basic makes the registry ask for a password with each request, instead of sending clients to its token service.
	Basic bool
	// Realm is the address of another server's token service, https://host/token, to which the registry sends clients.
	Realm string
	// ClientCertificates refuses clients without a certificate of Authority.
	ClientCertificates bool
	// Authority signs the certificate of the server. nil makes an authority.
	Authority *Authority
	// Hosts are names of the server beside localhost and 127.0.0.1.
	Hosts []string
	// Plain serves http without TLS.
	Plain bool
	// Redirect, unless empty, is the base address to which every request is sent that asks for an archive, a blob or an index.
	Redirect string
	// Log gets a line for each request, as Request.String has it. It may be nil.
	Log io.Writer
}

// Request is one request that arrived.
type Request struct {
	Method, URI   string
	Host          string
	Authorization string // the header, as the client sent it
	Certificate   string // the name in the client's certificate
	Header        http.Header
	Body          string
}

// String returns all that a client showed, on one line.
func (r Request) String() string {
	return fmt.Sprintf("%s %s%s authorization=%q certificate=%q header=%v body=%q", r.Method, r.Host, r.URI, r.Authorization, r.Certificate, r.Header, r.Body)
}

// Server is a running server. The Helm repository is at every path that is not below /v2/, the registry has the charts at
// charts/NAME:VERSION.
type Server struct {
	opt      Options
	server   *http.Server
	listener net.Listener
	registry http.Handler

	mu       sync.Mutex
	requests []Request
	pushed   map[string]string // archive by tag
}

// Start starts a server.
func Start(opt Options) (*Server, error) {
	if opt.Authority == nil {
		authority, err := NewAuthority()
		if err != nil {
			return nil, err
		}
		opt.Authority = authority
	}
	listener, err := net.Listen("tcp", cmp.Or(opt.Address, "127.0.0.1:0"))
	if err != nil {
		return nil, err
	}
	quiet := log.New(io.Discard, "", 0)
	s := &Server{opt: opt, listener: listener, registry: registry.New(registry.Logger(quiet)), pushed: map[string]string{}}
	s.server = &http.Server{Handler: s, ErrorLog: quiet} //nolint:gosec // a test ends before a slow client matters
	if opt.Plain {
		go func() { _ = s.server.Serve(listener) }()
		return s, nil
	}
	pair, err := opt.Authority.Server(opt.Hosts...)
	if err != nil {
		return nil, err
	}
	s.server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12, ClientCAs: opt.Authority.Pool(), ClientAuth: tls.RequestClientCert}
	if opt.ClientCertificates {
		s.server.TLSConfig.ClientAuth = tls.RequireAndVerifyClientCert
	}
	go func() { _ = s.server.ServeTLS(listener, "", "") }()
	return s, nil
}

// Close ends the server and its connections.
func (s *Server) Close() { _ = s.server.Close() }

// Host is the host and port of the server.
func (s *Server) Host() string { return s.listener.Addr().String() }

// URL is the address of the Helm repository, without a slash at its end.
func (s *Server) URL() string {
	if s.opt.Plain {
		return "http://" + s.Host()
	}
	return "https://" + s.Host()
}

// Authority is who signed the certificate of the server.
func (s *Server) Authority() *Authority { return s.opt.Authority }

// Requests returns the requests so far, in the order of arrival.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Request(nil), s.requests...)
}

// record keeps what a client showed, and gives the request its body back.
func (s *Server) record(r *http.Request) {
	got := Request{Method: r.Method, URI: r.RequestURI, Host: r.Host, Authorization: r.Header.Get("Authorization"), Header: r.Header.Clone()}
	if r.TLS != nil && len(r.TLS.PeerCertificates) > 0 {
		got.Certificate = r.TLS.PeerCertificates[0].Subject.CommonName
	}
	if r.URL.Path == tokenPath && r.Method == http.MethodPost {
		body, _ := io.ReadAll(io.LimitReader(r.Body, 1<<16))
		got.Body = string(body)
		r.Body = io.NopCloser(strings.NewReader(got.Body))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, got)
	if s.opt.Log != nil {
		fmt.Fprintln(s.opt.Log, got)
	}
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == pushPath {
		s.servePush(w, r)
		return
	}
	s.record(r)
	switch {
	case r.URL.Path == tokenPath:
		s.token(w, r)
	case r.URL.Path == "/v2" || strings.HasPrefix(r.URL.Path, "/v2/"):
		s.serveRegistry(w, r)
	case !s.knows(r.Header.Get("Authorization")):
		w.Header().Set("WWW-Authenticate", `Basic realm="charts"`)
		http.Error(w, "log in", http.StatusUnauthorized)
	case s.opt.Redirect != "":
		http.Redirect(w, r, strings.TrimSuffix(s.opt.Redirect, "/")+r.URL.RequestURI(), http.StatusFound)
	default:
		s.serveRepository(w, r)
	}
}

// serveRepository answers as a Helm repository.
func (s *Server) serveRepository(w http.ResponseWriter, r *http.Request) {
	all, err := s.charts()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	file := path.Base(r.URL.Path)
	if info, err := os.Stat(filepath.Join(s.opt.Charts, file)); s.opt.Charts != "" && err == nil && info.Mode().IsRegular() {
		http.ServeFile(w, r, filepath.Join(s.opt.Charts, file))
		return
	}
	for _, c := range all {
		if file == c.file() {
			_, _ = w.Write(c.Archive)
			return
		}
	}
	if file != "index.yaml" {
		http.NotFound(w, r)
		return
	}
	_, _ = w.Write(index(all))
}

func (s *Server) charts() ([]Chart, error) {
	if s.opt.Charts == "" {
		return nil, nil
	}
	return charts(s.opt.Charts)
}

// Client returns a client that trusts the server, and shows it a certificate of its authority.
func (s *Server) Client() (*http.Client, error) {
	cert, key, err := s.opt.Authority.Client("the test itself")
	if err != nil {
		return nil, err
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return nil, err
	}
	return &http.Client{Transport: transport(s.opt.Authority.Pool(), pair)}, nil
}

func transport(pool *x509.CertPool, pair tls.Certificate) *http.Transport {
	return &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}}
}
