package render

import (
	"context"
	"errors"
	"fmt"
	"io"
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
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/manifest"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/memory"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/pins"
)

const maxStderr = 64 << 10 // bytes kept of what a child complains about

// Isolated renders in child processes. A render that crashes, or exceeds a limit, is an error of that render only, and the
// memory that a render took is free when the child ends.
//
// A child inherits the directory and three pipes, but no environment, no credentials and no other file. It ends when ctx ends,
// after Limits.Time, and when this process dies. On Linux, a child may use Limits.Memory and twice Limits.Time of processor
// time, and it cannot write files, open sockets or start programs. On other systems only the time is limited, and the usual
// network clients are disabled.
type Isolated struct {
	// Command is the program with the arguments that make it call Worker. Two arguments are added.
	Command []string
	// Warn is called with what Kustomize says about deprecated fields, once per render for each sentence. It may be nil.
	Warn func(text string)
	// Fetch returns the archive of a chart and its version, which is the newest in the range of the need. A child has no
	// network. When Fetch is nil, such charts are refused.
	Fetch func(ctx context.Context, n chart.Need) (archive []byte, version string, err error)
	// Lock reads the gitops.lock.yaml of a checkout. When it is nil, there is none.
	Lock func(root *os.Root) (pins.Lock, error)
	// Memory is shared among all children of this process. When it is nil, each child gets Limits.Memory.
	Memory *memory.Budget
}

// Dir does what the function Dir does, with the same objects and errors. It also fails, with an error that says so, when a
// limit is exceeded (ErrLimit) or the child crashes. It fetches the chart that an app names before the first child, and charts
// that others depend on between two children.
func (i Isolated) Dir(ctx context.Context, root *os.Root, dir string, o Options) ([]Object, error) {
	f := &fetching{from: i.Fetch, locks: i.Lock, memory: i.Memory, root: root, dir: dir, options: o}
	if named := o.Chart; named != nil && i.Fetch != nil {
		if err := f.get(ctx, &needsError{Problem{Origin: named.Origin}, []chart.Need{named.Need}}); err != nil {
			return nil, err
		}
	}
	for n := 0; ; n++ {
		objects, err := i.once(ctx, root, dir, f.options)
		var needs *needsError
		if !errors.As(err, &needs) || i.Fetch == nil || n == maxFetches {
			return objects, err
		}
		if err := f.get(ctx, needs); err != nil {
			return nil, err
		}
	}
}

// once renders in one child, or in a second one that gets all memory there is, if half of it was not enough.
func (i Isolated) once(ctx context.Context, root *os.Root, dir string, o Options) ([]Object, error) {
	return o.onDemand(ctx, func() ([]Object, error) { return i.inChild(ctx, root, dir, o) })
}

func (i Isolated) inChild(ctx context.Context, root *os.Root, dir string, o Options) ([]Object, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	o.Limits = o.Limits.withDefaults()
	said, err := i.ask(ctx, root, request{Path: dir, Options: o})
	if err != nil {
		return nil, err
	}
	i.warn(said.stderr)
	if said.refusal == nil {
		o.tellInputs(said.inputs)
		o.tellAsked(said.asked)
		if o.Files != nil && o.ListFiles {
			o.Files(said.files)
		}
	}
	return said.objects, said.refusal
}

// ask gets the answer of a child, with as much memory as it needs and may have.
func (i Isolated) ask(ctx context.Context, root *os.Root, r request) (answer, error) {
	if i.Memory == nil {
		return i.askWithin(ctx, root, r, nil)
	}
	most := r.Options.Limits.Memory
	for alone := false; ; alone = true {
		share, err := i.Memory.Take(ctx, most, alone)
		if err != nil {
			return answer{}, within(r.Path, err)
		}
		r.Options.Limits.Memory = share.Bytes
		given := share.Bytes
		said, err := i.askWithin(ctx, root, r, share)
		share.Release()
		switch {
		case alone:
			return said, err
		case errors.Is(err, memory.ErrFull): // beside another child: this process may have room for the answer later
			most = given
		case !errors.Is(err, errMemory) || share.Whole:
			return said, err
		}
	}
}

