package main

import (
	"os/signal"
	"syscall"
)

// ignoreSignals makes the process deaf to everything but SIGKILL.
func ignoreSignals() {
	signal.Ignore(syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM)
}
