//go:build amd64 || arm64

package render

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// wallOff makes the kernel refuse to this process, with EPERM and for the rest of its life, what a render never needs: sockets,
// programs, other processes, and changes of the file system. It holds for all threads, those of the future included. It reports
// false where the kernel has no such filters, or does not let us use them. See seccomp(2).
func wallOff() (bool, error) {
	program := filter(machine, uint32(os.Getpid()))
	if program == nil {
		return false, nil
	}
	runtime.LockOSThread() // no_new_privs is asked of the thread that sets the filter
	defer runtime.UnlockOSThread()
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return false, nil //nolint:nilerr // a kernel before version 3.5
	}
	list := unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
	thread, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&list)))
	switch {
	case errors.Is(errno, unix.ENOSYS), errors.Is(errno, unix.EINVAL), errors.Is(errno, unix.EPERM):
		return false, nil
	case errno != 0:
		return false, fmt.Errorf("filter of system calls: %w", errno)
	case thread != 0:
		return false, fmt.Errorf("filter of system calls: thread %d has another one", thread)
	}
	return true, nil
}

// abi is what a filter has to know of a machine.
type abi struct {
	audit   uint32 // as the kernel names the calling convention
	x32     bool   // a second convention has the same name and numbers of its own
	refused []uint32
	clone   uint32
	clone3  uint32
	tgkill  uint32
	ioctl   uint32
	limits  uint32 // prlimit64
}

const x32Bit = 0x40000000

// filter is a program of the kernel's packet filter that looks at a struct seccomp_data; nil for an unknown machine. pid is the
// process that may signal its own threads, as Go's scheduler does.
func filter(m abi, pid uint32) []unix.SockFilter {
	if m.audit == 0 {
		return nil
	}
	const call, convention, argument = 0, 4, 16 // offsets in struct seccomp_data; arguments have eight bytes, low ones first
	load := func(offset uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: offset}
	}
	jump := func(kind uint16, k uint32, yes, no uint8) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_K | kind, Jt: yes, Jf: no, K: k}
	}
	give := func(k uint32) unix.SockFilter { return unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: k} }
	allow, refuse, unknown := give(unix.SECCOMP_RET_ALLOW), give(unix.SECCOMP_RET_ERRNO|uint32(unix.EPERM)), give(unix.SECCOMP_RET_ERRNO|uint32(unix.ENOSYS))

	p := []unix.SockFilter{load(convention), jump(unix.BPF_JEQ, m.audit, 1, 0), refuse, load(call)}
	if m.x32 {
		p = append(p, jump(unix.BPF_JGE, x32Bit, 0, 1), refuse)
	}
	p = append(p,
		// What clone3 is asked for lies in memory, where a filter cannot look. Callers then use clone.
		jump(unix.BPF_JEQ, m.clone3, 0, 1), unknown,
		jump(unix.BPF_JEQ, m.clone, 0, 4), load(argument), jump(unix.BPF_JSET, unix.CLONE_THREAD, 0, 1), allow, refuse,
		jump(unix.BPF_JEQ, m.tgkill, 0, 4), load(argument), jump(unix.BPF_JEQ, pid, 0, 1), allow, refuse,
		// Typing into a terminal.
		jump(unix.BPF_JEQ, m.ioctl, 0, 5), load(argument+8), jump(unix.BPF_JEQ, unix.TIOCSTI, 2, 0), jump(unix.BPF_JEQ, unix.TIOCLINUX, 1, 0), allow, refuse,
		// Limits may be read, which is what a null pointer for the new ones means.
		jump(unix.BPF_JEQ, m.limits, 0, 6), load(argument+16), jump(unix.BPF_JEQ, 0, 0, 3), load(argument+20), jump(unix.BPF_JEQ, 0, 0, 1), allow, refuse,
	)
	for _, number := range m.refused {
		p = append(p, jump(unix.BPF_JEQ, number, 0, 1), refuse)
	}
	return append(p, allow)
}

