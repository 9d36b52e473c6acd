//go:build !linux

package testnet

import "syscall"

// dieWithParent cannot be had here: only an orderly end takes the nodes along.
func dieWithParent(*syscall.SysProcAttr) {}
