package git

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/transport"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/access"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/safetext"
)

// remote runs use with a session to a, within the time limit, and explains its error.
func (r Repo) remote(parent context.Context, a address, use func(context.Context, session) error) error {
	return r.within(parent, a, func(ctx context.Context, l login) error {
		if a.scheme == schemeSSH {
			s, err := openSSH(ctx, a, r.Auth, l, r.Limits.orDefault())
			if err != nil {
				return err
			}
			defer s.Close()
			return s.explain(use(ctx, s))
		}
		s, g, err := openHTTP(a, r.Auth, l, r.Limits.orDefault())
		if err != nil {
			return err
		}
		defer s.Close()
		return g.explain(use(ctx, s))
	})
}

// within runs do within the time limit, with the login that a takes, and explains its error. A GitHub App's token that
// is refused is replaced once.
func (r Repo) within(parent context.Context, a address, do func(ctx context.Context, l login) error) error {
	ctx, cancel := context.WithTimeout(parent, r.Limits.orDefault().Timeout)
	defer cancel()
	server := r.Server
	if server == nil {
		server = new(Server)
	}
	for first := true; ; first = false {
		l, err := r.loginFor(ctx, a, server)
		if err == nil {
			err = do(ctx, l)
		}
		var refused *refusedLogin
		if first && l.app && errors.As(err, &refused) {
			server.app.forget()
			continue
		}
		return redact(r.explain(parent, ctx, a, err), l.secrets()...)
	}
}

// pollHTTP asks an http server which commit Ref points at.
func (r Repo) pollHTTP(parent context.Context, a address) (commit plumbing.Hash, err error) {
	err = r.within(parent, a, func(ctx context.Context, l login) (err error) {
		p := newPoller(a, l, r.Auth)
		p.guard.refsLimit = r.Limits.orDefault().Refs
		commit, err = p.resolve(ctx, r.Server, r.Ref)
		return p.guard.explain(err)
	})
	return commit, err
}

// explain names the repository and tells apart: the caller gave up, time ran out, and what the server said.
func (r Repo) explain(parent, ctx context.Context, a address, err error) error {
	switch {
	case err == nil:
		return nil
	case parent.Err() != nil:
		return fmt.Errorf("%s: %w", a.display, context.Cause(parent))
	case ctx.Err() != nil:
		return hint.With(fmt.Errorf("%s: not done within %s: %w", a.display, r.Limits.orDefault().Timeout, ctx.Err()),
			"check that the server can be reached from here; for a large repository raise the limit, as in --fetch-timeout %s", 2*r.Limits.orDefault().Timeout)
	case errors.Is(err, transport.ErrEmptyRemoteRepository):
		return hint.With(fmt.Errorf("%s: the repository is empty", a.display), "push a first commit")
	case errors.Is(err, transport.ErrRepositoryNotFound):
		return hint.With(fmt.Errorf("%s: repository not found", a.display), "check the URL and who may read the repository")
	case strings.Contains(err.Error(), "not our ref"): // git's wording; go-git drops the type of such a line
		return hint.With(fmt.Errorf("%s: the server does not give out this commit: %w", a.display, err),
			"the commit does not exist there, or no branch or tag leads to it: name a branch or a tag with --ref")
	}
	return advise(a, wrap(a, err))
}

// advise adds what helps when the server was not reached, or not trusted.
func advise(a address, err error) error {
	var certificate *tls.CertificateVerificationError
	var dns *net.DNSError
	var op *net.OpError
	switch {
	case errors.As(err, &certificate):
		return hint.With(err, "if %s uses a private certificate authority, name a file with its certificate in SSL_CERT_FILE, or put it as ca.crt beside the credentials", a.host)
	case errors.As(err, &dns):
		return hint.With(err, "check the host name %s and this machine's DNS", a.host)
	case errors.As(err, &op) && op.Op == "dial":
		return hint.With(err, "check that %s can be reached from here", a.hostPort())
	}
	return err
}

func wrap(a address, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", a.display, err)
}

// redact replaces the text of an error that repeats a secret, as a server's answer may, or that could steer a terminal.
// Hints survive: they are ours.
func redact(err error, secrets ...string) error {
	if err == nil {
		return nil
	}
	return access.Redact(err, safetext.Line(err.Error()), secrets)
}
