package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"time"
)

// errTooLong says that a run was ended because it took more than the limit.
var errTooLong = errors.New("took too long")

// run is what one run of a program took.
type run struct {
	Wall, CPU time.Duration
	Peak      int64          // of the resident memory, in bytes
	Requests  map[string]int // by verb, as the API server counted them
}

// launcher starts programs through the launch command.
type launcher struct {
	bin, dir string
	limit    time.Duration
}

// command prepares a program; its usage will be in the returned file.
func (l *launcher) command(ctx context.Context, env []string, name string, args ...string) (*exec.Cmd, string) {
	result := filepath.Join(l.dir, "usage.json")
	if filepath.Base(name) == name {
		name = filepath.Join(l.bin, name)
	}
	cmd := exec.CommandContext(ctx, filepath.Join(l.bin, "launch"), append([]string{result, name}, args...)...)
	cmd.Env, cmd.Dir = env, l.dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	return cmd, result
}

// run runs a program to its end and returns its usage, without requests.
func (l *launcher) run(ctx context.Context, env []string, name string, args ...string) (run, error) {
	limited, cancel := context.WithTimeout(ctx, l.limit)
	defer cancel()
	cmd, result := l.command(limited, env, name, args...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	if limited.Err() != nil && ctx.Err() == nil {
		return run{}, fmt.Errorf("%s %s %w", filepath.Base(name), l.limit, errTooLong)
	}
	if err != nil {
		return run{}, fmt.Errorf("%s: %w\n%s", name, err, tail(out.Bytes()))
	}
	used, code, err := readUsage(result)
	if err == nil && code != 0 {
		err = fmt.Errorf("%s ended with %d\n%s", name, code, tail(out.Bytes()))
	}
	return used, err
}

func readUsage(name string) (run, int, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return run{}, 0, err
	}
	var u struct {
		Code                     int
		WallNS, CPUNS, PeakBytes int64
	}
	if err := json.Unmarshal(data, &u); err != nil {
		return run{}, 0, err
	}
	return run{Wall: time.Duration(u.WallNS), CPU: time.Duration(u.CPUNS), Peak: u.PeakBytes}, u.Code, os.Remove(name)
}

func tail(out []byte) []byte {
	const size = 2000
	return out[max(0, len(out)-size):]
}

// summary is the middle of several runs.
type summary struct {
	Runs                   int
	Wall, Fastest, Slowest time.Duration
	CPU                    time.Duration
	Peak                   int64
	Requests               map[string]int // of the run in the middle by total
	Walls                  []time.Duration
}

// summarize takes the median of each value on its own.
func summarize(runs []run) summary {
	s := summary{Runs: len(runs)}
	var wall, cpu []time.Duration
	var peak []int64
	for _, r := range runs {
		wall, cpu, peak = append(wall, r.Wall), append(cpu, r.CPU), append(peak, r.Peak)
	}
	byTotal := slices.Clone(runs)
	slices.SortFunc(byTotal, func(a, b run) int { return total(a.Requests) - total(b.Requests) })
	s.Wall, s.CPU, s.Peak, s.Requests = median(wall), median(cpu), median(peak), byTotal[len(runs)/2].Requests
	s.Fastest, s.Slowest, s.Walls = slices.Min(wall), slices.Max(wall), wall
	return s
}

func median[T time.Duration | int64 | float64](values []T) T {
	return slices.Sorted(slices.Values(values))[len(values)/2]
}

func total(requests map[string]int) int {
	sum := 0
	for _, n := range requests {
		sum += n
	}
	return sum
}
