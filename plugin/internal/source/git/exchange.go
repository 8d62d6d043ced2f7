package git

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/pktline"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/sideband"
)

// The fetch command of protocol version 2, of which go-git knows nothing: any object may be asked for by its name, without
// the list of refs. See gitprotocol-v2(5).

// objectsRequest asks for objects by name, and for what they lead to.
type objectsRequest struct {
	wants  []plumbing.Hash
	depth  int           // of the history, in commits; all when zero
	have   plumbing.Hash // a commit without history whose directories need not be sent, unless it is zero
	filter packp.Filter
}

func (r objectsRequest) body() (*bytes.Buffer, error) {
	var body bytes.Buffer
	e := pktline.NewEncoder(&body)
	if err := e.EncodeString("command=fetch\n"); err != nil {
		return nil, err
	}
	body.WriteString("0001")
	if err := e.EncodeString("no-progress\n", "ofs-delta\n"); err != nil {
		return nil, err
	}
	for _, want := range r.wants {
		if err := e.Encodef("want %s\n", want); err != nil {
			return nil, err
		}
	}
	if !r.have.IsZero() {
		if err := e.EncodeString("shallow "+r.have.String()+"\n", "have "+r.have.String()+"\n"); err != nil {
			return nil, err
		}
	}
	if r.depth > 0 {
		if err := e.Encodef("deepen %d\n", r.depth); err != nil {
			return nil, err
		}
	}
	if r.filter != "" {
		if err := e.Encodef("filter %s\n", r.filter); err != nil {
			return nil, err
		}
	}
	if err := e.EncodeString("done\n"); err != nil {
		return nil, err
	}
	return &body, e.Flush()
}

// saidError is a refusal in the words of the server.
type saidError struct{ text string }

// Error returns what the server said.
func (e *saidError) Error() string { return "the server says: " + e.text }

// notOurs returns the object that the server says it does not have, and whether it says so. The words are those of git.
func notOurs(err error) (plumbing.Hash, bool) {
	var said *saidError
	if !errors.As(err, &said) {
		return plumbing.ZeroHash, false
	}
	_, name, found := strings.Cut(said.text, "not our ref ")
	name, _, _ = strings.Cut(name, " ")
	return plumbing.NewHash(name), found && isCommit(name)
}

// packOf reads an answer up to its pack, and returns the pack. It fails with errNotUnderstood when this is no answer.
func packOf(r io.Reader) (io.Reader, error) {
	in := packets{bufio.NewReader(r)}
	for {
		line, kind, err := in.next()
		switch {
		case err != nil:
			return nil, err
		case kind == data && strings.HasPrefix(line, "ERR "):
			return nil, &saidError{strings.TrimPrefix(line, "ERR ")}
		case kind == data && line == "packfile":
			return sideband.NewDemuxer(sideband.Sideband64k, in.r), nil
		case kind == flush:
			return nil, errNotUnderstood
		}
	}
}

// features asks what the server can do, unless that is known.
func (p *poller) features(ctx context.Context, known *Server) (features, error) {
	if f := known.features.Load(); f != nil && !known.asksFirst.Load() {
		return *f, nil
	}
	adv, err := p.advertised(ctx)
	if err != nil {
		return features{}, err
	}
	if adv != nil {
		p.said = features{} // version 1
	}
	known.features.Store(&p.said)
	return p.said, nil
}

// objects receives the pack that a request asks for. The caller closes it.
func (p *poller) objects(ctx context.Context, r objectsRequest, l Limits) (*pack, error) {
	body, err := r.body()
	if err != nil {
		return nil, err
	}
	req, err := p.command(ctx, body)
	if err != nil {
		return nil, err
	}
	p.guard.limits = l
	res, err := p.client.Do(req)
	p.guard.limits = Limits{}
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, errNotUnderstood // a redirect
	}
	in, err := packOf(res.Body)
	if err != nil {
		return nil, err
	}
	received, err := receive(ctx, in, l)
	if err == nil {
		_, _ = io.Copy(io.Discard, res.Body) // the connection can be used again only when all was read
	}
	return received, err
}
