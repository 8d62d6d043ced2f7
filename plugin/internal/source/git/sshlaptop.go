package git

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
)

// What people have on a laptop: the host keys that ssh has learned, and an agent with their keys. They are used only when
// no file and no credentials directory is given. ~/.ssh/config is never read.

// ownKnownHosts is ~/.ssh/known_hosts, "" when there is none.
func ownKnownHosts() string {
	home, err := os.UserHomeDir()
	if err != nil {
		return ""
	}
	name := filepath.Join(home, ".ssh", "known_hosts")
	if info, err := os.Stat(name); err != nil || !info.Mode().IsRegular() {
		return ""
	}
	return name
}

// agentKeys authenticates with the keys of the ssh agent. end closes the connection to the agent, after the handshake.
func agentKeys() (method ssh.AuthMethod, end func(), err error) {
	const how = "pass --ssh-key-file FILE with the private half of a read-only deploy key, or add a key to your ssh agent with ssh-add"
	socket := os.Getenv("SSH_AUTH_SOCK")
	if socket == "" {
		return nil, nil, hint.Errorf("no ssh key, and no ssh agent is running", how)
	}
	conn, err := net.Dial("unix", socket)
	if err != nil {
		return nil, nil, hint.With(fmt.Errorf("ssh agent: %w", errors.Unwrap(err)), how)
	}
	signers, err := agent.NewClient(conn).Signers()
	if err == nil && len(signers) == 0 {
		err = errors.New("it holds no key")
	}
	if err != nil {
		_ = conn.Close()
		return nil, nil, hint.With(fmt.Errorf("ssh agent: %w", err), how)
	}
	return ssh.PublicKeys(signers...), func() { _ = conn.Close() }, nil
}
