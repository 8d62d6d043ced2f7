package node

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
)

const sshdConfig = `ListenAddress %[1]s
HostKey %[2]s/host
AuthorizedKeysFile %[2]s/identity.pub
PidFile none
LogLevel ERROR
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin forced-commands-only
Subsystem sftp none
`

// sshd serves the repository by OpenSSH's own server, for one key that may do nothing else, and returns the URL and
// the Secret for it.
func (s *site) sshd() (repo string, secret map[string]string) {
	s.Helper()
	binary, err := exec.LookPath("/usr/sbin/sshd")
	if err != nil {
		s.Skip("sshd is not installed (Debian: openssh-server)")
	}
	for _, name := range []string{"host", "identity"} {
		s.must("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", s.dir+"/"+name)
	}
	read := func(name string) string {
		data, err := os.ReadFile(s.dir + "/" + name)
		if err != nil {
			s.Fatal(err)
		}
		return string(data)
	}
	public := read("identity.pub")
	if err := s.write("identity.pub", `command="git-upload-pack `+s.dir+`/repo.git",restrict `+public); err != nil {
		s.Fatal(err)
	}
	l, err := net.Listen("tcp", net.JoinHostPort(HostAddress, "0"))
	if err != nil {
		s.Fatal(err)
	}
	address := l.Addr().String()
	l.Close() // nobody else is in this network
	if err := s.write("sshd_config", fmt.Sprintf(sshdConfig, address, s.dir)); err != nil {
		s.Fatal(err)
	}
	if err := os.MkdirAll("/run/sshd", 0o755); err != nil { // private to these tests, see Inside
		s.Fatal(err)
	}
	cmd := exec.Command(binary, "-D", "-e", "-f", s.dir+"/sshd_config")
	cmd.Stderr = s.Output()
	if err := cmd.Start(); err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { _, _ = cmd.Process.Kill(), cmd.Wait() })
	host, port, _ := strings.Cut(address, ":")
	return "ssh://root@" + address + "/repo.git", map[string]string{
		"identity":    read("identity"),
		"known_hosts": fmt.Sprintf("[%s]:%s %s", host, port, read("host.pub")),
	}
}
