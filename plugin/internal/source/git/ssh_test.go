package git_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/source/git"
)

func newKey(t testing.TB) (ssh.Signer, string) {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		t.Fatal(err)
	}
	return signer, string(pem.EncodeToMemory(block))
}

// sshServer is a real ssh server that runs git-upload-pack through a shell, as sshd does.
type sshServer struct {
	address  string
	version2 bool // it passes on GIT_PROTOCOL, as sshd does where AcceptEnv says so
	commands []string
	mu       sync.Mutex
}

func serveSSH(t testing.TB, hostKey ssh.Signer, client ssh.PublicKey) *sshServer {
	t.Helper()
	config := &ssh.ServerConfig{PublicKeyCallback: func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
		if string(key.Marshal()) != string(client.Marshal()) {
			return nil, errors.New("unknown key")
		}
		return nil, nil
	}}
	config.AddHostKey(hostKey)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &sshServer{address: listener.Addr().String()}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go s.serve(conn, config)
		}
	}()
	return s
}

func (s *sshServer) serve(conn net.Conn, config *ssh.ServerConfig) {
	defer conn.Close()
	_, channels, requests, err := ssh.NewServerConn(conn, config)
	if err != nil {
		return
	}
	go ssh.DiscardRequests(requests)
	for c := range channels {
		channel, requests, err := c.Accept()
		if err != nil {
			return
		}
		protocol := ""
		for req := range requests {
			var variable struct{ Name, Value string }
			if req.Type == "env" && s.version2 && ssh.Unmarshal(req.Payload, &variable) == nil && variable.Name == "GIT_PROTOCOL" {
				protocol = variable.Value
				_ = req.Reply(true, nil)
				continue
			}
			if req.Type != "exec" {
				_ = req.Reply(false, nil)
				continue
			}
			_ = req.Reply(true, nil)
			command := string(req.Payload[4:])
			s.mu.Lock()
			s.commands = append(s.commands, command)
			s.mu.Unlock()
			cmd := exec.Command("sh", "-c", command)
			cmd.Env = append(gitEnv(), "GIT_PROTOCOL="+protocol, "GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=safe.directory", "GIT_CONFIG_VALUE_0=*")
			cmd.Stdout, cmd.Stderr = channel, channel.Stderr()
			in, err := cmd.StdinPipe()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(in, channel); _ = in.Close() }()
			_ = cmd.Run()
			_, _ = channel.SendRequest("exit-status", false, []byte{0, 0, 0, 0})
			_ = channel.Close()
			break
		}
	}
}

// Over ssh, contents are fetched on demand where the server passes on the version of the protocol; elsewhere the whole pack is.
func TestSSHOnDemand(t *testing.T) {
	for name, tt := range map[string]struct {
		version2           bool
		filter             string
		there, connections int
	}{
		"version 2":            {true, "true", 5, 3},
		"version 2, no filter": {true, "false", 11, 2},
		"version 1":            {false, "true", 11, 2},
	} {
		t.Run(name, func(t *testing.T) {
			r := filtering(t)
			r.git("config", "uploadpack.allowFilter", tt.filter)
			commit := r.commit("first")
			hostKey, _ := newKey(t)
			clientKey, clientPEM := newKey(t)
			server := serveSSH(t, hostKey, clientKey.PublicKey())
			server.version2 = tt.version2
			known := knownhosts.Line([]string{knownhosts.Normalize(server.address)}, hostKey.PublicKey())
			auth := git.Auth{SSHKeyFile: file(t, clientPEM), KnownHostsFile: file(t, known+"\n")}
			o := git.OnDemand{Repo: git.Repo{URL: "ssh://git@" + server.address + r.dir, Auth: auth}, First: []string{"gitops.yaml"}}
			tree := open(t, o, commit)
			if err := tree.Fetch(t.Context(), "apps/shop"); err != nil {
				t.Fatal(err)
			}
			if got := contents(t, r, commit, tree); len(got) != tt.there || tree.Revision.Ref != "main" {
				t.Errorf("%q at %s", got, tree.Revision.Ref)
			}
			server.mu.Lock()
			defer server.mu.Unlock()
			if len(server.commands) != tt.connections {
				t.Errorf("%d connections", len(server.commands))
			}
		})
	}
	_, pem := newKey(t)
	r := filtering(t)
	commit := r.commit("first")
	hostKey, _ := newKey(t)
	clientKey, _ := newKey(t)
	server := serveSSH(t, hostKey, clientKey.PublicKey())
	known := knownhosts.Line([]string{knownhosts.Normalize(server.address)}, hostKey.PublicKey())
	_, err := git.OnDemand{Repo: git.Repo{URL: "ssh://git@" + server.address + r.dir, Auth: git.Auth{SSHKeyFile: file(t, pem), KnownHostsFile: file(t, known+"\n")}}}.Open(t.Context(), commit)
	mustFail(t, err, "does not accept the ssh key")
}

