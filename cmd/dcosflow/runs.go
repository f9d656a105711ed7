package main

import (
	"context"
	"fmt"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/dcosflow/dcosflow/events"
	"github.com/dcosflow/dcosflow/events/journal"
	"github.com/dcosflow/dcosflow/events/report"
)

func (a *app) runsCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "runs",
		Short: "List the runs, the newest first",
		Long: `List the runs of the directory --run-dir, the newest first: how each ended, when it
began, how long it took, how many steps failed, and which machines there still are.`,
		Example: `  dcosflow runs
  dcosflow runs --json`,
		Args: arguments(0, 0),
		RunE: action(func(ctx context.Context, _ []string) error {
			views, err := a.runViews(ctx)
			if err != nil {
				return err
			}
			if asJSON {
				return a.printJSON(views)
			}
			return a.writeRuns(views)
		}),
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// runView is a line of `dcosflow runs`.
type runView struct {
	Run      string `json:"run"`
	Workflow string `json:"workflow"`
	// Variant is nil for a workflow without a matrix.
	Variant *events.Variant `json:"variant,omitempty"`
	File    string          `json:"file"`
	Status  string          `json:"status"`
	Started time.Time       `json:"started"`
	Took    time.Duration   `json:"took_ns"`
	Failed  int             `json:"failed"`
	// Machines is empty when there are none, or nobody looked.
	Machines string `json:"machines,omitempty"`
}

func (v *runView) title() string {
	return events.RunStarted{Workflow: v.Workflow, Variant: v.Variant}.Title()
}

// statusKilled is that of a run whose process is gone without a word.
const statusKilled = "killed"

func (a *app) runViews(ctx context.Context) ([]runView, error) {
	list, err := a.recorded()
	if err != nil {
		return nil, err
	}
	slices.Reverse(list)
	machines := a.machinesOf(ctx, list)
	views := make([]runView, len(list))
	for i, s := range list {
		views[i] = viewRun(s)
		views[i].Machines = machines[s.ID]
	}
	return views, nil
}

func viewRun(s journal.Summary) runView {
	v := runView{Run: s.ID, Workflow: s.Started.Workflow, Variant: s.Started.Variant, File: s.Started.File, Status: statusOf(s), Started: s.StartedAt}
	run, err := journal.Load(s.Dir)
	if err != nil {
		v.Status = "unreadable"
		return v
	}
	v.Failed = run.Counts.Failed - run.Counts.Tolerated
	v.Took = elapsed(s, run)
	return v
}

func statusOf(s journal.Summary) string {
	if s.Status == events.StatusRunning && !living(s) {
		return statusKilled
	}
	return string(s.Status)
}

// elapsed is how long a run took, or takes by now.
func elapsed(s journal.Summary, run *events.Run) time.Duration {
	if run.Ended == nil && living(s) {
		return time.Since(run.StartedAt)
	}
	return run.LastAt.Sub(run.StartedAt)
}

// lookTime bounds the look at the backends: the list is worth more than that
// it is complete.
const lookTime = 5 * time.Second

// machinesOf tells which machines runs still have; "unknown" where a backend
// does not answer.
func (a *app) machinesOf(ctx context.Context, list []journal.Summary) map[string]string {
	if !slices.ContainsFunc(list, func(s journal.Summary) bool { return len(s.Started.Clusters) > 0 }) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	all, _, err := a.remains(ctx)
	texts := map[string]string{}
	for _, s := range list {
		i := slices.IndexFunc(all, func(r *remains) bool { return r.id == s.ID })
		switch {
		case len(s.Started.Clusters) == 0:
		case err != nil, i < 0, all[i].err != nil:
			texts[s.ID] = "unknown"
		default:
			texts[s.ID] = all[i].machinesText()
		}
	}
	return texts
}

func (a *app) writeRuns(views []runView) error {
	if len(views) == 0 {
		_, err := fmt.Fprintf(a.stdout, "There is no run in %s.\n", a.display(a.runs()))
		return err
	}
	t := tabwriter.NewWriter(a.stdout, 0, 0, 3, ' ', 0)
	fmt.Fprintln(t, "RUN\tWORKFLOW\tSTATUS\tBEGAN\tTOOK\tFAILED\tMACHINES")
	for _, v := range views {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%d\t%s\n", v.Run, orDash(v.title()), v.Status,
			age(time.Since(v.Started)), report.Duration(v.Took), v.Failed, orDash(v.Machines))
	}
	return t.Flush()
}

// age says roughly how long ago something was.
func age(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds ago", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%dm ago", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh ago", int(d.Hours()))
	}
	return fmt.Sprintf("%dd ago", int(d.Hours()/24))
}
