//go:build amd64 || arm64

package render

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// attempts are what a child tries that has no survey and no client of ours before it: each goes to the kernel.
func attempts() map[string]func(address string) error {
	raw := func(call uintptr, a, b, c uintptr) error {
		if _, _, errno := unix.RawSyscall(call, a, b, c); errno != 0 {
			return errno
		}
		return nil
	}
	dial := func(network string) func(string) error {
		return func(address string) error {
			c, err := (&net.Dialer{}).Dial(network, address)
			if err == nil {
				_, err = c.Write([]byte("stolen"))
			}
			return err
		}
	}
	return map[string]func(string) error{
		"dial tcp":  dial("tcp"),
		"dial udp":  dial("udp"),
		"dial unix": dial("unix"),
		"http with a client of its own": func(address string) error {
			_, err := (&http.Client{Transport: &http.Transport{}}).Get("http://" + address)
			return err
		},
		"resolve": func(address string) error {
			r := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
				return (&net.Dialer{}).DialContext(ctx, network, address)
			}}
			_, err := r.LookupHost(context.Background(), "stolen.example")
			if err != nil && strings.Contains(err.Error(), unix.EPERM.Error()) {
				return unix.EPERM // net.DNSError keeps only the text
			}
			return err
		},
		"listen":      func(string) error { _, err := net.Listen("tcp", "127.0.0.1:0"); return err },
		"listen unix": func(string) error { _, err := net.Listen("unix", "@stolen"); return err },
		"listen udp":  func(string) error { _, err := net.ListenPacket("udp", "127.0.0.1:0"); return err },
		"socket netlink": func(string) error {
			_, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW, 0)
			return err
		},
		"socketpair": func(string) error { _, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0); return err },
		"exec":       func(string) error { return exec.Command("/bin/true").Run() },
		"exec of itself": func(string) error {
			return exec.Command("/proc/self/exe", "-test.run=^$").Run()
		},
		"exec in place": func(string) error { return unix.Exec("/bin/true", []string{"true"}, nil) },
		"execveat": func(string) error {
			name, args := []byte("/bin/true\x00"), [1]*byte{}
			_, _, errno := unix.RawSyscall6(unix.SYS_EXECVEAT, ^uintptr(99), uintptr(unsafe.Pointer(&name[0])), uintptr(unsafe.Pointer(&args[0])), uintptr(unsafe.Pointer(&args[0])), 0, 0)
			return errno
		},
		"fork": func(string) error {
			pid, _, errno := unix.RawSyscall6(unix.SYS_CLONE, uintptr(unix.SIGCHLD), 0, 0, 0, 0, 0)
			if errno == 0 && pid == 0 {
				unix.RawSyscall(unix.SYS_EXIT_GROUP, 0, 0, 0)
			}
			if errno != 0 {
				return errno
			}
			return nil
		},
		"clone3": func(string) error { return noSuchCall(raw(unix.SYS_CLONE3, 0, 0, 0)) },
		"io_uring": func(string) error {
			var p [120]byte
			return raw(unix.SYS_IO_URING_SETUP, 8, uintptr(unsafe.Pointer(&p[0])), 0)
		},
		"ptrace the parent": func(string) error { return raw(unix.SYS_PTRACE, unix.PTRACE_SEIZE, uintptr(os.Getppid()), 0) },
		"read the parent": func(string) error {
			_, err := unix.ProcessVMReadv(os.Getppid(), nil, nil, 0)
			return err
		},
		"take a file of the parent": func(string) error { _, err := unix.PidfdOpen(os.Getppid(), 0); return err },
		"signal the parent":         func(string) error { return unix.Kill(os.Getppid(), 0) },
		"signal its thread":         func(string) error { return unix.Tgkill(os.Getppid(), os.Getppid(), 0) },
		"type into a terminal":      func(string) error { return raw(unix.SYS_IOCTL, 0, unix.TIOCSTI, 0) },
		"raise a limit": func(string) error {
			return unix.Prlimit(0, unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 10, Max: 10}, nil)
		},
		"remove a file":  func(string) error { return os.Remove("kept") },
		"rename a file":  func(string) error { return os.Rename("kept", "gone") },
		"make a link":    func(string) error { return os.Symlink("/", "link") },
		"change a mode":  func(string) error { return os.Chmod("kept", 0o777) },
		"load a program": func(string) error { return raw(unix.SYS_BPF, 0, 0, 0) },
	}
}

