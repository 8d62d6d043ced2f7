//go:build !linux

package kube

import "syscall"

// diesWithParent says whether the kernel kills a server when its parent dies.
const diesWithParent = false

// Only Linux can tie a process to its parent; elsewhere a killed parent leaves its servers running.
func dieWithParent() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
