// Command launch runs a program and writes what it took to a file. It is a program of its own because the peak memory
// of a child counts what its parent held at the moment of the fork: a parent that is small distorts nothing.
// It does NOT interpret or limit what it runs.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"syscall"
	"time"
)

// usage is read by the benchmark.
type usage struct {
	Code          int
	WallNS, CPUNS int64
	PeakBytes     int64
}

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: launch RESULT-FILE PROGRAM [ARGUMENT...]")
		os.Exit(2)
	}
	swallow := make(chan os.Signal, 1)
	signal.Notify(swallow, os.Interrupt, syscall.SIGTERM) // they are for the program, which is in the same group
	if err := run(os.Args[1], os.Args[2], os.Args[3:]); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(result, program string, args []string) error {
	cmd := exec.Command(program, args...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	started := time.Now()
	if err := cmd.Start(); err != nil {
		return err
	}
	_ = cmd.Wait() // how it ended is in the state
	wall, state := time.Since(started), cmd.ProcessState
	u := usage{Code: state.ExitCode(), WallNS: wall.Nanoseconds(), CPUNS: (state.UserTime() + state.SystemTime()).Nanoseconds()}
	if r, ok := state.SysUsage().(*syscall.Rusage); ok {
		u.PeakBytes = int64(r.Maxrss)
		if runtime.GOOS != "darwin" { // where it is in bytes
			u.PeakBytes *= 1024
		}
	}
	data, err := json.Marshal(u)
	if err != nil {
		return err
	}
	return os.WriteFile(result, data, 0o600)
}