// noSuchCall takes for refused what the filter says is unknown, so that callers use something else.
func noSuchCall(err error) error {
	if errors.Is(err, unix.ENOSYS) {
		return unix.EPERM
	}
	return err
}

// reach is a renderer that tries what path names, on a thread that was there before it was confined and on new ones.
func reach(_ context.Context, _ *os.Root, path string, _ Options) ([]Object, error) {
	name, address, _ := strings.Cut(path, "|")
	try := attempts()[name]
	var wg sync.WaitGroup
	results := make([]error, 4)
	for i := range results {
		wg.Go(func() {
			runtime.LockOSThread() // and never unlocked: the thread ends with it
			results[i] = try(address)
		})
	}
	wg.Wait()
	for _, err := range results {
		if !errors.Is(err, unix.EPERM) {
			return nil, fmt.Errorf("NOT REFUSED: %v", err)
		}
	}
	return nil, errors.New("refused each time")
}

// bareLibrary is a renderer without a survey: the Kustomize library alone, with what it can do.
func bareLibrary(_ context.Context, _ *os.Root, path string, _ Options) ([]Object, error) {
	_, err := krusty.MakeKustomizer(&krusty.Options{LoadRestrictions: types.LoadRestrictionsNone, PluginConfig: types.DisabledPluginConfig()}).Run(filesys.MakeFsOnDisk(), path)
	return nil, err
}

func hasFilters(t *testing.T) {
	t.Helper()
	if _, err := os.Stat("/proc/sys/kernel/seccomp/actions_avail"); err != nil {
		t.Skip("this kernel does not filter system calls")
	}
}

// The second wall alone: nothing of the survey runs in these children, and the clients are not those that it takes away.
func TestAttackFromAConfinedChild(t *testing.T) {
	hasFilters(t)
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	udp, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(t.TempDir(), "s")
	local, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _, _ = tcp.Close(), udp.Close(), local.Close() }) // after the look at who connected, below
	for name := range attempts() {
		t.Run("X2 "+name, func(t *testing.T) {
			t.Parallel()
			address := tcp.Addr().String()
			switch name {
			case "dial udp", "resolve":
				address = udp.LocalAddr().String()
			case "dial unix":
				address = socket
			}
			dir := t.TempDir()
			writeFile(t, dir, "kept", "")
			_, err := worker(t, "reach").Dir(t.Context(), openRoot(t, dir), name+"|"+address, Options{})
			if err == nil || err.Error() != "refused each time" {
				t.Error(err)
			}
			if _, err := os.Stat(filepath.Join(dir, "kept")); err != nil {
				t.Error(err)
			}
		})
	}
	t.Run("threads", func(t *testing.T) {
		t.Parallel()
		_, err := worker(t, "threads").Dir(t.Context(), openRoot(t, t.TempDir()), ".", Options{})
		if err == nil || err.Error() != "100 threads" {
			t.Error(err)
		}
	})
	t.Cleanup(func() { // the cases run after this function
		for _, l := range []net.Listener{tcp, local} {
			if d, ok := l.(interface{ SetDeadline(time.Time) error }); ok {
				_ = d.SetDeadline(time.Now())
			}
			if c, err := l.Accept(); err == nil {
				t.Errorf("a connection from %s", c.RemoteAddr())
			}
		}
	})
}

