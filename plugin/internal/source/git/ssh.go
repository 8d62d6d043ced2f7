package git

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/go-git/go-git/v5/plumbing/format/pktline"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/transport"
	"github.com/skeema/knownhosts"
	"golang.org/x/crypto/ssh"
	xknownhosts "golang.org/x/crypto/ssh/knownhosts"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/safetext"
)

// sshSession speaks to git-upload-pack over ssh. go-git's own ssh transport is not used because it reads
// ~/.ssh/config and knows no deadline during the handshake.
type sshSession struct {
	address address
	conn    net.Conn
	client  *ssh.Client
	session *ssh.Session
	in      io.WriteCloser
	out     io.Reader
	stderr  firstBytes
	stop    func() bool
	adv     *packp.AdvRefs
}

// openSSH connects, verifies the host key against KnownHostsFile and starts git-upload-pack. ctx bounds the whole
// session: when it ends, the connection is closed. Environment variables are sent as git does; a server may not take them.
func openSSH(ctx context.Context, a address, auth Auth, login login, l Limits, environment ...[2]string) (*sshSession, error) {
	hostKey := new(error)
	config, end, err := sshConfig(a, auth, hostKey)
	if err != nil {
		return nil, err
	}
	defer end()
	conn, err := dial(ctx, login.proxy, a.hostPort())
	if err != nil {
		return nil, err
	}
	s := &sshSession{address: a, conn: conn, stop: context.AfterFunc(ctx, func() { _ = conn.Close() })}
	c, channels, requests, err := ssh.NewClientConn(conn, a.hostPort(), config)
	if err != nil {
		_ = s.Close()
		return nil, explainHandshake(a, err, *hostKey)
	}
	s.client = ssh.NewClient(c, channels, requests)
	if err := s.start(l, environment); err != nil {
		_ = s.Close()
		return nil, err
	}
	return s, nil
}

// sshConfig says how to connect; end releases what the handshake needs. hostKey gets the verdict on the server's key.
func sshConfig(a address, auth Auth, hostKey *error) (config *ssh.ClientConfig, end func(), err error) {
	auth, passphrase, err := sshFiles(auth)
	if err != nil {
		return nil, nil, err
	}
	known, err := hostKeys(a, auth)
	if err != nil {
		return nil, nil, err
	}
	method, end := ssh.AuthMethod(nil), func() {}
	switch {
	case auth.Keys != nil:
		method, err = privateKey(fileIdentity+" of "+auth.Name, auth.Keys[fileIdentity], passphrase)
	case auth.SSHKeyFile != "":
		method, err = fileKey(auth.SSHKeyFile, passphrase)
	default:
		method, end, err = agentKeys()
	}
	if err != nil {
		return nil, nil, err
	}
	callback := known.HostKeyCallback()
	return &ssh.ClientConfig{
		User: a.user,
		Auth: []ssh.AuthMethod{method},
		HostKeyCallback: func(host string, remote net.Addr, key ssh.PublicKey) error {
			*hostKey = callback(host, remote, key)
			return *hostKey
		},
		HostKeyAlgorithms: known.HostKeyAlgorithms(a.hostPort()),
	}, end, nil
}

// hostKeys reads the host keys to trust.
func hostKeys(a address, auth Auth) (*knownhosts.HostKeyDB, error) {
	if auth.Keys != nil {
		return parseKnownHosts(auth.Keys[fileKnownHosts])
	}
	file := cmp.Or(auth.KnownHostsFile, ownKnownHosts())
	if file == "" {
		return nil, hint.Errorf("no known hosts file: the server's identity cannot be verified",
			"pass --known-hosts-file FILE, or connect once with ssh so that ~/.ssh/known_hosts has the key of %s; compare it with what the server's owner publishes", a.host)
	}
	known, err := knownhosts.NewDB(file)
	if err != nil {
		return nil, fmt.Errorf("known hosts file: %w", err)
	}
	return known, nil
}

