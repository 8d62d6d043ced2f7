package kube

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
)

// process is one server of the control plane. Its output goes to a log file in the cluster's directory.
type process struct {
	name string
	log  string
	pid  int
	done chan struct{} // closed when the process has ended
	err  error         // how it ended; read it after done is closed
}

// start runs a binary with dir as working directory. The process is the leader of its own group, so that a Ctrl-C in the
// terminal reaches only the parent, which then stops it; and it is killed by the kernel when the parent dies (Linux).
func start(dir, binary string, args ...string) (*process, error) {
	p := &process{name: filepath.Base(binary), done: make(chan struct{})}
	p.log = filepath.Join(dir, p.name+".log")
	out, err := os.OpenFile(p.log, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	cmd := exec.Command(binary, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, out, out
	cmd.SysProcAttr = dieWithParent()

	started := make(chan error)
	go func() {
		// The death signal belongs to the thread that starts the process: keep that thread until the process is gone.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			p.err = cmd.Wait()
		}
		close(p.done)
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", p.name, err)
	}
	p.pid = cmd.Process.Pid
	return p, nil
}

// kill ends the process and its group, and waits for the process.
func (p *process) kill() {
	select {
	case <-p.done: // reaped: its id may belong to somebody else by now
		return
	default:
	}
	_ = syscall.Kill(-p.pid, syscall.SIGKILL)
	<-p.done
}

// exited says whether the process has ended, and how.
func (p *process) exited() (error, bool) {
	select {
	case <-p.done:
		return fmt.Errorf("%s ended: %v\n%s", p.name, p.err, p.tail()), true
	default:
		return nil, false
	}
}

// tail returns the end of the log.
func (p *process) tail() string {
	const size = 4096
	data, err := os.ReadFile(p.log)
	if err != nil {
		return ""
	}
	return string(bytes.TrimSpace(data[max(0, len(data)-size):]))
}