// threads shows that a confined program can still start threads, and read.
func threads(_ context.Context, root *os.Root, _ string, _ Options) ([]Object, error) {
	var wg sync.WaitGroup
	var once sync.Mutex
	ids := map[int]bool{}
	all := make(chan struct{})
	for range 100 {
		wg.Go(func() {
			runtime.LockOSThread()
			once.Lock()
			if ids[syscall.Gettid()] = true; len(ids) == 100 {
				close(all)
			}
			once.Unlock()
			<-all
		})
	}
	wg.Wait()
	if _, err := root.Open("."); err != nil {
		return nil, err
	}
	return nil, fmt.Errorf("%d threads", len(ids))
}

// Whatever the library does, one message says what happened, without the address.
func TestAttackOfTheLibraryItself(t *testing.T) {
	hasFilters(t)
	url, asked := listening(t)
	for name, text := range map[string]string{
		"X2 a resource":             "resources: ['" + url + "/hunter2']\n",
		"X2 a patch":                "resources: [a.yaml]\npatchesStrategicMerge: ['" + url + "/{hunter2}']\n",
		"X2 a transformer":          "resources: [a.yaml]\ntransformers: ['" + url + "/{hunter2}']\n",
		"X2 a generator's file":     "configMapGenerator: [{name: a, files: ['a=" + url + "/hunter2']}]\n",
		"X2 a Git repository":       "resources: ['git@127.0.0.1:hunter2/b']\n",
		"X2 a component over https": "components: ['https://127.0.0.1/hunter2/b?ref=main']\n",
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			writeFile(t, dir, "kustomization.yaml", text)
			writeFile(t, dir, "a.yaml", patchOfShop)
			_, err := worker(t, "library").Dir(t.Context(), openRoot(t, dir), ".", Options{})
			if err == nil {
				t.Fatal("no error")
			}
			if text := describe(t, err); !strings.HasPrefix(text, "error: the directory asks for the network or for another program") || strings.Contains(text, "hunter2") {
				t.Error(text)
			}
		})
	}
	if n := asked.Load(); n > 0 {
		t.Errorf("%d requests", n)
	}
}

