// Package githttp serves Git repositories over smart HTTP on loopback, through git's own `git http-backend`.
//
// It does NOT implement the protocol, and it knows one token at most: there are no users and no rights per repository.
package githttp

import (
	"bytes"
	"crypto/tls"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"

	"k8s.io/client-go/util/cert"
)

// Options are what a caller of Start may choose. The zero value serves everybody over plain HTTP.
type Options struct {
	// Token, unless empty, is asked for: as a bearer token or as the password of any user.
	Token string
	// TLS serves HTTPS with a certificate that CA returns.
	TLS bool
	// Host, unless empty, is the IP address to listen on instead of 127.0.0.1.
	Host string
	// RedirectTo, unless empty, is the base URL to which every request is sent instead of being served.
	RedirectTo string
	// ReadOnly refuses pushes.
	ReadOnly bool
}

// Request is one request that arrived.
type Request struct {
	Method, Path, Query string
	// Authorization is the header as the client sent it.
	Authorization string
}

// Server is a running Git server.
type Server struct {
	server  *httptest.Server
	opt     Options
	backend http.Handler
	chain   []byte // PEM, of a certificate of our own

	mu       sync.Mutex
	requests []Request
	off      bool // it hangs up
}

// Start serves the bare repositories in the directory root: root/shop.git is URL()/shop.git.
func Start(root string, opt Options) (*Server, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return nil, err
	}
	out, err := exec.Command("git", "--exec-path").Output()
	if err != nil {
		return nil, fmt.Errorf("find git's own programs: %w", err)
	}
	s := &Server{opt: opt}
	s.backend = &cgi.Handler{
		Path:   filepath.Join(strings.TrimSpace(string(out)), "git-http-backend"),
		Env:    []string{"GIT_PROJECT_ROOT=" + root, "GIT_HTTP_EXPORT_ALL=1", "REMOTE_USER=e2e", "GIT_CONFIG_NOSYSTEM=1"},
		Stderr: io.Discard,
		Logger: log.New(io.Discard, "", 0),
	}
	s.server = httptest.NewUnstartedServer(s)
	s.server.Config.ErrorLog = log.New(io.Discard, "", 0)
	if opt.Host != "" {
		if err := s.listenOn(opt.Host); err != nil {
			return nil, err
		}
	}
	if opt.TLS {
		s.server.StartTLS()
	} else {
		s.server.Start()
	}
	return s, nil
}

// listenOn takes the place of the listener on 127.0.0.1 and of the certificate for it.
func (s *Server) listenOn(host string) error {
	l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		return err
	}
	s.server.Listener.Close()
	s.server.Listener = l
	crt, key, err := cert.GenerateSelfSignedCertKey(host, []net.IP{net.ParseIP(host)}, nil)
	if err != nil {
		return err
	}
	pair, err := tls.X509KeyPair(crt, key)
	s.server.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
	s.chain = crt
	return err
}

// Stop closes every connection and frees the port.
func (s *Server) Stop() {
	s.server.CloseClientConnections()
	s.server.Close()
}

// SetToken makes token the one that is asked for from now on.
func (s *Server) SetToken(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opt.Token = token
}

// SetOff lets the server hang up on every request, or answer again.
func (s *Server) SetOff(off bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.off = off
}

// URL is the base of the repositories' URLs, without a slash at its end.
func (s *Server) URL() string { return s.server.URL }

// CA is the PEM certificate that clients have to trust, or nil without TLS.
func (s *Server) CA() []byte {
	if !s.opt.TLS {
		return nil
	}
	if s.chain != nil {
		return s.chain
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.server.Certificate().Raw})
}

// Requests returns the requests so far, in the order of arrival.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Request(nil), s.requests...)
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.requests = append(s.requests, Request{r.Method, r.URL.Path, r.URL.RawQuery, r.Header.Get("Authorization")})
	off := s.off
	s.mu.Unlock()
	if off {
		panic(http.ErrAbortHandler)
	}
	switch {
	case s.opt.RedirectTo != "":
		http.Redirect(w, r, strings.TrimSuffix(s.opt.RedirectTo, "/")+r.URL.RequestURI(), http.StatusFound)
	case !s.authorized(r):
		w.Header().Set("WWW-Authenticate", `Basic realm="git"`)
		http.Error(w, "a token is needed", http.StatusUnauthorized)
	case s.opt.ReadOnly && (strings.HasSuffix(r.URL.Path, "/git-receive-pack") || r.URL.Query().Get("service") == "git-receive-pack"):
		http.Error(w, "this repository is read-only", http.StatusForbidden)
	default:
		s.serve(w, r)
	}
}

func (s *Server) authorized(r *http.Request) bool {
	s.mu.Lock()
	token := s.opt.Token
	s.mu.Unlock()
	if token == "" {
		return true
	}
	_, password, _ := r.BasicAuth()
	return password == token || r.Header.Get("Authorization") == "Bearer "+token
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	if r.ContentLength < 0 { // CGI needs to know the length before
		const limit = 256 << 20
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
		if tooLarge := new(http.MaxBytesError); errors.As(err, &tooLarge) {
			http.Error(w, err.Error(), http.StatusRequestEntityTooLarge)
			return
		} else if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		r.Body, r.ContentLength, r.TransferEncoding = io.NopCloser(bytes.NewReader(body)), int64(len(body)), nil
	}
	s.backend.ServeHTTP(w, r)
}
