package render

import (
	"slices"

	"golang.org/x/sys/unix"
)

var machine = abi{
	audit: unix.AUDIT_ARCH_X86_64, x32: true,
	clone: unix.SYS_CLONE, clone3: unix.SYS_CLONE3, tgkill: unix.SYS_TGKILL, ioctl: unix.SYS_IOCTL, limits: unix.SYS_PRLIMIT64,
	refused: slices.Concat(refusedEverywhere, []uint32{
		unix.SYS_FORK, unix.SYS_VFORK, unix.SYS_USELIB, unix.SYS_IOPL, unix.SYS_IOPERM, unix.SYS_MODIFY_LDT,
		unix.SYS_UNLINK, unix.SYS_RMDIR, unix.SYS_RENAME, unix.SYS_RENAMEAT, unix.SYS_MKDIR, unix.SYS_LINK, unix.SYS_SYMLINK, unix.SYS_MKNOD,
		unix.SYS_CREAT, unix.SYS_CHMOD, unix.SYS_CHOWN, unix.SYS_LCHOWN, unix.SYS_UTIME, unix.SYS_UTIMES, unix.SYS_FUTIMESAT,
	}),
}
