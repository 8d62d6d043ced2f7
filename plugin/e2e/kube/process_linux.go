package kube

import "syscall"

// diesWithParent says whether the kernel kills a server when its parent dies.
const diesWithParent = true

func dieWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
