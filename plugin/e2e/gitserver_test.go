package e2e

import (
	"flag"
	"io"
	"os"
	"path/filepath"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/e2e/githttp"
)

// cmdGitServer implements: gitserver [-token TOKEN] [-redirect-to URL] VARIABLE. The server gives out the repositories
// in $WORK over https; VARIABLE becomes its URL, and SSL_CERT_FILE makes every command that follows trust it.
func cmdGitServer(ts *testscript.TestScript, args []string) error {
	flags := flag.NewFlagSet("gitserver", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	opt := githttp.Options{TLS: true, ReadOnly: true}
	flags.StringVar(&opt.Token, "token", "", "that every request must carry")
	flags.StringVar(&opt.RedirectTo, "redirect-to", "", "where every request is sent instead")
	if err := flags.Parse(args); err != nil || flags.NArg() != 1 {
		return usageError("gitserver [-token TOKEN] [-redirect-to URL] VARIABLE")
	}
	server, err := githttp.Start(ts.Getenv("WORK"), opt)
	if err != nil {
		return err
	}
	ts.Defer(server.Stop)
	ts.Setenv(flags.Arg(0), server.URL())
	return trust(ts, server.CA())
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