func TestSSHWithAKnownHostAndADeployKey(t *testing.T) {
	r := newRepository(t)
	r.write("it's a name.yaml", "odd")
	first := r.commit("first")
	r.git("tag", "-a", "v1", "-m", "annotated")
	r.write("web.yaml", "kind: Deployment")
	commit := r.commit("second")
	hostKey, _ := newKey(t)
	clientKey, clientPEM := newKey(t)
	server := serveSSH(t, hostKey, clientKey.PublicKey())
	known := knownhosts.Line([]string{knownhosts.Normalize(server.address)}, hostKey.PublicKey())
	auth := git.Auth{SSHKeyFile: file(t, clientPEM), KnownHostsFile: file(t, known+"\n")}
	url := "ssh://git@" + server.address + r.dir

	repo := git.Repo{URL: url, Auth: auth}
	if got := poll(t, repo); got != commit {
		t.Errorf("Poll = %s", got)
	}
	dir, rev := fetch(t, repo, commit)
	if len(list(t, dir)) != 2 || rev.Ref != "main" || rev.Subject != "second" {
		t.Errorf("%q %+v", list(t, dir), rev)
	}
	if commits, err := repo.Commits(t.Context(), first, commit, "web.yaml"); err != nil || subjects(commits) != "second*" {
		t.Errorf("Commits = %q, error %v", subjects(commits), err)
	}
	repo.Ref = "v1"
	fetch(t, repo, poll(t, repo))
	repo.Ref = first
	_, _, err := repo.Fetch(t.Context(), first, t.TempDir())
	if err != nil { // the peeled tag is reachable through the tag
		t.Error(err)
	}

	_, err = git.Repo{URL: "ssh://git@" + server.address + "/gone'; touch /tmp/pwned; '", Auth: auth}.Poll(t.Context())
	mustFail(t, err, "127.0.0.1 says: fatal: ", "gone'; touch")

	t.Setenv("HOME", t.TempDir())
	t.Setenv("SSH_AUTH_SOCK", "")
	otherKey, otherPEM := newKey(t)
	for name, tt := range map[string]struct {
		auth git.Auth
		want string
	}{
		"no known hosts":     {git.Auth{SSHKeyFile: auth.SSHKeyFile}, "--known-hosts-file"},
		"no key":             {git.Auth{KnownHostsFile: auth.KnownHostsFile}, "--ssh-key-file"},
		"key file missing":   {git.Auth{SSHKeyFile: "/nonexistent/key", KnownHostsFile: auth.KnownHostsFile}, "/nonexistent/key"},
		"public half":        {git.Auth{SSHKeyFile: file(t, known), KnownHostsFile: auth.KnownHostsFile}, "holds no private key"},
		"unknown host":       {git.Auth{SSHKeyFile: auth.SSHKeyFile, KnownHostsFile: file(t, "")}, "is not in the known hosts file"},
		"changed host key":   {git.Auth{SSHKeyFile: auth.SSHKeyFile, KnownHostsFile: file(t, knownhosts.Line([]string{knownhosts.Normalize(server.address)}, otherKey.PublicKey()))}, "is not the one in the known hosts file"},
		"revoked host key":   {git.Auth{SSHKeyFile: auth.SSHKeyFile, KnownHostsFile: file(t, known+"\n@revoked * "+strings.SplitN(known, " ", 2)[1]+"\n")}, "is revoked"},
		"deploy key unknown": {git.Auth{SSHKeyFile: file(t, otherPEM), KnownHostsFile: auth.KnownHostsFile}, "does not accept the ssh key for user git"},
	} {
		_, err := git.Repo{URL: url, Auth: tt.auth}.Poll(t.Context())
		mustFail(t, err, tt.want)
		if t.Failed() {
			t.Log(name)
		}
	}
}

