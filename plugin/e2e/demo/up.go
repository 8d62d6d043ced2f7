package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/e2e/kube"
)

// state is what up leaves behind for down, in demo/state.json of the cache directory.
type state struct {
	// Kubeconfig is empty when the cluster is the user's.
	Kubeconfig string
	KubectlDir string
	// Identity is that of the user's cluster: nothing is deleted in another one.
	Identity string
}

const pollEvery = 100 * time.Millisecond

// up starts a cluster in the background, makes the config repository and reconciles it once.
func up(ctx context.Context, out io.Writer, local bool) error {
	dir, err := kube.CacheDir("demo")
	if err != nil {
		return err
	}
	if st, err := readState(dir); err == nil {
		p, err := newPlace(out, dir, st.Kubeconfig, st.KubectlDir)
		if err != nil {
			return err
		}
		p.say("The demo is up already.")
		p.next()
		return nil
	}
	if err := errors.Join(stopDaemon(dir), os.RemoveAll(dir), os.MkdirAll(dir, 0o700)); err != nil {
		return err
	}
	if local {
		if err := startDaemon(ctx, out, dir); err != nil {
			return err
		}
	}
	if err := furnish(ctx, out, dir, local); err != nil {
		return errors.Join(err, stopDaemon(dir))
	}
	return nil
}

// furnish fills the cluster that is running: repository, first reconcile, state.
func furnish(ctx context.Context, out io.Writer, dir string, local bool) error {
	var st state
	if local {
		data, err := os.ReadFile(filepath.Join(dir, "cluster.json"))
		if err != nil {
			return err
		}
		if err := json.Unmarshal(data, &st); err != nil {
			return err
		}
	}
	p, err := newPlace(out, dir, st.Kubeconfig, st.KubectlDir)
	if err != nil {
		return err
	}
	if !local {
		if st.Identity, err = claimCurrent(ctx, p); err != nil {
			return err
		}
	}
	if err := createRepository(ctx, p.shell, p.app); err != nil {
		return err
	}
	if err := writeState(filepath.Join(dir, "state.json"), st); err != nil {
		return err
	}
	if _, err := p.reconcile(ctx); err != nil {
		return err
	}
	p.next()
	return nil
}

// next prints how to go on by hand.
func (p *place) next() {
	p.say("To work with it, in this shell:")
	for _, pair := range p.env {
		if strings.HasPrefix(pair, "KUBECONFIG=") {
			fmt.Fprintf(p.out, "  export %s\n", pair)
		}
	}
	fmt.Fprintf(p.out, "  export PATH=%s:$PATH\n  cd %s\n\n", filepath.Join(p.dir, "bin"), p.dir)
	p.say("Try, for example:")
	fmt.Fprintf(p.out, "  kubectl gitops status shop -n %s\n"+
		"  kubectl scale deployment/web --replicas=5 -n %s\n"+
		"  kubectl gitops reconcile --repo config.git --ref main \\\n"+
		"    --path apps/shop/overlays/prod --name shop -n %s\n"+
		"  kubectl gitops history shop -n %s\n\n", p.instance, p.app, p.instance, p.instance)
	p.say("config is a clone of the config repository: edit, commit, push, reconcile. `make demo-down` stops everything.")
}

// down stops what up started.
func down(ctx context.Context, out io.Writer) error {
	dir, err := kube.CacheDir("demo")
	if err != nil {
		return err
	}
	if st, err := readState(dir); err == nil && st.Kubeconfig == "" {
		p, err := newPlace(out, dir, "", "")
		if err != nil {
			return err
		}
		current, err := identity(ctx, p)
		if err != nil {
			return err
		}
		if current != st.Identity {
			return errors.New("KUBECONFIG points to another cluster than the one in which demo-up worked")
		}
		if err := leaveCurrent(p); err != nil {
			return err
		}
	}
	if err := errors.Join(stopDaemon(dir), os.RemoveAll(dir)); err != nil {
		return err
	}
	fmt.Fprintln(out, "The demo is down.")
	return ctx.Err()
}

// readState returns the state in dir if what it describes is still there.
func readState(dir string) (state, error) {
	var st state
	data, err := os.ReadFile(filepath.Join(dir, "state.json"))
	if err != nil {
		return st, err
	}
	if err := json.Unmarshal(data, &st); err != nil {
		return st, err
	}
	if st.Kubeconfig != "" && daemonPID(dir) == 0 {
		return st, errors.New("the demo's cluster has ended")
	}
	return st, nil
}

func writeState(path string, st state) error {
	data, err := json.Marshal(st)
	if err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o600)
}

// startDaemon runs this program again, as `serve`, in a session of its own, and waits until its cluster is ready.
func startDaemon(ctx context.Context, out io.Writer, dir string) error {
	if _, err := kube.Build(ctx, out); err != nil { // here, where its progress is seen
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	logPath := filepath.Join(dir, "serve.log")
	log, err := os.Create(logPath)
	if err != nil {
		return err
	}
	defer log.Close()
	daemon := exec.Command(self, "serve")
	daemon.Stdout, daemon.Stderr = log, log
	daemon.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := daemon.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- daemon.Wait() }()
	for {
		if _, err := os.Stat(filepath.Join(dir, "cluster.json")); err == nil {
			fmt.Fprintf(out, "Kubernetes %s is running in the background.\n", kube.Version)
			return nil
		}
		select {
		case err := <-ended:
			said, _ := os.ReadFile(logPath)
			return fmt.Errorf("the cluster did not start: %w\n%s", err, bytes.TrimSpace(said))
		case <-ctx.Done():
			return errors.Join(ctx.Err(), daemon.Process.Signal(syscall.SIGTERM), <-ended)
		case <-time.After(pollEvery):
		}
	}
}
