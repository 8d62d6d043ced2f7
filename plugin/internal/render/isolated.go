package render

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/chart"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
)

const maxStderr = 64 << 10 // bytes kept of what a child complains about

// Isolated renders in child processes: whatever happens to one of them is an error here and no more, and the memory
// that a render took is given back with it.
//
// A child inherits the directory and three pipes; no environment, no credentials, no other file. It ends when ctx
// does, after Limits.Time, and when this process dies. On Linux it is held to Limits.Memory and to twice Limits.Time
// of processor time, and cannot write files; on other systems only time is limited.
type Isolated struct {
	// Command is the program and its arguments that lead to Worker, which gets two more.
	Command []string
	// Warn is told what Kustomize says about deprecated fields, each sentence once per render. It may be nil.
	Warn func(text string)
	// Fetch gets a chart that another one depends on; the child cannot. nil refuses such charts.
	Fetch func(ctx context.Context, n chart.Need) ([]byte, error)
}

// Dir renders as the function Dir does, with the same objects and errors. Beyond those, a limit that was exceeded and
// a crash of the renderer are errors that say so. Charts that a chart depends on are fetched between two children.
func (i Isolated) Dir(ctx context.Context, root *os.Root, dir string, o Options) ([]Object, error) {
	objects, err := i.once(ctx, root, dir, o)
	var needs *needsError
	if !errors.As(err, &needs) || i.Fetch == nil {
		return objects, err
	}
	o.Archives = map[string][]byte{}
	total := 0
	for _, n := range needs.needs {
		archive, err := i.Fetch(ctx, n)
		if err == nil && o.Fetched != nil {
			err = o.Fetched(Dependency{n, chart.Digest(archive)})
		}
		if err != nil {
			p := needs.problem
			p.Message = "dependency " + n.String() + ": " + err.Error()
			if p.Hint = strings.Join(hint.Of(err), "; "); ctx.Err() != nil {
				return nil, ctx.Err()
			}
			return nil, Problems{p}
		}
		if total += len(archive); total > maxArchives {
			return nil, Problems{{Origin: needs.problem.Origin, Message: fmt.Sprintf("the dependencies are larger than %s together", size(maxArchives))}}
		}
		o.Archives[n.Key()] = archive
	}
	return i.once(ctx, root, dir, o)
}

const maxArchives = 64 << 20 // bytes of fetched charts for one render

// once renders in one child.
func (i Isolated) once(ctx context.Context, root *os.Root, dir string, o Options) ([]Object, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if o.Limits.Memory == 0 {
		o.Limits.Memory = defaultMemory(os.DirFS(cgroups))
	}
	o.Limits = o.Limits.withDefaults()
	limited, cancel := context.WithTimeout(ctx, o.Limits.Time)
	defer cancel()
	c, err := i.start(limited, root, request{Path: dir, Options: o})
	if err != nil {
		return nil, fmt.Errorf("cannot start the renderer: %w", err)
	}
	said, broken := readAnswer(c.out, o.Limits)
	if broken == nil || errors.Is(broken, errAnswerTooLong) {
		_ = killGroup(c.cmd.Process) // it has nothing more to say
	}
	_ = c.cmd.Wait() // how it ended matters only without an answer
	switch {
	case broken == nil:
		i.warn(c.stderr.String())
		if said.refusal == nil {
			o.tellInputs(said.inputs)
			o.tellAsked(said.asked)
			if o.Files != nil && o.ListFiles {
				o.Files(said.files)
			}
		}
		return said.objects, said.refusal
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case limited.Err() != nil:
		return nil, c.beyond(dir, "took longer than %s", o.Limits.Time)
	}
	return nil, c.died(dir, o.Limits, broken)
}

// child is a running Worker.
type child struct {
	cmd    *exec.Cmd
	out    io.Reader
	stderr *listener
}

