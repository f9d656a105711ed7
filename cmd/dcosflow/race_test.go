//go:build race

package main

// racing says that the tests run with the race detector, under which a process
// takes many times as long to start.
const racing = true
