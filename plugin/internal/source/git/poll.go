package git

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/pktline"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
	"github.com/go-git/go-git/v5/plumbing/transport"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
)

const (
	infoRefs    = "/info/refs"
	uploadPack  = "git-upload-pack"
	commandType = "application/x-git-upload-pack-request"
)

// poller asks one http server for refs in protocol version 2, of which go-git knows nothing: only the refs that were
// asked for are sent, however many there are. See gitprotocol-v2(5) and gitprotocol-http(5).
type poller struct {
	client *http.Client
	guard  *guard
	base   string // URL of the repository
	login  login
	said   features // what advertised was told
}

func newPoller(a address, l login, auth Auth) *poller {
	g := &guard{base: l.roundTripper, auth: auth, mirror: a.mirror != nil}
	u := url.URL{Scheme: a.scheme, Host: a.host}
	if strings.Contains(a.host, ":") {
		u.Host = "[" + a.host + "]"
	}
	if a.port != "" {
		u.Host += ":" + a.port
	}
	client := &http.Client{Transport: g, CheckRedirect: func(_ *http.Request, via []*http.Request) error {
		switch {
		case via[0].Method == http.MethodPost:
			return http.ErrUseLastResponse // followed as git does: by the first request only, and that is a GET
		case len(via) >= 10:
			g.failure = errors.New("too many redirects")
			return g.failure
		}
		return nil
	}}
	return &poller{client: client, guard: g, base: u.String() + a.path, login: l}
}

// resolve returns the commit that ref points at: one request when the server takes it straight away, otherwise it is
// asked what it speaks first.
func (p *poller) resolve(ctx context.Context, known *Server, ref string) (plumbing.Hash, error) {
	if known == nil {
		known = new(Server)
	}
	if !known.asksFirst.Load() {
		commit, err := p.ask(ctx, known, ref)
		if !errors.Is(err, errNotUnderstood) {
			return commit, err
		}
		p.guard.failure = nil
	}
	adv, err := p.advertised(ctx)
	if err != nil {
		return plumbing.ZeroHash, err
	}
	var commit plumbing.Hash
	if adv != nil {
		_, commit, err = resolveAdvertised(adv, ref)
	} else {
		known.features.Store(&p.said)
		commit, err = p.ask(ctx, known, ref)
	}
	if err == nil {
		known.asksFirst.Store(true)
	}
	return commit, err
}

// ask resolves ref in protocol version 2. Only for a ref that is missing all refs are asked for, to name near ones.
func (p *poller) ask(ctx context.Context, known *Server, ref string) (plumbing.Hash, error) {
	adv, err := p.lsRefs(ctx, candidates(ref))
	if err != nil {
		return plumbing.ZeroHash, err
	}
	known.refs.Store(ref, adv)
	if _, commit, err := resolveAdvertised(adv, ref); err == nil || errors.Is(err, errAmbiguous) {
		return commit, err
	}
	if adv, err = p.lsRefs(ctx, nil); err != nil {
		return plumbing.ZeroHash, err
	}
	if len(adv.References) == 0 && adv.Head == nil {
		return plumbing.ZeroHash, transport.ErrEmptyRemoteRepository
	}
	_, commit, err := resolveAdvertised(adv, ref)
	return commit, err
}

// named returns what the last poll was told about ref, or asks.
func (p *poller) named(ctx context.Context, known *Server, ref string) (*packp.AdvRefs, error) {
	if kept, ok := known.refs.Load(ref); ok {
		if adv, ok := kept.(*packp.AdvRefs); ok {
			return adv, nil
		}
	}
	return p.lsRefs(ctx, candidates(ref))
}

// lsRefs asks for the refs whose names begin with one of prefixes, or for all.
func (p *poller) lsRefs(ctx context.Context, prefixes []string) (*packp.AdvRefs, error) {
	body, err := lsRefsRequest(prefixes)
	if err != nil {
		return nil, err
	}
	req, err := p.command(ctx, body)
	if err != nil {
		return nil, err
	}
	res, err := p.client.Do(req)
	if err != nil {
		if p.guard.otherwise() {
			return nil, errNotUnderstood
		}
		return nil, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, errNotUnderstood // a redirect
	}
	adv, err := parseLsRefs(res.Body)
	_, _ = io.Copy(io.Discard, res.Body) // the connection can be used again only when all was read
	return adv, err
}

