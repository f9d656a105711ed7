package main

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/dcosflow/dcosflow/events"
	"github.com/dcosflow/dcosflow/events/journal"
	"github.com/dcosflow/dcosflow/events/report"
)

func (a *app) showCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "show [RUN]",
		Short: "Show a run: every step with its state and time, and every failure",
		Long: `Show what became of a run, by default the newest one, as its journal tells: every
step instance with its state and times, every failure with all that is known of it,
and the summary. It also works while the run goes on.`,
		Example: `  dcosflow show
  dcosflow show 20261121-0240 --json`,
		Args:              arguments(0, 1),
		ValidArgsFunction: a.completeRuns,
		RunE: action(func(_ context.Context, args []string) error {
			r, err := a.record(args...)
			if err != nil {
				return asWrongInput(err)
			}
			s, err := journal.Glance(r.dir)
			if err != nil {
				return fmt.Errorf("open run %s: %w", r.id, err)
			}
			if asJSON {
				return a.printJSON(showRun(s, r.run))
			}
			return a.writeRun(s, r.run)
		}),
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// writeRun shows a run to a person.
func (a *app) writeRun(s journal.Summary, run *events.Run) error {
	fmt.Fprintf(a.stdout, "run %s of %s (%s), %s\n", s.ID, run.Started.Title(), run.Started.File, statusOf(s))
	fmt.Fprintf(a.stdout, "  began      %s, took %s\n", run.StartedAt.Local().Format(time.DateTime), report.Duration(elapsed(s, run)))
	fmt.Fprintf(a.stdout, "  command    %s\n", report.Command(run.Started.Command))
	fmt.Fprintf(a.stdout, "  seed       %d\n", run.Started.Seed)
	fmt.Fprintf(a.stdout, "  directory  %s\n\n", a.display(s.Dir))
	t := tabwriter.NewWriter(a.stdout, 0, 0, 3, ' ', 0)
	fmt.Fprintln(t, "STEP\tSTATE\tAFTER\tTOOK\tNOTE")
	for _, i := range run.Instances {
		after, took := "-", "-"
		if i.Attempt > 0 {
			took = report.Duration(tookBy(s, run, i))
		}
		if i.Attempt > 0 && !i.StartedAt.Before(run.StartedAt) { // else it is from before the run went on
			after = report.Duration(i.StartedAt.Sub(run.StartedAt))
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", i.Address, stateOf(s, i), after, took, orDash(noteOf(i)))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	style := a.style(a.stdout)
	if err := report.Failures(a.stdout, run, style); err != nil {
		return err
	}
	return report.Summary(a.stdout, run, style)
}

// stateOf is the state of an instance; one that did not end goes on, or was cut
// off with its run.
func stateOf(s journal.Summary, i *events.Instance) string {
	switch {
	case i.State != "":
		return string(i.State)
	case !living(s):
		return "cut off"
	case i.Waiting, i.Attempt == 0:
		return "waiting"
	case i.Holding:
		return "holding"
	default:
		return "running"
	}
}

func tookBy(s journal.Summary, run *events.Run, i *events.Instance) time.Duration {
	switch {
	case i.State != "":
		return i.Took
	case living(s):
		return time.Since(i.StartedAt)
	default:
		return run.LastAt.Sub(i.StartedAt)
	}
}

// noteOf says in a few words what else there is to say.
func noteOf(i *events.Instance) string {
	var notes []string
	if i.Attempt > 1 {
		notes = append(notes, fmt.Sprintf("attempt %d of %d", i.Attempt, i.Attempts))
	}
	if i.Rounds > 0 {
		notes = append(notes, fmt.Sprintf("round %d of its group", i.Rounds+1))
	}
	if i.Failure != nil && i.State != events.Succeeded {
		notes = append(notes, report.Reason(*i.Failure))
	}
	if i.Tolerated && i.State == events.Failed {
		notes = append(notes, "tolerated")
	}
	if i.Reason != "" {
		notes = append(notes, i.Reason)
	}
	return strings.Join(notes, ", ")
}

// showView is the JSON form of `dcosflow show`.
type showView struct {
	runView
	Exit      *int           `json:"exit"`
	Command   []string       `json:"command"`
	Seed      int64          `json:"seed"`
	Dir       string         `json:"dir"`
	Message   string         `json:"message,omitempty"`
	Instances []instanceShow `json:"instances"`
	// Outputs are those of the workflow; sensitive ones are null.
	Outputs map[string]json.RawMessage `json:"outputs,omitempty"`
	// Flaky are the instances that failed first and passed when they ran again.
	Flaky []events.Flaky `json:"flaky,omitempty"`
	Kept  []string       `json:"kept,omitempty"`
}

type instanceShow struct {
	Address  string        `json:"address"`
	Type     string        `json:"type"`
	Node     string        `json:"node,omitempty"`
	State    string        `json:"state"`
	Started  *time.Time    `json:"started,omitempty"`
	Took     time.Duration `json:"took_ns"`
	Attempts int           `json:"attempts"`
	// Rounds is how often the group or module around it began anew.
	Rounds    int             `json:"rounds,omitempty"`
	Tolerated bool            `json:"tolerated,omitempty"`
	Finaliser bool            `json:"finaliser,omitempty"`
	Reason    string          `json:"reason,omitempty"`
	Failure   *events.Failure `json:"failure,omitempty"`
	// Log is the folder of its log files.
	Log string `json:"log,omitempty"`
}

func showRun(s journal.Summary, run *events.Run) showView {
	v := showView{
		runView: runView{
			Run: s.ID, Workflow: run.Started.Workflow, Variant: run.Started.Variant, File: run.Started.File, Status: statusOf(s),
			Started: run.StartedAt, Took: elapsed(s, run), Failed: run.Counts.Failed - run.Counts.Tolerated,
		},
		Command: run.Started.Command, Seed: run.Started.Seed, Dir: s.Dir, Instances: []instanceShow{},
	}
	if e := run.Ended; e != nil {
		v.Exit, v.Message, v.Outputs, v.Kept, v.Flaky = &e.Exit, e.Message, e.Outputs, e.Kept, e.Flaky
	}
	for _, i := range run.Instances {
		shown := instanceShow{
			Address: i.Address, Type: i.Type, Node: i.Node, State: stateOf(s, i), Attempts: i.Attempt, Rounds: i.Rounds,
			Tolerated: i.Tolerated, Finaliser: i.Finaliser, Reason: i.Reason, Failure: i.Failure,
		}
		if i.Attempt > 0 {
			shown.Started, shown.Took = &i.StartedAt, tookBy(s, run, i)
		}
		if i.Log != "" {
			shown.Log = filepath.Join(s.Dir, i.Log)
		}
		v.Instances = append(v.Instances, shown)
	}
	return v
}
