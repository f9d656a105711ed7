package report

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/dcosflow/dcosflow/events"
)

// Failures writes what went wrong, with all that is known of it: failed steps,
// steps that were stopped, why the run did not pass, and what it could not
// remove. It writes once, and nothing when all went well.
func Failures(w io.Writer, run *events.Run, s Style) error {
	var t text
	for _, i := range run.Failures() {
		t.line("")
		t.failure(run, i, s)
	}
	t.stopped(run, s)
	if e := run.Ended; e != nil && e.Message != "" {
		t.line("")
		t.line("%s %s", s.Red("Error:"), strings.TrimSpace(e.Message))
		t.block("  hint: ", e.Hint)
	}
	t.open(run, s)
	for _, c := range run.Cleanup {
		t.line("")
		t.line("%s cluster %s was not removed: %s", s.Red("Error:"), c.Cluster, c.Message)
		t.line("  remove it: %s", c.Command)
	}
	return t.to(w)
}

// open names the spans that could not be ended, and those that nobody tried to
// end when the run ended.
func (t *text) open(run *events.Run, s Style) {
	if run.Ended == nil {
		return
	}
	for _, o := range run.Spans {
		why := cmp.Or(o.Message, "it was not waited for")
		t.line("")
		t.line("%s %s was not ended: %s", s.Red("Error:"), o.Address, why)
		t.line("  end it: %s, or remove all with %s", s.Tool("resume", run.Started.Run), s.Tool("destroy", run.Started.Run))
	}
}

// Summary writes the end of a run: how it ended, the counts, the critical path,
// the outputs, and what is kept with the commands to enter and to remove it. It writes once.
func Summary(w io.Writer, run *events.Run, s Style) error {
	var t text
	t.line("")
	t.verdict(run, s)
	t.flaky(run, s)
	t.regions(run)
	t.path(run)
	t.outputs(run.Ended)
	t.kept(run, s)
	t.resume(run, s)
	return t.to(w)
}

func (t *text) to(w io.Writer) error {
	if t.Len() == 0 {
		return nil
	}
	_, err := io.WriteString(w, t.String())
	return err
}

// stopped names the steps that were at work when the run was cancelled.
func (t *text) stopped(run *events.Run, s Style) {
	for _, i := range run.Instances {
		if i.State == events.Canceled && i.Attempt > 0 {
			t.line("")
			t.line("%s", s.Yellow("STOPPED "+i.Address))
			t.line("  %s", circumstances(i))
			t.block("  ", i.Reason)
		}
	}
}

func (t *text) verdict(run *events.Run, s Style) {
	if run.Ended == nil {
		t.line("%s: %s", s.Yellow("so far"), Counts(run.Counts))
		return
	}
	paint := s.Red
	switch run.Ended.Status {
	case events.StatusPassed:
		paint = s.Green
	case events.StatusFlaky:
		paint = s.Yellow
	}
	took := run.LastAt.Sub(run.StartedAt)
	t.line("%s %s in %s: %s", paint(string(run.Ended.Status)), run.Started.Title(), Duration(took), Counts(run.Counts))
}

// flaky names what passed only when it ran again.
func (t *text) flaky(run *events.Run, s Style) {
	if run.Ended == nil {
		return
	}
	for _, f := range run.Ended.Flaky {
		t.line("%s %s failed %d of %d times, then passed", s.Yellow("FLAKY:"), f.Address, f.Failed, f.Runs)
	}
}

// Counts writes how many instances ended in which state.
func Counts(c events.Counts) string {
	var parts []string
	add := func(n int, word string) {
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, word))
		}
	}
	add(c.Succeeded, "succeeded")
	add(c.Failed-c.Tolerated, "failed")
	add(c.Tolerated, "failed and tolerated")
	add(c.Canceled, "canceled")
	add(c.Skipped, "skipped")
	add(c.Disabled, "disabled")
	add(c.Reused, "reused")
	add(c.Kept, "kept")
	if len(parts) == 0 {
		return "no step ran"
	}
	return strings.Join(parts, ", ")
}

// regions says which groups and modules had to begin anew, and why.
func (t *text) regions(run *events.Run) {
	for _, r := range run.Regions {
		causes := slices.Compact(slices.Sorted(slices.Values(r.Causes)))
		if i := slices.Index(causes, r.Address); i >= 0 {
			causes[i] = "it took too long"
		}
		t.line("repeated: %s failed %s: %s", r.Address, times(r.Failed), strings.Join(causes, ", "))
	}
}

func (t *text) outputs(e *events.RunEnded) {
	if e == nil || len(e.Outputs) == 0 {
		return
	}
	t.line("outputs:")
	for _, name := range slices.Sorted(maps.Keys(e.Outputs)) {
		t.line("  %s = %s", name, pretty(e.Outputs[name]))
	}
}

// pretty shows an output without the escapes that JSON makes for HTML.
func pretty(raw json.RawMessage) string {
	var value any
	var b strings.Builder
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if json.Unmarshal(raw, &value) != nil || encoder.Encode(value) != nil {
		return string(raw)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// kept says what the run left on purpose.
func (t *text) kept(run *events.Run, s Style) {
	names := kept(run)
	if len(names) == 0 {
		return
	}
	t.line("%s %s", s.Yellow("kept:"), clusters(names))
	if node := firstBooted(run, names); node != nil {
		t.line("  enter a node: %s", s.Tool("exec", "--run", run.Started.Run, node.Name, "--", "bash"))
		if node.IP != "" {
			t.line("  or by SSH:    %s", SSH(run.Started.Dir, node.IP))
		}
	}
	t.line("  remove it:    %s", s.Tool("destroy", run.Started.Run))
}

// resume says how a run that did not pass goes on.
func (t *text) resume(run *events.Run, s Style) {
	if run.Ended != nil && run.Ended.Exit != 0 {
		t.line("go on:          %s", s.Tool("resume", run.Started.Run))
	}
}

// kept are the clusters that a run left and nobody has removed since.
func kept(run *events.Run) []string {
	if run.Ended == nil {
		return nil
	}
	gone := func(name string) bool {
		return slices.ContainsFunc(run.Clusters, func(c *events.ClusterState) bool { return c.Name == name && c.Deleted })
	}
	return slices.DeleteFunc(slices.Clone(run.Ended.Kept), gone)
}

func clusters(names []string) string {
	if len(names) == 1 {
		return "cluster " + names[0]
	}
	return "clusters " + strings.Join(names, ", ")
}

// SSH is the command that enters a node of a run with the run's own key,
// checking the host keys that the run made. Dir is the run's directory.
func SSH(dir, address string) string {
	keys := filepath.Join(dir, "keys")
	return Command([]string{
		"ssh", "-i", filepath.Join(keys, "id_ed25519"), "-o", "UserKnownHostsFile=" + filepath.Join(keys, "known_hosts"), "root@" + address,
	})
}

func firstBooted(run *events.Run, kept []string) *events.NodeState {
	for _, c := range run.Clusters {
		booted := slices.IndexFunc(c.Nodes, func(n events.NodeState) bool { return n.Booted })
		if slices.Contains(kept, c.Name) && booted >= 0 {
			return &c.Nodes[booted]
		}
	}
	return nil
}
