package main

import (
	"bufio"
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// nodes is the size of the cluster that is provisioned.
const nodes = 8

//go:embed provision.hcl
var provisionWorkflow []byte

// tool is the binary that is measured; its runs are recorded below dir.
type tool struct {
	bin, dir string
}

// event is what we read of a line of --progress json.
type event struct {
	Time  time.Time `json:"time"`
	Kind  string    `json:"kind"`
	Event struct {
		Run     string `json:"run"`
		Type    string `json:"type"`
		State   string `json:"state"`
		Failure struct {
			Message string `json:"message"`
		} `json:"failure"`
	} `json:"event"`
}

// provision runs a workflow that makes and destroys the nodes. The timed part
// begins with the run, before its network, addresses and keys are made, and
// ends when the last node's provisioning has: booted, asked for its failed
// units, and recorded. Reading the workflow and destroying are not in it.
func (t *tool) provision(ctx context.Context) (time.Duration, error) {
	events, err := t.run(ctx, nodes, "never")
	if err != nil {
		return 0, errors.Join(err, t.destroy(ctx, events))
	}
	return provisionTime(events, nodes)
}

func provisionTime(events []event, nodes int) (time.Duration, error) {
	var begin, end time.Time
	provisioned := 0
	for _, e := range events {
		switch {
		case e.Kind == "run_started":
			begin = e.Time
		case e.Kind == "instance_ended" && e.Event.Type == "provision" && e.Event.State == "succeeded":
			end = e.Time
			provisioned++
		}
	}
	if begin.IsZero() || provisioned != nodes {
		return 0, fmt.Errorf("the events tell of %d provisioned nodes, want %d", provisioned, nodes)
	}
	return end.Sub(begin), nil
}

// run runs the workflow and returns its events, also when it failed; the error
// then says what the events say.
func (t *tool) run(ctx context.Context, nodes int, keep string) ([]event, error) {
	workflow := filepath.Join(t.dir, "provision.hcl")
	if err := os.WriteFile(workflow, provisionWorkflow, 0o644); err != nil {
		return nil, err
	}
	out, err := t.call(ctx, "run", "--progress", "json", "--keep", keep, "--var", fmt.Sprint("nodes=", nodes), workflow)
	events, badLine := readEvents(out)
	if err == nil {
		return events, badLine
	}
	for _, e := range events {
		if message := e.Event.Failure.Message; message != "" {
			err = fmt.Errorf("%w\n%s", err, message)
		}
	}
	return events, err
}

// destroy removes what a run has left, also after a Ctrl-C.
func (t *tool) destroy(ctx context.Context, events []event) error {
	if len(events) == 0 {
		return nil // it did not start
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	_, err := t.call(ctx, "destroy", events[0].Event.Run)
	return err
}

// call runs the binary. The end of ctx is a Ctrl-C for it, after which it
// removes its machines; a terminal's Ctrl-C must not reach it a second time.
func (t *tool) call(ctx context.Context, args ...string) (stdout []byte, err error) {
	var out, trouble bytes.Buffer
	cmd := exec.CommandContext(ctx, t.bin, append(args, "--run-dir", filepath.Join(t.dir, "runs"))...)
	cmd.Stdout, cmd.Stderr = &out, &trouble
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = time.Minute
	if err := cmd.Run(); err != nil {
		return out.Bytes(), fmt.Errorf("%s %s: %w\n%s", filepath.Base(t.bin), args[0], err, bytes.TrimSpace(trouble.Bytes()))
	}
	return out.Bytes(), nil
}

func readEvents(out []byte) ([]event, error) {
	var events []event
	lines := bufio.NewScanner(bytes.NewReader(out))
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var e event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			return events, fmt.Errorf("read the event %q: %w", lines.Text(), err)
		}
		events = append(events, e)
	}
	return events, lines.Err()
}
