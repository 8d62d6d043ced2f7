package render

import (
	"fmt"
	"runtime/debug"
	"syscall"
)

const setNoNewPrivileges = 38 // PR_SET_NO_NEW_PRIVS, see prctl(2)

// confine limits this process for the rest of its life. The collector works harder before memory ends.
func confine(memory int64, seconds uint64) error {
	debug.SetGCPercent(400) // a short life: a third less processor time for some memory
	debug.SetMemoryLimit(memory / 10 * 9)
	for _, l := range []struct {
		name     string
		resource int
		value    uint64
	}{
		{"memory", syscall.RLIMIT_DATA, uint64(memory)},
		{"processor time", syscall.RLIMIT_CPU, seconds},
		{"open files", syscall.RLIMIT_NOFILE, 1024},
		{"written files", syscall.RLIMIT_FSIZE, 0},
		{"core dump", syscall.RLIMIT_CORE, 0},
	} {
		var now syscall.Rlimit
		if err := syscall.Getrlimit(l.resource, &now); err != nil {
			return fmt.Errorf("limit of %s: %w", l.name, err)
		}
		value := min(l.value, now.Max)
		if err := syscall.Setrlimit(l.resource, &syscall.Rlimit{Cur: value, Max: value}); err != nil {
			return fmt.Errorf("limit of %s: %w", l.name, err)
		}
	}
	// A kernel or a C library that refuses this takes nothing from the limits above.
	_, _, _ = syscall.AllThreadsSyscall(syscall.SYS_PRCTL, setNoNewPrivileges, 1, 0)
	_, err := wallOff()
	return err
}
