// Command chart-server runs a server of package repotest for scripts.
//
//	chart-server [flags] STATE
//
// STATE is a directory. The server writes into it the files ca.crt, client.crt, client.key, requests (a line for each request, with
// all that the client showed) and, as soon as it serves, address. It reads the file logins at each request, one login on each
// line; without the file everybody is let in.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/chartrepo/repotest"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run() error {
	var opt repotest.Options
	flag.StringVar(&opt.Charts, "charts", "", "directory with charts")
	flag.StringVar(&opt.Address, "address", "", "where to listen (default a free port of 127.0.0.1)")
	flag.BoolVar(&opt.Basic, "basic", false, "the registry asks for a password instead of a token")
	flag.BoolVar(&opt.ClientCertificates, "client-certificates", false, "refuse clients without a certificate")
	flag.BoolVar(&opt.Plain, "plain", false, "serve without TLS")
	flag.StringVar(&opt.Redirect, "redirect", "", "base address to which those are sent that ask for an index, an archive or a blob")
	flag.Parse()
	if flag.NArg() != 1 {
		return errors.New("usage: chart-server [flags] STATE")
	}
	state := flag.Arg(0)
	write := func(name string, data []byte) error { return os.WriteFile(filepath.Join(state, name), data, 0o600) }
	authority, err := repotest.NewAuthority()
	if err != nil {
		return err
	}
	cert, key, err := authority.Client("client of the script")
	if err != nil {
		return err
	}
	log, err := os.OpenFile(filepath.Join(state, "requests"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600) // a script may empty it
	if err != nil {
		return err
	}
	defer log.Close()
	opt.Authority, opt.Log, opt.Logins = authority, log, logins(filepath.Join(state, "logins"))
	server, err := repotest.Start(opt)
	if err != nil {
		return err
	}
	err = errors.Join(write("ca.crt", authority.PEM()), write("client.crt", cert), write("client.key", key),
		write("url", []byte(server.URL())), write("address.new", []byte(server.Host())),
		os.Rename(filepath.Join(state, "address.new"), filepath.Join(state, "address")))
	if err != nil {
		return err
	}
	select {} // until the script ends it
}

// logins returns who is let in, by a file that is read each time; nil when it is not there.
func logins(file string) func() []string {
	return func() []string {
		data, err := os.ReadFile(file)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return append([]string{}, strings.Split(strings.TrimSpace(string(data)), "\n")...)
	}
}