// askWithin gets the answer of one child that has a share of the memory.
func (i Isolated) askWithin(ctx context.Context, root *os.Root, r request, share *memory.Share) (answer, error) {
	limits := r.Options.Limits
	limited, cancel := context.WithTimeout(ctx, limits.Time)
	defer cancel()
	c, err := i.start(limited, root, r)
	if failed := (*textError)(nil); errors.As(err, &failed) {
		return answer{}, failed.error
	}
	if err != nil {
		return answer{}, fmt.Errorf("cannot start the renderer: %w", err)
	}
	text, broken := readAll(c.out, share)
	if errors.Is(broken, memory.ErrFull) || errors.Is(broken, errAnswerTooLong) {
		_ = killGroup(c.cmd.Process)
	}
	_ = c.cmd.Wait() // how it ended matters only without an answer
	if errors.Is(broken, memory.ErrFull) {
		return answer{}, within(r.Path, broken)
	}
	var said answer
	if broken == nil {
		share.Keep(text.size() * perByte)
		said, broken = readAnswer(&text, limits, share)
	}
	switch {
	case broken == nil:
		said.stderr = c.stderr.String()
		return said, nil
	case errors.Is(broken, memory.ErrFull):
		return answer{}, within(r.Path, broken)
	case ctx.Err() != nil:
		return answer{}, ctx.Err()
	case limited.Err() != nil:
		return answer{}, c.beyond(r.Path, "took longer than %s", limits.Time)
	}
	return answer{}, c.died(r, broken)
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
	switch {
	case root == nil: // nothing is read but what is sent
	case runtime.GOOS == "windows":
		cmd.Dir = root.Name()
	default:
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
	if err := writeRequest(in, r); err != nil && !errors.Is(err, syscall.EPIPE) { // dead: the answer tells why
		_ = killGroup(cmd.Process)
		_ = cmd.Wait()
		return nil, err
	}
	if r.text == nil {
		return c, nil
	}
	text := &source{Reader: r.text}
	_, _ = io.Copy(in, text) // a child that is dead says more than this
	if text.failure != nil {
		_ = killGroup(cmd.Process)
		_ = cmd.Wait()
		return nil, &textError{text.failure}
	}
	return c, in.Close()
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
			i.Warn(manifest.Printable(text))
		}
	}
}

// died explains the end of a child that gave no answer.
func (c *child) died(r request, broken error) error {
	dir, l := r.Path, r.Options.Limits
	stderr, state := c.stderr.String(), c.cmd.ProcessState
	switch {
	case errors.Is(broken, errAnswerTooLong):
		return c.beyond(dir, "gave more than %s of objects", size(maxAnswer))
	case strings.Contains(stderr, "out of memory") || strings.Contains(stderr, "cannot allocate memory") ||
		strings.Contains(stderr, "failed to create new OS thread") || strings.Contains(stderr, "pthread_create failed") ||
		strings.HasPrefix(stderr, "SIGSEGV: "): // Go's collector itself, which got no memory; a fault of ours would be a panic
		return beyondMemory{c.beyond(dir, "needed more than %s of memory", size(l.Memory))}
	case state != nil && state.UserTime()+state.SystemTime() >= cpuTime(l)-time.Second/2:
		return c.beyond(dir, "needed more than %s of processor time", cpuTime(l))
	}
	for line := range strings.Lines(stderr) {
		for _, crash := range []string{"panic: ", "fatal error: "} {
			if text, ok := strings.CutPrefix(strings.TrimSpace(line), crash); ok {
				if r.Options.hasSecrets() && crash == "panic: " && !strings.HasPrefix(text, "runtime error: ") {
					text = "its message is left out, because it may contain a decrypted value"
				}
				return hint.With(fmt.Errorf("rendering %s: the renderer crashed: %s", manifest.Printable(dir), manifest.Printable(text)),
					"this is a bug of the renderer: please report it with the manifests, and leave them out until it is fixed")
			}
		}
	}
	if killed(state) {
		return hint.With(fmt.Errorf("rendering %s: the renderer was killed, as happens when memory runs out", manifest.Printable(dir)),
			"give the container or the machine more memory, or split the directory into several apps")
	}
	return fmt.Errorf("rendering %s: the renderer ended without an answer (%v): %w", manifest.Printable(dir), state, broken)
}

func (c *child) beyond(dir, format string, args ...any) error {
	at := path.Clean(dir)
	if c.stderr.rendering != "" {
		at = c.stderr.rendering
	}
	return hint.With(&limitError{fmt.Sprintf("rendering %s %s", manifest.Printable(at), fmt.Sprintf(format, args...))},
		"look for a manifest or template that repeats or includes itself; split the directory into several apps if it really is that large")
}

// ErrLimit is the cause of errors about a limit that a render exceeded. The same render would exceed it again.
var ErrLimit = errors.New("beyond a limit")

type limitError struct{ text string }

// Error implements error.
func (e *limitError) Error() string { return e.text }

// Is tells that it is an ErrLimit.
func (e *limitError) Is(target error) bool { return target == ErrLimit }

// errMemory is the cause when a child had too little memory.
var errMemory = errors.New("too little memory")

type beyondMemory struct{ error }

// Unwrap returns the error that is shown.
func (e beyondMemory) Unwrap() error { return e.error }

// Is tells that memory was the reason.
func (e beyondMemory) Is(target error) bool { return target == errMemory }
