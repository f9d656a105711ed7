package engine

import (
	"regexp"
	"strings"
	"unicode"
)

// escapeSequence is what terminals take for a command: colours, movements of
// the cursor, titles.
var escapeSequence = regexp.MustCompile(`\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[ -/]*[0-~])`)

// printable makes text from outside fit to be shown: a terminal that reads it
// neither moves nor changes. Of a line that was written over with carriage
// returns the last version stays.
func printable(s string) string {
	if strings.IndexFunc(s, harmful) < 0 {
		return s
	}
	s = escapeSequence.ReplaceAllString(strings.ReplaceAll(s, "\r\n", "\n"), "")
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		line = strings.TrimRight(line, "\r")
		line = line[strings.LastIndexByte(line, '\r')+1:]
		lines[i] = strings.Map(func(r rune) rune {
			if harmful(r) {
				return -1
			}
			return r
		}, line)
	}
	return strings.Join(lines, "\n")
}

func harmful(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' }
