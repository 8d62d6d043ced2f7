package e2e

import (
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/e2e/githttp"
)

// gitServers are the Git servers of a script.
type gitServers struct {
	running []*githttp.Server
	counted int                   // of their requests
	named   map[string]*gitServer // by variable
}

type gitServer struct {
	*githttp.Server
	counted int // requests that were looked at
}

const gitServerUsage = "gitserver [-token TOKEN] [-redirect-to URL] VARIABLE | hits VARIABLE N|any | off VARIABLE | on VARIABLE"

// cmdGitServer implements: gitserver [-token TOKEN] [-redirect-to URL] VARIABLE. The server gives out the repositories
// in $WORK over https; VARIABLE becomes its URL, and SSL_CERT_FILE makes every command that follows trust it. README.md
// describes hits, off and on.
func cmdGitServer(ts *testscript.TestScript, args []string) error {
	if len(args) > 1 {
		if s := scriptOf(ts).git.named[args[1]]; s != nil {
			return s.run(args)
		}
	}
	flags := flag.NewFlagSet("gitserver", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	opt := githttp.Options{TLS: true, ReadOnly: true}
	flags.StringVar(&opt.Token, "token", "", "that every request must carry")
	flags.StringVar(&opt.RedirectTo, "redirect-to", "", "where every request is sent instead")
	if err := flags.Parse(args); err != nil || flags.NArg() != 1 {
		return usageError(gitServerUsage)
	}
	server, err := githttp.Start(ts.Getenv("WORK"), opt)
	if err != nil {
		return err
	}
	ts.Defer(server.Stop)
	servers := &scriptOf(ts).git
	servers.running = append(servers.running, server)
	if servers.named == nil {
		servers.named = map[string]*gitServer{}
	}
	servers.named[flags.Arg(0)] = &gitServer{Server: server}
	ts.Setenv(flags.Arg(0), server.URL())
	return trust(ts, server.CA())
}

// cmdGitRequests implements: gitrequests NUMBER. So many requests were made to the Git servers since it was called last.
func cmdGitRequests(ts *testscript.TestScript, args []string) error {
	if len(args) != 1 {
		return usageError("gitrequests NUMBER")
	}
	want, err := strconv.Atoi(args[0])
	if err != nil {
		return usageError(err.Error())
	}
	servers, all := &scriptOf(ts).git, []githttp.Request(nil)
	for _, s := range servers.running {
		all = append(all, s.Requests()...)
	}
	since := all[servers.counted:] // of one server; with several, the list may begin too early
	if servers.counted = len(all); len(since) != want {
		return fmt.Errorf("%d requests instead of %d: %v", len(since), want, since)
	}
	return nil
}

// run counts the requests since the last time, or turns the server off and on.
func (s *gitServer) run(args []string) error {
	switch {
	case len(args) == 2 && (args[0] == "off" || args[0] == "on"):
		s.SetOff(args[0] == "off")
		return nil
	case len(args) == 3 && args[0] == "hits":
		new := s.Requests()[s.counted:]
		s.counted += len(new)
		if want, err := strconv.Atoi(args[2]); args[2] != "any" && (err != nil || len(new) != want) {
			return fmt.Errorf("the Git server got %d requests: %v", len(new), new)
		}
		return nil
	}
	return usageError(gitServerUsage)
}

// trust makes every command that follows trust a certificate.
func trust(ts *testscript.TestScript, certificate []byte) error {
	trusted := filepath.Join(ts.Getenv("HOME"), "git-ca.pem")
	file, err := os.OpenFile(trusted, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer file.Close()
	if _, err := file.Write(certificate); err != nil {
		return err
	}
	ts.Setenv("SSL_CERT_FILE", trusted)
	return nil
}
