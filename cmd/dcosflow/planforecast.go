package main

import (
	"bytes"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/dcosflow/dcosflow/dag"
	"github.com/dcosflow/dcosflow/events/report"
	"github.com/dcosflow/dcosflow/plan"
)

// forecastView is what earlier runs let one expect.
type forecastView struct {
	// Runs is how many earlier runs were looked at.
	Runs int `json:"earlier_runs"`
	// Expected is zero when they tell nothing.
	Expected time.Duration `json:"expected_ns,omitempty"`
	// Path is the critical path, Length how long it takes.
	Path   []dag.ID      `json:"critical_path"`
	Length time.Duration `json:"critical_path_ns,omitempty"`
}

func viewForecast(f plan.Forecast) forecastView {
	view := forecastView{Runs: f.Runs, Expected: f.Expected, Path: f.Path}
	if f.Path == nil {
		view.Path = []dag.ID{}
	}
	if f.Expected > 0 {
		view.Length = f.Length
	}
	return view
}

// writeForecast shows how long the run will take and what determines that.
func (v *planView) writeForecast(out *bytes.Buffer) {
	if len(v.Forecast.Path) == 0 {
		return
	}
	f := &v.Forecast
	if f.Expected == 0 {
		fmt.Fprintf(out, "\nExpected duration unknown: no earlier run. Longest chain: %s\n", count(len(f.Path), "instance"))
	} else {
		fmt.Fprintf(out, "\nExpected duration %s, by %s. Critical path: %s in %s\n", report.Duration(f.Expected),
			count(f.Runs, "earlier run"), count(len(f.Path), "instance"), report.Duration(f.Length))
	}
	expected := map[string]*instanceView{}
	for i := range v.Instances {
		expected[v.Instances[i].Address] = &v.Instances[i]
	}
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, id := range f.Path {
		fmt.Fprintf(t, "  %s", id)
		if f.Expected > 0 {
			fmt.Fprintf(t, "\t%s", expected[string(id)].expectation())
		}
		fmt.Fprintln(t)
	}
	t.Flush()
}

// expectation says how long an instance will take and how that is known.
func (i *instanceView) expectation() string {
	switch i.ExpectedFrom {
	case plan.ByAddress:
		return report.Duration(i.Expected)
	case plan.ByType:
		return fmt.Sprintf("%s, as other %s steps", report.Duration(i.Expected), i.Type)
	}
	return "unknown"
}
