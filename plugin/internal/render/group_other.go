//go:build !unix

package render

import (
	"os"
	"syscall"
)

func ownGroup() *syscall.SysProcAttr { return nil }

func killGroup(p *os.Process) error { return p.Kill() }

func killed(*os.ProcessState) bool { return false }
