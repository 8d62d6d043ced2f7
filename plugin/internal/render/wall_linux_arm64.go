package render

import (
	"slices"

	"golang.org/x/sys/unix"
)

var machine = abi{
	audit: unix.AUDIT_ARCH_AARCH64,
	clone: unix.SYS_CLONE, clone3: unix.SYS_CLONE3, tgkill: unix.SYS_TGKILL, ioctl: unix.SYS_IOCTL, limits: unix.SYS_PRLIMIT64,
	refused: slices.Concat(refusedEverywhere, []uint32{unix.SYS_RENAMEAT}),
}
