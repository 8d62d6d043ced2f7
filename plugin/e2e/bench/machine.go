package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/e2e/kube"
)

// machine is where and when a session ran.
type machine struct {
	Cores      int
	MemoryGiB  int
	System, Go string
	Start, End time.Time
	Unquiet    int // runs that began although the machine had something else to do
}

func describeMachine() machine {
	m := machine{Cores: runtime.NumCPU(), System: runtime.GOOS + "/" + runtime.GOARCH, Go: runtime.Version(), Start: time.Now().UTC()}
	if info, err := os.ReadFile("/proc/meminfo"); err == nil {
		var kib int
		_, after, _ := strings.Cut(string(info), "MemTotal:")
		if _, err := fmt.Sscan(after, &kib); err == nil {
			m.MemoryGiB = (kib + 1<<19) >> 20
		}
	}
	return m
}

// untilIdle waits until the machine has nearly nothing to do, such as what the control plane does after a run, but not for
// ever: then it says so. Where that cannot be seen it waits for nothing.
func untilIdle(ctx context.Context) bool {
	const look, most = 250 * time.Millisecond, 10 * time.Second
	for deadline := time.Now().Add(most); time.Now().Before(deadline) && ctx.Err() == nil; {
		busy, all := processorTime()
		time.Sleep(look)
		busyNow, allNow := processorTime()
		if (busyNow-busy)*10 < allNow-all || allNow == all {
			return true
		}
	}
	return false
}

// processorTime is how much of it was used and how much there was since the machine started, in ticks; 0 where it is
// not known.
func processorTime() (busy, all int) {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, 0
	}
	const idle, ioWait, guest = 3, 4, 8
	first, _, _ := strings.Cut(string(text), "\n")
	for i, field := range strings.Fields(strings.TrimPrefix(first, "cpu")) {
		n, err := strconv.Atoi(field)
		if err != nil || i >= guest { // counted before
			break
		}
		all += n
		if i != idle && i != ioWait {
			busy += n
		}
	}
	return busy, all
}

// versions returns what was measured, one line each.
func versions(ctx context.Context) ([]string, error) {
	commit := exec.CommandContext(ctx, "git", "describe", "--always", "--dirty")
	commit.Dir = root
	own, err := commit.Output()
	if err != nil {
		return nil, fmt.Errorf("git describe: %w", err)
	}
	modules := []string{"list", "-m", "-f", "{{.Path}} {{.Version}}", "github.com/fluxcd/pkg/ssa", "carvel.dev/kapp", "k8s.io/client-go"}
	out, err := exec.CommandContext(ctx, "go", modules...).Output()
	if err != nil {
		return nil, fmt.Errorf("go list -m: %w", err)
	}
	lines := []string{"kubectl-gitops " + strings.TrimSpace(string(own))}
	lines = append(lines, strings.Split(strings.TrimSpace(string(out)), "\n")...)
	return append(lines, "kube-apiserver, kube-controller-manager, kubectl "+kube.Version), nil
}

// save writes results for -from.
func save(name string, sessions []session) error {
	data, err := json.MarshalIndent(sessions, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(name, data, 0o600)
}

// load reads the results in files, none if there are no files.
func load(files []string) ([]session, error) {
	var all []session
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		var sessions []session
		if err := json.Unmarshal(data, &sessions); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		all = append(all, sessions...)
	}
	return all, nil
}