func (i Isolated) start(ctx context.Context, root *os.Root, r request) (*child, error) {
	limits := r.Options.Limits
	args := slices.Concat(i.Command[1:], []string{
		strconv.FormatInt(limits.Memory, 10), strconv.FormatInt(int64(cpuTime(limits)/time.Second), 10)})
	cmd := exec.CommandContext(ctx, i.Command[0], args...)
	cmd.Env = []string{"GOTRACEBACK=none"} // the first line of a crash is enough
	cmd.Cancel = func() error { return killGroup(cmd.Process) }
	cmd.WaitDelay = time.Second
	cmd.SysProcAttr = ownGroup()
	c := &child{cmd: cmd, stderr: &listener{left: maxStderr}}
	cmd.Stderr = c.stderr
	if runtime.GOOS == "windows" {
		cmd.Dir = root.Name()
	} else {
		dir, err := root.Open(".")
		if err != nil {
			return nil, err
		}
		defer dir.Close()
		cmd.ExtraFiles = []*os.File{dir}
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	in, err := cmd.StdinPipe() // stays open: its end tells the child that this process is gone
	if err != nil {
		return nil, err
	}
	c.out = out
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	if err := json.NewEncoder(in).Encode(r); err != nil && !errors.Is(err, syscall.EPIPE) { // dead: the answer tells why
		_ = killGroup(cmd.Process)
		_ = cmd.Wait()
		return nil, err
	}
	return c, nil
}

// cgroups is where a Linux container sees its own limits.
const cgroups = "/sys/fs/cgroup"

// defaultMemory is 1 GiB, or three quarters of what the container may use if that is less: when a container runs out
// of memory, all its processes may be killed, and not the renderer alone.
func defaultMemory(limits fs.FS) int64 {
	memory := int64(defaultMemoryBytes)
	for _, name := range []string{"memory.max", "memory/memory.limit_in_bytes"} { // versions 2 and 1; "max" is no number
		text, err := fs.ReadFile(limits, name)
		if err != nil {
			continue
		}
		if n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64); err == nil && n > 0 {
			memory = min(memory, n/4*3)
		}
	}
	return memory
}

// cpuTime lets a render use two processors for all of its time.
func cpuTime(l Limits) time.Duration { return 2 * max(l.Time.Round(time.Second), time.Second) }

// warn hands on what the Kustomize library prints to its standard error.
func (i Isolated) warn(stderr string) {
	var seen []string
	for line := range strings.Lines(stderr) {
		text, ok := strings.CutPrefix(strings.TrimSpace(line), warningPrefix)
		if ok && i.Warn != nil && !slices.Contains(seen, text) {
			seen = append(seen, text)
			i.Warn(printable(text))
		}
	}
}

// died explains the end of a child that gave no answer.
func (c *child) died(dir string, l Limits, broken error) error {
	stderr, state := c.stderr.String(), c.cmd.ProcessState
	switch {
	case errors.Is(broken, errAnswerTooLong):
		return c.beyond(dir, "gave more than %s of objects", size(maxAnswer))
	case strings.Contains(stderr, "out of memory") || strings.Contains(stderr, "cannot allocate memory") ||
		strings.Contains(stderr, "failed to create new OS thread") || strings.Contains(stderr, "pthread_create failed"):
		return c.beyond(dir, "needed more than %s of memory", size(l.Memory))
	case state != nil && state.UserTime()+state.SystemTime() >= cpuTime(l)-time.Second/2:
		return c.beyond(dir, "needed more than %s of processor time", cpuTime(l))
	}
	for line := range strings.Lines(stderr) {
		for _, crash := range []string{"panic: ", "fatal error: "} {
			if text, ok := strings.CutPrefix(strings.TrimSpace(line), crash); ok {
				return hint.With(fmt.Errorf("rendering %s: the renderer crashed: %s", printable(dir), printable(text)),
					"this is a bug of the renderer: please report it with the manifests, and leave them out until it is fixed")
			}
		}
	}
	if killed(state) {
		return hint.With(fmt.Errorf("rendering %s: the renderer was killed, as happens when memory runs out", printable(dir)),
			"give the container or the machine more memory, or split the directory into several apps")
	}
	return fmt.Errorf("rendering %s: the renderer ended without an answer (%v): %w", printable(dir), state, broken)
}

func (c *child) beyond(dir, format string, args ...any) error {
	at := path.Clean(dir)
	if c.stderr.rendering != "" {
		at = c.stderr.rendering
	}
	return hint.With(fmt.Errorf("rendering %s %s", printable(at), fmt.Sprintf(format, args...)),
		"look for a manifest or template that repeats or includes itself; split the directory into several apps if it really is that large")
}

// size writes a number of bytes in the largest unit of which it is a whole number.
func size(n int64) string {
	switch {
	case n >= 1<<30 && n%(1<<30) == 0:
		return fmt.Sprintf("%d GiB", n>>30)
	case n >= 1<<20 && n%(1<<20) == 0:
		return fmt.Sprintf("%d MiB", n>>20)
	case n >= 1<<10 && n%(1<<10) == 0:
		return fmt.Sprintf("%d KiB", n>>10)
	}
	return grouped(n) + " bytes"
}

// grouped writes a number with commas between thousands.
func grouped(n int64) string {
	text := strconv.FormatInt(n, 10)
	for at := len(text) - 3; at > 0; at -= 3 {
		text = text[:at] + "," + text[at:]
	}
	return text
}