// parseKnownHosts reads host keys, which are public: the library takes files only.
func parseKnownHosts(text []byte) (*knownhosts.HostKeyDB, error) {
	file, err := os.CreateTemp("", "known-hosts-")
	if err != nil {
		return nil, err
	}
	defer os.Remove(file.Name())
	_, err = file.Write(text)
	if err = errors.Join(err, file.Close()); err != nil {
		return nil, err
	}
	known, err := knownhosts.NewDB(file.Name())
	if err != nil {
		return nil, errors.New("known_hosts cannot be read") // whose error names the file
	}
	return known, nil
}

// fileKey authenticates with a private key in a file.
func fileKey(file, passphrase string) (ssh.AuthMethod, error) {
	key, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("ssh key file: %w", err)
	}
	return privateKey("ssh key file "+file, key, passphrase)
}

// privateKey authenticates with a private key. name is what messages call it.
func privateKey(name string, key []byte, passphrase string) (ssh.AuthMethod, error) {
	signer, err := ssh.ParsePrivateKey(key)
	var encrypted *ssh.PassphraseMissingError
	if errors.As(err, &encrypted) && passphrase != "" {
		signer, err = ssh.ParsePrivateKeyWithPassphrase(key, []byte(passphrase))
	}
	if errors.As(err, &encrypted) {
		return nil, hint.With(fmt.Errorf("%s is protected by a passphrase", name), "use a deploy key without one, or add the key to your ssh agent and leave --ssh-key-file out")
	}
	if err != nil {
		return nil, hint.With(fmt.Errorf("%s holds no private key", name), "use a key made by ssh-keygen, not its .pub half")
	}
	return ssh.PublicKeys(signer), nil
}

// sshFiles names the files of a credentials directory where no others are given, and reads the passphrase of its key.
func sshFiles(auth Auth) (Auth, string, error) {
	lacks := func(name string) error {
		return hint.With(fmt.Errorf("%s has no %s", auth.keys().name, name),
			"for ssh the Secret it comes from needs the keys %s and %s; the server's identity is always verified", fileIdentity, fileKnownHosts)
	}
	if auth.Keys != nil {
		for _, name := range []string{fileKnownHosts, fileIdentity} {
			if len(auth.Keys[name]) == 0 {
				return auth, "", lacks(name)
			}
		}
		passphrase, err := auth.keys().line(filePassword)
		return auth, passphrase, err
	}
	if auth.Dir == "" || auth.SSHKeyFile != "" && auth.KnownHostsFile != "" {
		return auth, "", nil
	}
	for _, f := range []struct {
		name string
		into *string
	}{{fileKnownHosts, &auth.KnownHostsFile}, {fileIdentity, &auth.SSHKeyFile}} {
		if *f.into != "" {
			continue
		}
		*f.into = filepath.Join(auth.Dir, f.name)
		if _, err := os.Stat(*f.into); err != nil {
			return auth, "", lacks(f.name)
		}
	}
	passphrase, err := auth.keys().line(filePassword)
	return auth, passphrase, err
}

func explainHandshake(a address, err, hostKey error) error {
	var revoked *xknownhosts.RevokedError
	var mismatch *xknownhosts.KeyError
	switch {
	case errors.As(hostKey, &revoked):
		return hint.With(fmt.Errorf("the host key of %s is revoked by the known hosts file", a.host), "do not connect; ask the server's owner")
	case errors.As(hostKey, &mismatch) && len(mismatch.Want) == 0:
		return hint.With(fmt.Errorf("the host key of %s is not in the known hosts file", a.host),
			"ssh-keyscan %s prints it; compare it with what the server's owner publishes", a.host)
	case errors.As(hostKey, &mismatch):
		return hint.With(fmt.Errorf("the host key of %s is not the one in the known hosts file", a.host),
			"somebody may intercept the connection; ask the server's owner before you change the file")
	case hostKey != nil:
		return fmt.Errorf("host key of %s: %w", a.host, hostKey)
	case strings.Contains(err.Error(), "unable to authenticate"):
		return hint.With(fmt.Errorf("%s does not accept the ssh key for user %s", a.host, a.user),
			"add the public half as a read-only deploy key of the repository")
	}
	return err
}

