package e2e

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"
)

// The registry of the scripts is a program of the other module, as the plugin is: its tests use the same server.
var registryServer struct {
	once sync.Once
	err  error
}

// registries are the servers of a script, by variable.
type registries map[string]runningRegistry

type runningRegistry struct {
	process *os.Process
	ended   <-chan error
}

// buildRegistry compiles chart-server into bin, for the first script that asks.
func buildRegistry(bin string) error {
	registryServer.once.Do(func() {
		cmd := exec.Command("go", "build", "-o", filepath.Join(bin, "chart-server"), "./plugin/internal/chartrepo/repotest/chart-server")
		cmd.Dir, cmd.Env = "../..", append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			registryServer.err = fmt.Errorf("build chart-server: %w\n%s", err, out)
		}
	})
	return registryServer.err
}

const registryUsage = "registry start [flags] VARIABLE [DIR] | push VARIABLE REPOSITORY:TAG MEDIATYPE FILE | forget VARIABLE | stop VARIABLE"

// cmdRegistry implements: registry. README.md describes it.
func cmdRegistry(ts *testscript.TestScript, args []string) error {
	if len(args) < 2 {
		return usageError(registryUsage)
	}
	state := func(variable string) string { return filepath.Join(ts.Getenv("WORK"), "registry-"+variable) }
	switch verb, rest := args[0], args[1:]; {
	case verb == "start":
		return startRegistry(ts, state, rest)
	case verb == "push" && len(rest) == 4:
		return pushTo(ts, state(rest[0]), rest[1], rest[2], ts.MkAbs(rest[3]))
	case verb == "forget" && len(rest) == 1:
		return os.Truncate(filepath.Join(state(rest[0]), "requests"), 0)
	case verb == "stop" && len(rest) == 1 && scriptOf(ts).registries[rest[0]].process != nil:
		running := scriptOf(ts).registries[rest[0]]
		delete(scriptOf(ts).registries, rest[0])
		err := running.process.Kill()
		<-running.ended
		return err
	}
	return usageError(registryUsage)
}

// startRegistry starts a server, on the port it had before, if it ran before.
func startRegistry(ts *testscript.TestScript, state func(string) string, args []string) error {
	flags := flag.NewFlagSet("registry start", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	var logins []string
	var private bool
	var pass []string
	flags.Func("login", "credentials that are let in", func(login string) error { logins = append(logins, login); return nil })
	flags.BoolVar(&private, "private", false, "trust it only where the script says so")
	for _, name := range []string{"basic", "client-certificates", "plain"} {
		flags.BoolFunc(name, "of chart-server", func(string) error { pass = append(pass, "-"+name); return nil })
	}
	flags.Func("redirect", "of chart-server", func(to string) error { pass = append(pass, "-redirect="+to); return nil })
	if err := flags.Parse(args); err != nil || flags.NArg() < 1 || flags.NArg() > 2 {
		return usageError(registryUsage)
	}
	if err := buildRegistry(scriptOf(ts).bin); err != nil {
		return err
	}
	variable := flags.Arg(0)
	dir := state(variable)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if before, err := os.ReadFile(filepath.Join(dir, "address")); err == nil {
		pass = append(pass, "-address="+string(before))
	}
	if flags.NArg() == 2 {
		pass = append(pass, "-charts="+ts.MkAbs(flags.Arg(1)))
	}
	err := os.Remove(filepath.Join(dir, "address"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if logins != nil {
		if err := os.WriteFile(filepath.Join(dir, "logins"), []byte(strings.Join(logins, "\n")), 0o600); err != nil {
			return err
		}
	}
	if err := runRegistry(ts, variable, dir, pass); err != nil {
		return err
	}
	ca, err := os.ReadFile(filepath.Join(dir, "ca.crt"))
	if err != nil || private {
		return err
	}
	return trust(ts, ca)
}

// runRegistry runs the server until the script ends, and sets the variables that tell about it.
func runRegistry(ts *testscript.TestScript, variable, dir string, args []string) error {
	var log bytes.Buffer
	cmd := exec.Command(filepath.Join(scriptOf(ts).bin, "chart-server"), append(args, dir)...)
	cmd.Stderr = &log
	if err := cmd.Start(); err != nil {
		return err
	}
	ts.Defer(func() { _ = cmd.Process.Kill() })
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	address, err := waitForFile(filepath.Join(dir, "address"), ended)
	if err != nil {
		return fmt.Errorf("start the registry: %w\n%s", err, &log)
	}
	if scriptOf(ts).registries == nil {
		scriptOf(ts).registries = registries{}
	}
	scriptOf(ts).registries[variable] = runningRegistry{cmd.Process, ended}
	ts.Setenv(variable, address)
	for suffix, file := range map[string]string{"_CA": "ca.crt", "_CERT": "client.crt", "_KEY": "client.key", "_REQUESTS": "requests", "_LOGINS": "logins"} {
		ts.Setenv(variable+suffix, filepath.Join(dir, file))
	}
	return nil
}

// pushTo pushes a file as the only layer of an image.
func pushTo(ts *testscript.TestScript, state, tag, mediaType, file string) error {
	read := func(name string) []byte {
		data, err := os.ReadFile(filepath.Join(state, name))
		ts.Check(err)
		return data
	}
	layer, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	pair, err := tls.X509KeyPair(read("client.crt"), read("client.key"))
	if err != nil {
		return err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(read("ca.crt"))
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}}}
	at := string(read("url")) + "/-/push?" + url.Values{"tag": {tag}, "type": {mediaType}}.Encode()
	request, err := http.NewRequest(http.MethodPut, at, bytes.NewReader(layer))
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = errors.New(string(text))
	}
	return err
}
