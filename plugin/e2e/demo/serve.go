package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/e2e/kube"
)

// serve runs the cluster of demo-up until it is told to end. It holds a lock for as long as it lives, by which down
// knows that the process with the number in the file is this one.
func serve(ctx context.Context) error {
	dir, err := kube.CacheDir("demo")
	if err != nil {
		return err
	}
	lock, err := os.OpenFile(pidFile(dir), os.O_CREATE|os.O_RDWR|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return fmt.Errorf("the demo is up already: %w", err)
	}
	if _, err := fmt.Fprintln(lock, os.Getpid()); err != nil {
		return err
	}
	cluster, err := startLocal(ctx, os.Stdout, dir)
	if err != nil {
		return err
	}
	defer cluster.Stop()
	// Written under another name first: up reads it as soon as it is there.
	path := filepath.Join(dir, "cluster.json")
	err = writeState(path+".new", state{Kubeconfig: cluster.Kubeconfig, KubectlDir: cluster.Bin})
	if err = errors.Join(err, os.Rename(path+".new", path)); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

func pidFile(dir string) string { return filepath.Join(dir, "serve.pid") }

// daemonPID returns the number of the process that serves the cluster in dir, or 0 when there is none.
func daemonPID(dir string) int {
	f, err := os.Open(pidFile(dir))
	if err != nil {
		return 0
	}
	defer f.Close()
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_SH|syscall.LOCK_NB); err == nil {
		return 0 // nobody holds it
	}
	data, err := os.ReadFile(pidFile(dir))
	if err != nil {
		return 0
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(data)))
	if err != nil {
		return 0
	}
	return pid
}

// stopDaemon ends the process that serves the cluster in dir, if there is one, and waits for it.
func stopDaemon(dir string) error {
	const patience = 30 * time.Second
	deadline := time.After(patience)
	for asked := false; ; asked = true {
		pid := daemonPID(dir)
		if pid == 0 {
			return nil
		}
		if !asked {
			if err := syscall.Kill(pid, syscall.SIGTERM); err != nil {
				return fmt.Errorf("stop process %d: %w", pid, err)
			}
		}
		select {
		case <-deadline:
			return fmt.Errorf("process %d did not end within %s", pid, patience)
		case <-time.After(pollEvery):
		}
	}
}