func (s *sshSession) start(l Limits, environment [][2]string) (err error) {
	if s.session, err = s.client.NewSession(); err != nil {
		return err
	}
	if s.in, err = s.session.StdinPipe(); err != nil {
		return err
	}
	out, err := s.session.StdoutPipe()
	if err != nil {
		return err
	}
	s.out = &limitedReader{out, l.Refs + packLimit(l), tooLargePack(l.Bytes)}
	s.session.Stderr = &s.stderr
	for _, variable := range environment {
		_ = s.session.Setenv(variable[0], variable[1])
	}
	return s.session.Start("git-upload-pack " + shellQuote(s.address.path))
}

// shellQuote quotes for the POSIX shell that sshd hands the command to.
func shellQuote(s string) string {
	return "'" + strings.NewReplacer("'", `'\''`, "!", `'\!'`).Replace(s) + "'"
}

// AdvertisedReferencesContext implements session.
func (s *sshSession) AdvertisedReferencesContext(context.Context) (*packp.AdvRefs, error) {
	if s.adv != nil {
		return s.adv, nil
	}
	adv := packp.NewAdvRefs()
	if err := adv.Decode(s.out); err != nil {
		if errors.Is(err, packp.ErrEmptyAdvRefs) {
			return nil, transport.ErrEmptyRemoteRepository
		}
		return nil, err
	}
	if adv.IsEmpty() {
		return nil, transport.ErrEmptyRemoteRepository
	}
	transport.FilterUnsupportedCapabilities(adv.Capabilities)
	s.adv = adv
	return adv, nil
}

// UploadPack implements session. It can be called once.
func (s *sshSession) UploadPack(_ context.Context, req *packp.UploadPackRequest) (*packp.UploadPackResponse, error) {
	if err := req.Validate(); err != nil {
		return nil, err
	}
	var request bytes.Buffer
	if err := req.UploadRequest.Encode(&request); err != nil {
		return nil, err
	}
	if err := req.UploadHaves.Encode(&request, false); err != nil {
		return nil, err
	}
	if err := pktline.NewEncoder(&request).EncodeString("done\n"); err != nil {
		return nil, err
	}
	if _, err := s.in.Write(request.Bytes()); err != nil {
		return nil, err
	}
	if err := s.in.Close(); err != nil {
		return nil, err
	}
	res := packp.NewUploadPackResponse(req)
	return res, res.Decode(io.NopCloser(s.out))
}

// explain prefers what the server wrote to stderr over the decoding error that follows from it.
func (s *sshSession) explain(err error) error {
	if !(errors.Is(err, packp.ErrEmptyInput) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF)) {
		return err
	}
	// stderr is copied beside the output, whose end says nothing about it. How the command ended does not matter; ctx
	// bounds the wait, see openSSH.
	_ = s.session.Wait()
	said := strings.TrimSpace(s.stderr.String())
	if said == "" {
		return err
	}
	said = safetext.Line(strings.Join(strings.Fields(said), " "))
	return hint.With(fmt.Errorf("%s says: %s", s.address.host, said), "check the URL and that the key may read the repository")
}

// Close ends the session and the connection.
func (s *sshSession) Close() error {
	s.stop()
	if s.client != nil {
		return s.client.Close()
	}
	return s.conn.Close()
}

// firstBytes keeps the beginning of a stream.
type firstBytes struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (f *firstBytes) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.buf.Write(p[:min(len(p), 2048-f.buf.Len())])
	return len(p), nil
}

func (f *firstBytes) String() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.buf.String()
}
