package git

import (
	"cmp"
	"context"
	"errors"
	"net/http"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
)

// login reads the credentials for an http server, and learns how it is reached.
func (r Repo) login(ctx context.Context, a address, s *Server) (login, error) {
	l := login{user: tokenUser, roundTripper: http.DefaultTransport} // which honours HTTPS_PROXY and NO_PROXY
	dir := r.Auth.keys()
	if a.mirror != nil {
		l.user, l.password, l.bearer = a.mirror.User, a.mirror.Password, a.mirror.Bearer
		return l, s.routes.set(dir, &l, false)
	}
	if r.Auth.TokenFile != "" {
		var err error
		l.password, err = readToken(r.Auth.TokenFile)
		return l, err
	}
	if dir.none() {
		return l, nil
	}
	if err := dir.check(); err != nil {
		return l, err
	}
	if err := s.routes.set(dir, &l, true); err != nil {
		return l, err
	}
	var username string
	var err error
	for _, f := range []struct {
		name string
		into *string
	}{{fileBearerToken, &l.bearer}, {filePassword, &l.password}, {fileUsername, &username}} {
		if *f.into, err = dir.line(f.name); err != nil {
			return l, err
		}
	}
	l.user = cmp.Or(username, l.user)
	switch id, err := dir.line(fileAppID); {
	case err != nil:
		return l, err
	case id != "":
		l.bearer, l.user, l.app = "", tokenUser, true
		if l.password, err = s.app.current(ctx, dir, l.roundTripper); err != nil {
			return l, err
		}
	}
	if a.scheme == schemeHTTP && !l.none() && !isLoopback(a.host) {
		return login{}, hint.With(errors.New("credentials are never sent over plain http"), "use https")
	}
	return l, nil
}

// loginFor reads the credentials for a server. Those of ssh are read when its connection is opened.
func (r Repo) loginFor(ctx context.Context, a address, s *Server) (l login, err error) {
	if a.scheme != schemeSSH {
		return r.login(ctx, a, s)
	}
	address, err := r.Auth.keys().line(fileProxy)
	if err == nil {
		l.proxy, err = parseProxy(address)
	}
	if l.proxy != nil {
		l.hidden = []string{address}
		if password, ok := l.proxy.User.Password(); ok {
			l.hidden = append(l.hidden, password)
		}
	}
	return l, err
}