// The filter for every machine, run by an interpreter: this test runs on one of them only.
func TestAttackOnTheFilter(t *testing.T) {
	const pid, other = 42, 43
	arm := abi{audit: unix.AUDIT_ARCH_AARCH64, clone: 220, clone3: 435, tgkill: 131, ioctl: 29, limits: 261, refused: []uint32{198, 221}}
	intel := abi{audit: unix.AUDIT_ARCH_X86_64, x32: true, clone: 56, clone3: 435, tgkill: 234, ioctl: 16, limits: 302, refused: []uint32{41, 59}}
	const threadFlags = unix.CLONE_VM | unix.CLONE_THREAD | unix.CLONE_SIGHAND
	for name, tt := range map[string]struct {
		machine    abi
		convention uint32
		call       uint32
		arguments  [3]uint64
		want       unix.Errno
	}{
		"arm64 read":                       {arm, arm.audit, 63, [3]uint64{}, 0},
		"arm64 socket":                     {arm, arm.audit, 198, [3]uint64{}, unix.EPERM},
		"arm64 execve":                     {arm, arm.audit, 221, [3]uint64{}, unix.EPERM},
		"arm64 a thread":                   {arm, arm.audit, 220, [3]uint64{threadFlags}, 0},
		"arm64 a process":                  {arm, arm.audit, 220, [3]uint64{uint64(unix.SIGCHLD)}, unix.EPERM},
		"arm64 called as 32 bits":          {arm, unix.AUDIT_ARCH_ARM, 63, [3]uint64{}, unix.EPERM},
		"amd64 read":                       {intel, intel.audit, 0, [3]uint64{}, 0},
		"amd64 socket":                     {intel, intel.audit, 41, [3]uint64{}, unix.EPERM},
		"amd64 socket as x32":              {intel, intel.audit, x32Bit | 41, [3]uint64{}, unix.EPERM},
		"amd64 read as x32":                {intel, intel.audit, x32Bit, [3]uint64{}, unix.EPERM},
		"amd64 called as 32 bits":          {intel, unix.AUDIT_ARCH_I386, 3, [3]uint64{}, unix.EPERM},
		"amd64 a negative number":          {intel, intel.audit, ^uint32(0), [3]uint64{}, unix.EPERM},
		"amd64 a process":                  {intel, intel.audit, 56, [3]uint64{uint64(unix.SIGCHLD)}, unix.EPERM},
		"amd64 a process that shares":      {intel, intel.audit, 56, [3]uint64{unix.CLONE_VM | unix.CLONE_VFORK}, unix.EPERM},
		"amd64 clone3":                     {intel, intel.audit, 435, [3]uint64{}, unix.ENOSYS},
		"amd64 its own thread":             {intel, intel.audit, 234, [3]uint64{pid}, 0},
		"amd64 a thread of another":        {intel, intel.audit, 234, [3]uint64{other}, unix.EPERM},
		"amd64 a limit is read":            {intel, intel.audit, 302, [3]uint64{0, 7, 0}, 0},
		"amd64 a limit is set":             {intel, intel.audit, 302, [3]uint64{0, 7, 1}, unix.EPERM},
		"amd64 a limit far up":             {intel, intel.audit, 302, [3]uint64{0, 7, 1 << 40}, unix.EPERM},
		"amd64 size of a terminal":         {intel, intel.audit, 16, [3]uint64{0, unix.TIOCGWINSZ}, 0},
		"amd64 a key press":                {intel, intel.audit, 16, [3]uint64{0, unix.TIOCSTI}, unix.EPERM},
		"amd64 a key press, high bits":     {intel, intel.audit, 16, [3]uint64{0, 1<<32 | unix.TIOCSTI}, unix.EPERM},
		"amd64 a paste":                    {intel, intel.audit, 16, [3]uint64{0, unix.TIOCLINUX}, unix.EPERM},
		"this machine, socket":             {machine, machine.audit, unix.SYS_SOCKET, [3]uint64{}, unix.EPERM},
		"this machine, the last of a list": {machine, machine.audit, machine.refused[len(machine.refused)-1], [3]uint64{}, unix.EPERM},
		"this machine, openat":             {machine, machine.audit, unix.SYS_OPENAT, [3]uint64{}, 0},
	} {
		t.Run("X2 "+name, func(t *testing.T) {
			if got := interpret(t, filter(tt.machine, pid), tt.convention, tt.call, tt.arguments); got != tt.want {
				t.Errorf("%v instead of %v", got, tt.want)
			}
		})
	}
	if filter(abi{}, pid) != nil {
		t.Error("a filter for an unknown machine")
	}
}

// interpret runs the few instructions that filter uses.
func interpret(t *testing.T, program []unix.SockFilter, convention, call uint32, arguments [3]uint64) unix.Errno {
	t.Helper()
	data := map[uint32]uint32{0: call, 4: convention}
	for i, a := range arguments {
		data[uint32(16+8*i)], data[uint32(20+8*i)] = uint32(a), uint32(a>>32)
	}
	var a uint32
	for at := 0; at < len(program); at++ {
		in := program[at]
		yes := false
		switch in.Code {
		case unix.BPF_LD | unix.BPF_W | unix.BPF_ABS:
			a = data[in.K]
			continue
		case unix.BPF_RET | unix.BPF_K:
			if in.K == unix.SECCOMP_RET_ALLOW {
				return 0
			}
			if in.K&unix.SECCOMP_RET_ACTION_FULL != unix.SECCOMP_RET_ERRNO {
				t.Fatalf("gives %x", in.K)
			}
			return unix.Errno(in.K & unix.SECCOMP_RET_DATA)
		case unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K:
			yes = a == in.K
		case unix.BPF_JMP | unix.BPF_JGE | unix.BPF_K:
			yes = a >= in.K
		case unix.BPF_JMP | unix.BPF_JSET | unix.BPF_K:
			yes = a&in.K != 0
		default:
			t.Fatalf("instruction %x", in.Code)
		}
		if yes {
			at += int(in.Jt)
		} else {
			at += int(in.Jf)
		}
	}
	t.Fatal("runs off the end")
	return 0
}
