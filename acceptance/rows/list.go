package main

import (
	"fmt"
	"regexp"
	"strings"
)

// row is one line of the list.
type row struct {
	id, test, title string
	done            bool
}

var rowLine = regexp.MustCompile(`^(A\d\d) (done|todo) (\S+) +(\S.*)$`)

// parseRows reads lines such as "A01 done TestA01_Nodes  each container is one
// node". Empty lines and those that start with # are comments.
func parseRows(text string) ([]row, error) {
	var rows []row
	seen := map[string]int{}
	for i, line := range strings.Split(text, "\n") {
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		m := rowLine.FindStringSubmatch(line)
		if m == nil {
			return nil, fmt.Errorf("line %d: want \"A01 done TestA01_Name title\" or \"A01 todo - title\", got %q", i+1, line)
		}
		r := row{id: m[1], done: m[2] == "done", test: m[3], title: m[4]}
		if r.done != strings.HasPrefix(r.test, "Test"+r.id+"_") {
			return nil, fmt.Errorf("line %d: a row that is done has a test Test%s_..., one to do has -, got %q", i+1, r.id, r.test)
		}
		if first, ok := seen[r.id]; ok {
			return nil, fmt.Errorf("line %d: %s stands in line %d already", i+1, r.id, first)
		}
		seen[r.id] = i + 1
		rows = append(rows, r)
	}
	return rows, nil
}

// choose returns the rows with the given ids, in the order of the list.
func choose(rows []row, ids []string) ([]row, error) {
	wanted := map[string]bool{}
	for _, id := range ids {
		wanted[id] = true
	}
	var chosen []row
	for _, r := range rows {
		if wanted[r.id] {
			chosen = append(chosen, r)
			delete(wanted, r.id)
		}
	}
	for _, id := range ids {
		if wanted[id] {
			return nil, fmt.Errorf("no row %q: rows are called A01 to A90", id)
		}
	}
	return chosen, nil
}

// testPattern selects the tests of the rows that are done or, when no rows were
// asked for, all there are. It is empty when there is nothing to run.
func testPattern(rows []row, asked bool) string {
	if !asked {
		return "."
	}
	var tests []string
	for _, r := range rows {
		if r.done {
			tests = append(tests, r.test)
		}
	}
	if len(tests) == 0 {
		return ""
	}
	return "^(" + strings.Join(tests, "|") + ")$"
}
