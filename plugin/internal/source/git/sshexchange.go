package git

import (
	"bufio"
	"context"

	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
)

// sshExchange speaks protocol version 2 over one ssh connection, if the server passes on GIT_PROTOCOL (AcceptEnv of sshd).
type sshExchange struct {
	*sshSession
	answers *bufio.Reader
}

func openSSHExchange(ctx context.Context, a address, auth Auth, l login, limits Limits) (*sshExchange, error) {
	s, err := openSSH(ctx, a, auth, l, limits, [2]string{"GIT_PROTOCOL", "version=2"})
	if err != nil {
		return nil, err
	}
	return &sshExchange{s, bufio.NewReader(s.out)}, nil
}

// features implements exchanger. It must be called first.
func (s *sshExchange) features(_ context.Context, known *Server) (f features, err error) {
	line, kind, err := packets{s.answers}.next()
	if err == nil && kind == data && line == "version 2" {
		f, err = parseFeatures(s.answers)
	}
	if err == nil {
		known.features.Store(&f)
	}
	return f, err
}

// named implements exchanger.
func (s *sshExchange) named(_ context.Context, _ *Server, ref string) (*packp.AdvRefs, error) {
	body, err := lsRefsRequest(candidates(ref))
	if err == nil {
		_, err = s.in.Write(body.Bytes())
	}
	if err != nil {
		return nil, err
	}
	return parseLsRefs(s.answers)
}

// objects implements exchanger.
func (s *sshExchange) objects(ctx context.Context, r objectsRequest, l Limits) (*pack, error) {
	body, err := r.body()
	if err == nil {
		_, err = s.in.Write(body.Bytes())
	}
	if err != nil {
		return nil, err
	}
	in, err := packOf(s.answers)
	if err != nil {
		return nil, err
	}
	return receive(ctx, in, l)
}
