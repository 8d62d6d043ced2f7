package node

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/e2e/kube"
)

const (
	sandboxVariable = "GITOPS_E2E_SANDBOX"
	namespaces      = unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWNET | unix.CLONE_NEWIPC
)

// private are directories whose paths are compiled into containerd, CNI or the kubelet.
var private = [...]string{"/run", "/var/log", "/var/lib/cni", "/var/lib/kubelet"}

// tunables are what a kubelet sets for the whole machine when it starts.
var tunables = [...]string{"vm/overcommit_memory", "vm/panic_on_oom", "kernel/panic", "kernel/panic_on_oops",
	"kernel/keys/root_maxkeys", "kernel/keys/root_maxbytes"}

// Missing says what this machine lacks for a node, or nothing.
func Missing() string {
	if os.Geteuid() != 0 {
		return "it needs root"
	}
	for _, name := range []string{"containerd", "ctr", "runc"} {
		if _, err := exec.LookPath(name); err != nil {
			return name + " is not installed (Debian: containerd, runc, containernetworking-plugins)"
		}
	}
	if cniPlugins() == "" {
		return "the CNI plugins are not installed (Debian: containernetworking-plugins)"
	}
	if _, err := os.Stat(filepath.Join(cgroups, "memory")); err != nil {
		if _, err := os.Stat(filepath.Join(cgroups, "cgroup.controllers")); err != nil {
			return "no memory control group in " + cgroups
		}
	}
	try := exec.Command("true")
	try.SysProcAttr = &syscall.SysProcAttr{Cloneflags: namespaces}
	if err := try.Run(); err != nil {
		return "the kernel gives no namespaces: " + err.Error()
	}
	return ""
}

// Enter runs this program once more with the same arguments, in namespaces of its own, and returns its exit status.
// In there it is the first process: when it ends, or this one does, the kernel ends all that it started. dir is kept
// for both and removed at the end; Inside returns it there.
func Enter(dir string) (int, error) {
	for _, path := range private {
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			if err := os.MkdirAll(path, 0o755); err != nil {
				return 1, err
			}
			defer os.Remove(path)
		}
	}
	defer os.RemoveAll(dir)
	defer removeCgroups(filepath.Base(dir))
	if err := makeCgroups(filepath.Base(dir)); err != nil {
		return 1, fmt.Errorf("make control groups: %w", err)
	}
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), sandboxVariable+"="+dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: namespaces, Pdeathsig: syscall.SIGKILL}
	runtime.LockOSThread() // the death signal belongs to this thread
	defer runtime.UnlockOSThread()
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGQUIT)
	defer signal.Stop(signals)
	if err := cmd.Start(); err != nil {
		return 1, fmt.Errorf("start in namespaces: %w", err)
	}
	go func() {
		for s := range signals {
			if s != syscall.SIGQUIT { // which makes a Go program print its goroutines and end
				s = os.Kill
			}
			_ = cmd.Process.Signal(s)
		}
	}()
	err := cmd.Wait()
	if exit := new(exec.ExitError); errors.As(err, &exit) {
		return max(exit.ExitCode(), 1), nil
	}
	return 0, err
}

// NewDir returns a directory for Enter. Its last element also names the control group.
func NewDir() (string, error) {
	dir := filepath.Join(os.TempDir(), "gitops-node-"+strings.ToLower(rand.Text()[:8]))
	return dir, os.Mkdir(dir, 0o755) // containers of other users read in it
}

// Inside returns the directory given to Enter when this is the program that Enter runs, after it has made the namespaces
// habitable, and nothing otherwise.
func Inside() (string, error) {
	dir := os.Getenv(sandboxVariable)
	if dir == "" {
		return "", nil
	}
	steps := []func() error{
		func() error { return unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, "") },
		func() error { return unix.Mount("proc", "/proc", "proc", 0, "") },
		mountPrivate,
		func() error { return keepTunables(dir) },
		upLoopback,
		func() error { return addAddress("lo:1", kube.ServiceAddress) },
		func() error { return addAddress("lo:2", HostAddress) },
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return "", fmt.Errorf("set up the namespaces: %w", err)
		}
	}
	return dir, nil
}

func mountPrivate() error {
	for _, path := range private {
		if err := unix.Mount("tmpfs", path, "tmpfs", 0, "mode=755"); err != nil {
			return fmt.Errorf("mount %s: %w", path, err)
		}
	}
	return nil
}

// keepTunables puts a file in the place of each sysctl that the kubelet writes.
func keepTunables(dir string) error {
	for _, name := range tunables {
		path := filepath.Join("/proc/sys", name)
		value, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		copied := filepath.Join(dir, strings.ReplaceAll(name, "/", "."))
		if err := os.WriteFile(copied, value, 0o644); err != nil {
			return err
		}
		if err := unix.Mount(copied, path, "", unix.MS_BIND, ""); err != nil {
			return fmt.Errorf("mount %s: %w", path, err)
		}
	}
	return nil
}

func upLoopback() error {
	return withInterface("lo", func(fd int, r *unix.Ifreq) error {
		r.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
		return unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, r)
	})
}

// addAddress gives the loopback interface one more address, under a name such as lo:1.
func addAddress(label, address string) error {
	set := func(request uint, ip ...byte) func(int, *unix.Ifreq) error {
		return func(fd int, r *unix.Ifreq) error {
			if err := r.SetInet4Addr(ip); err != nil {
				return err
			}
			return unix.IoctlIfreq(fd, request, r)
		}
	}
	var ip [4]byte
	if _, err := fmt.Sscanf(address, "%d.%d.%d.%d", &ip[0], &ip[1], &ip[2], &ip[3]); err != nil {
		return err
	}
	return errors.Join(
		withInterface(label, set(unix.SIOCSIFADDR, ip[:]...)),
		withInterface(label, set(unix.SIOCSIFNETMASK, 255, 255, 255, 255)),
	)
}

func withInterface(name string, do func(fd int, r *unix.Ifreq) error) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	r, err := unix.NewIfreq(name)
	if err != nil {
		return err
	}
	if err := do(fd, r); err != nil {
		return fmt.Errorf("configure %s: %w", name, err)
	}
	return nil
}

func cniPlugins() string {
	for _, dir := range []string{"/usr/lib/cni", "/opt/cni/bin"} {
		if _, err := os.Stat(filepath.Join(dir, "ptp")); err == nil {
			return dir
		}
	}
	return ""
}
