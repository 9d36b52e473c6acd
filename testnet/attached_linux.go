package testnet

import "syscall"

// dieWithParent ends the child when this process ends in whatever way.
func dieWithParent(a *syscall.SysProcAttr) { a.Pdeathsig = syscall.SIGKILL }