// refusedEverywhere are system calls that all machines have.
var refusedEverywhere = []uint32{
	// The network, and other processes through sockets.
	unix.SYS_SOCKET, unix.SYS_SOCKETPAIR, unix.SYS_CONNECT, unix.SYS_BIND, unix.SYS_LISTEN, unix.SYS_ACCEPT, unix.SYS_ACCEPT4,
	unix.SYS_SENDTO, unix.SYS_SENDMSG, unix.SYS_SENDMMSG, unix.SYS_RECVFROM, unix.SYS_RECVMSG, unix.SYS_RECVMMSG,
	unix.SYS_SHUTDOWN, unix.SYS_GETSOCKNAME, unix.SYS_GETPEERNAME, unix.SYS_SETSOCKOPT, unix.SYS_GETSOCKOPT,
	// Requests that are not system calls of their own.
	unix.SYS_IO_URING_SETUP, unix.SYS_IO_URING_ENTER, unix.SYS_IO_URING_REGISTER, unix.SYS_IO_SETUP, unix.SYS_IO_SUBMIT,
	// Programs.
	unix.SYS_EXECVE, unix.SYS_EXECVEAT, unix.SYS_UNSHARE, unix.SYS_SETNS, unix.SYS_PERSONALITY, unix.SYS_MEMFD_CREATE,
	// Other processes.
	unix.SYS_PTRACE, unix.SYS_PROCESS_VM_READV, unix.SYS_PROCESS_VM_WRITEV, unix.SYS_PROCESS_MADVISE, unix.SYS_PROCESS_MRELEASE, unix.SYS_KCMP,
	unix.SYS_PIDFD_OPEN, unix.SYS_PIDFD_GETFD, unix.SYS_PIDFD_SEND_SIGNAL, unix.SYS_KILL, unix.SYS_TKILL,
	unix.SYS_RT_SIGQUEUEINFO, unix.SYS_RT_TGSIGQUEUEINFO, unix.SYS_SETSID, unix.SYS_SETPGID, unix.SYS_SETPRIORITY, unix.SYS_SETRLIMIT,
	unix.SYS_SHMGET, unix.SYS_SHMAT, unix.SYS_MSGGET, unix.SYS_SEMGET, unix.SYS_MQ_OPEN,
	// The kernel.
	unix.SYS_BPF, unix.SYS_PERF_EVENT_OPEN, unix.SYS_USERFAULTFD, unix.SYS_KEYCTL, unix.SYS_ADD_KEY, unix.SYS_REQUEST_KEY,
	unix.SYS_INIT_MODULE, unix.SYS_FINIT_MODULE, unix.SYS_DELETE_MODULE, unix.SYS_KEXEC_LOAD, unix.SYS_KEXEC_FILE_LOAD, unix.SYS_REBOOT,
	unix.SYS_MOUNT, unix.SYS_UMOUNT2, unix.SYS_PIVOT_ROOT, unix.SYS_CHROOT, unix.SYS_MOVE_MOUNT, unix.SYS_OPEN_TREE, unix.SYS_FSOPEN,
	unix.SYS_FSMOUNT, unix.SYS_MOUNT_SETATTR, unix.SYS_SWAPON, unix.SYS_SWAPOFF, unix.SYS_ACCT, unix.SYS_SYSLOG, unix.SYS_QUOTACTL,
	unix.SYS_OPEN_BY_HANDLE_AT, unix.SYS_FANOTIFY_INIT, unix.SYS_SETHOSTNAME, unix.SYS_SETDOMAINNAME, unix.SYS_CLOCK_SETTIME, unix.SYS_SETTIMEOFDAY,
	// Changes of the file system that need no open file.
	unix.SYS_UNLINKAT, unix.SYS_RENAMEAT2, unix.SYS_MKDIRAT, unix.SYS_LINKAT, unix.SYS_SYMLINKAT, unix.SYS_MKNODAT, unix.SYS_TRUNCATE,
	unix.SYS_FTRUNCATE, unix.SYS_FALLOCATE, unix.SYS_FCHMOD, unix.SYS_FCHMODAT, unix.SYS_FCHMODAT2, unix.SYS_FCHOWN, unix.SYS_FCHOWNAT,
	unix.SYS_UTIMENSAT, unix.SYS_SETXATTR, unix.SYS_LSETXATTR, unix.SYS_FSETXATTR, unix.SYS_REMOVEXATTR, unix.SYS_LREMOVEXATTR, unix.SYS_FREMOVEXATTR,
}