// command is the request with one command of protocol version 2, which changes nothing on the server.
func (p *poller) command(ctx context.Context, body *bytes.Buffer) (*http.Request, error) {
	req, err := p.request(ctx, http.MethodPost, p.base+"/"+uploadPack, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", commandType)
	req.Header.Set("Accept", "application/x-git-upload-pack-result")
	// Asking twice does no harm: net/http asks again when the server has just closed the connection kept from the
	// poll before. An empty list of values is not sent.
	req.Header["Idempotency-Key"] = []string{}
	return req, nil
}

func (p *poller) request(ctx context.Context, method, url string, body *bytes.Buffer) (*http.Request, error) {
	var reader io.Reader // a nil *bytes.Buffer would not be a nil Reader
	if body != nil {
		reader = body
	}
	req, err := http.NewRequestWithContext(ctx, method, url, reader)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Git-Protocol", "version=2")
	req.Header.Set("User-Agent", "git/kubectl-gitops") // some servers answer only to names that begin with git/
	p.login.sign(req)
	return req, nil
}

// advertised reads what the server says first. It returns nil when the server speaks version 2, and its list of refs
// when it does not. A redirect changes where later requests go, as with git.
func (p *poller) advertised(ctx context.Context) (*packp.AdvRefs, error) {
	req, err := p.request(ctx, http.MethodGet, p.base+infoRefs+"?service="+uploadPack, nil)
	if err != nil {
		return nil, err
	}
	res, err := p.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	base, found := strings.CutSuffix(res.Request.URL.Scheme+"://"+res.Request.URL.Host+res.Request.URL.EscapedPath(), infoRefs)
	if !found {
		return nil, hint.With(fmt.Errorf("%s redirects to an address that is no Git repository", req.URL.Host),
			"check that the URL is the one git clone takes")
	}
	p.base = base
	text := bufio.NewReader(res.Body)
	start, err := text.Peek(len(serviceLine) + len(versionLine))
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if bytes.HasPrefix(bytes.TrimPrefix(start, []byte(serviceLine)), []byte(versionLine)) {
		if bytes.HasPrefix(start, []byte(serviceLine)) {
			_, _ = text.Discard(len(serviceLine))
		}
		if p.said, err = parseFeatures(text); err == nil {
			_, err = io.Copy(io.Discard, text)
		}
		return nil, err
	}
	adv := packp.NewAdvRefs()
	err = adv.Decode(text)
	if errors.Is(err, packp.ErrEmptyAdvRefs) || err == nil && adv.IsEmpty() {
		err = transport.ErrEmptyRemoteRepository
	}
	return adv, err
}

const (
	serviceLine = "001e# service=git-upload-pack\n0000"
	versionLine = "000eversion 2\n"
)

func lsRefsRequest(prefixes []string) (*bytes.Buffer, error) {
	var body bytes.Buffer
	e := pktline.NewEncoder(&body)
	if err := e.EncodeString("command=ls-refs\n"); err != nil {
		return nil, err
	}
	body.WriteString("0001") // the delimiter between capabilities, of which we claim none, and arguments
	if err := e.EncodeString("peel\n", "symrefs\n"); err != nil {
		return nil, err
	}
	for _, prefix := range prefixes {
		if err := e.Encodef("ref-prefix %s\n", prefix); err != nil {
			return nil, err
		}
	}
	return &body, e.Flush()
}

// parseLsRefs reads "<hash> <name>[ symref-target:<name>][ peeled:<hash>]" lines up to a flush. A server may send
// more than it was asked for.
func parseLsRefs(r io.Reader) (*packp.AdvRefs, error) {
	adv := packp.NewAdvRefs()
	lines := pktline.NewScanner(r)
	for lines.Scan() {
		line := strings.TrimSuffix(string(lines.Bytes()), "\n")
		if len(lines.Bytes()) == 0 {
			return adv, nil // flush
		}
		fields := strings.Split(line, " ")
		if fields[0] == "unborn" {
			continue
		}
		if len(fields) < 2 || !isCommit(fields[0]) {
			if len(fields) >= 2 && len(fields[0]) == 64 {
				return nil, errors.New("the repository uses SHA-256, which is not supported")
			}
			return nil, errNotUnderstood
		}
		name, h := fields[1], plumbing.NewHash(fields[0])
		if adv.References[name] = h; name == "HEAD" {
			adv.Head = &h
			delete(adv.References, name)
		}
		for _, attribute := range fields[2:] {
			if peeled, ok := strings.CutPrefix(attribute, "peeled:"); ok && isCommit(peeled) {
				adv.Peeled[name] = plumbing.NewHash(peeled)
			}
			if target, ok := strings.CutPrefix(attribute, "symref-target:"); ok && name == "HEAD" {
				_ = adv.Capabilities.Set(capability.SymRef, "HEAD:"+target) // as in version 1; it is for display
			}
		}
	}
	var said *pktline.ErrorLine
	switch err := lines.Err(); {
	case errors.As(err, &said):
		return nil, fmt.Errorf("%w: %s", errNotUnderstood, said.Text)
	case err == nil, errors.Is(err, pktline.ErrInvalidPktLen), errors.Is(err, io.ErrUnexpectedEOF):
		return nil, errNotUnderstood
	default:
		return nil, err
	}
}
