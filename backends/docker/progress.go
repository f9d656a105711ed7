package docker

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"regexp"
	"strings"
)

// colours are what the engine puts around the error output of a build.
var colours = regexp.MustCompile("\x1b\\[[0-9;]*m")

// tailLines is how many lines an error of a build shows.
const tailLines = 20

// followStream reads the engine's progress messages to their end. The error
// has the last lines of the output.
func followStream(r io.Reader, progress func(string)) error {
	var tail []string
	for messages := json.NewDecoder(r); ; {
		var m struct{ Stream, Error string }
		if err := messages.Decode(&m); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("read the engine's progress: %w", err)
		}
		if m.Error != "" {
			return withTail(errors.New(m.Error), tail)
		}
		for line := range strings.Lines(colours.ReplaceAllString(m.Stream, "")) {
			if line = strings.TrimSpace(line); line != "" {
				tail = appendTail(tail, line)
				progress(line)
			}
		}
	}
}

// runWithProgress runs a program whose output is progress. The error has the
// last lines of it.
func runWithProgress(cmd *exec.Cmd, progress func(string)) error {
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	cmd.Stderr = cmd.Stdout
	if err := cmd.Start(); err != nil {
		return err
	}
	var tail []string
	for lines := bufio.NewScanner(out); lines.Scan(); {
		tail = appendTail(tail, lines.Text())
		progress(lines.Text())
	}
	if err := cmd.Wait(); err != nil {
		return withTail(err, tail)
	}
	return nil
}

func appendTail(tail []string, line string) []string {
	tail = append(tail, line)
	return tail[max(0, len(tail)-tailLines):]
}

func withTail(err error, tail []string) error {
	if len(tail) == 0 {
		return err
	}
	return fmt.Errorf("%w; the last lines were:\n%s", err, strings.Join(tail, "\n"))
}