func TestHabitsSSHWithWhatALaptopHas(t *testing.T) {
	r := newRepository(t)
	r.write("web.yaml", "kind: Deployment")
	commit := r.commit("first")
	hostKey, _ := newKey(t)
	clientKey, clientPEM := newKey(t)
	server := serveSSH(t, hostKey, clientKey.PublicKey())
	repo := git.Repo{URL: "ssh://git@" + server.address + r.dir}

	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("SSH_AUTH_SOCK", "")
	_, err := repo.Poll(t.Context())
	mustFail(t, err, "no known hosts file", "~/.ssh/known_hosts")
	if err := os.MkdirAll(filepath.Join(home, ".ssh"), 0o700); err != nil {
		t.Fatal(err)
	}
	known := knownhosts.Line([]string{knownhosts.Normalize(server.address)}, hostKey.PublicKey())
	if err := os.WriteFile(filepath.Join(home, ".ssh", "known_hosts"), []byte(known+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = repo.Poll(t.Context())
	mustFail(t, err, "no ssh agent is running", "ssh-add")

	keys := agent.NewKeyring()
	t.Setenv("SSH_AUTH_SOCK", serveAgent(t, keys))
	_, err = repo.Poll(t.Context())
	mustFail(t, err, "ssh agent: it holds no key", "ssh-add")
	private, err := ssh.ParseRawPrivateKey([]byte(clientPEM))
	if err != nil {
		t.Fatal(err)
	}
	if err := keys.Add(agent.AddedKey{PrivateKey: private}); err != nil {
		t.Fatal(err)
	}
	if got := poll(t, repo); got != commit {
		t.Errorf("Poll = %s", got)
	}
	fetch(t, repo, commit)

	// What is given wins, and a credentials directory is all that counts in a pod.
	repo.Auth = git.Auth{KnownHostsFile: file(t, "")}
	_, err = repo.Poll(t.Context())
	mustFail(t, err, "is not in the known hosts file")
	repo.Auth = git.Auth{Dir: t.TempDir()}
	_, err = repo.Poll(t.Context())
	mustFail(t, err, "has no known_hosts")
	t.Setenv("SSH_AUTH_SOCK", filepath.Join(home, "gone"))
	repo.Auth = git.Auth{}
	_, err = repo.Poll(t.Context())
	mustFail(t, err, "ssh agent: ")
}

// serveAgent runs an ssh agent and returns its socket.
func serveAgent(t *testing.T, keys agent.Agent) string {
	dir, err := os.MkdirTemp("", "agent") // names of sockets are short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	listener, err := net.Listen("unix", filepath.Join(dir, "socket"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() { _ = agent.ServeAgent(keys, conn) }()
		}
	}()
	return listener.Addr().String()
}

// What the server writes to stderr comes beside the end of its output, in any order.
func TestWhatAnSSHServerSaysIsNotLost(t *testing.T) {
	hostKey, _ := newKey(t)
	clientKey, clientPEM := newKey(t)
	server := serveSSH(t, hostKey, clientKey.PublicKey())
	known := knownhosts.Line([]string{knownhosts.Normalize(server.address)}, hostKey.PublicKey())
	auth := git.Auth{SSHKeyFile: file(t, clientPEM), KnownHostsFile: file(t, known+"\n")}
	for range 100 {
		_, err := git.Repo{URL: "ssh://git@" + server.address + "/gone", Auth: auth}.Poll(t.Context())
		mustFail(t, err, "127.0.0.1 says: fatal: ")
	}
}

func TestAnSSHServerThatHangsRunsIntoTheTimeout(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0") // accepts, never speaks
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	_, pemKey := newKey(t)
	hostKey, _ := newKey(t)
	address := listener.Addr().String()
	known := knownhosts.Line([]string{knownhosts.Normalize(address)}, hostKey.PublicKey())
	_, err = git.Repo{
		URL:    fmt.Sprintf("ssh://git@%s/config", address),
		Auth:   git.Auth{SSHKeyFile: file(t, pemKey), KnownHostsFile: file(t, known)},
		Limits: git.Limits{Timeout: 200 * time.Millisecond},
	}.Poll(t.Context())
	mustFail(t, err, "not done within 200ms")
}
