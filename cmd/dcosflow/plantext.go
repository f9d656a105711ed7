package main

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/dcosflow/dcosflow/dag"
	"github.com/dcosflow/dcosflow/events/report"
	"github.com/dcosflow/dcosflow/plan"
)

// write shows the plan to a person.
func (v *planView) write(w io.Writer) error {
	var out bytes.Buffer
	fmt.Fprintf(&out, "%s (%s)\n", v.title(), v.File)
	if v.Description != "" {
		fmt.Fprintf(&out, "%s\n", v.Description)
	}
	v.writeVariables(&out)
	v.writeClusters(&out)
	v.writeInstances(&out)
	v.writeForecast(&out)
	v.writeTotal(&out)
	_, err := w.Write(out.Bytes())
	return err
}

func (v *planView) title() string {
	if v.Variant != nil {
		return v.Variant.Run
	}
	return v.Name
}

func (v *planView) writeVariables(out *bytes.Buffer) {
	if len(v.Variables) == 0 {
		return
	}
	out.WriteString("\nVariables\n")
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, x := range v.Variables {
		value := string(x.Value)
		if x.Sensitive {
			value = "(sensitive)"
		}
		fmt.Fprintf(t, "  %s\t= %s\t%s\n", x.Name, value, x.Origin)
	}
	t.Flush()
}

func (v *planView) writeClusters(out *bytes.Buffer) {
	if len(v.Clusters) == 0 {
		return
	}
	out.WriteString("\nClusters\n")
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, c := range v.Clusters {
		fmt.Fprintf(t, "  %s\t%s\tbackend.%s (%s)\n", c.Name, c.rolesText(), c.Backend, c.Type)
	}
	t.Flush()
}

func (c *clusterView) rolesText() string {
	roles := make([]string, len(c.Roles))
	for i, r := range c.Roles {
		roles[i] = fmt.Sprintf("%d %s", r.Count, r.Role)
	}
	return strings.Join(roles, ", ")
}

// writeInstances writes the waves. Finalisers come after everything else and
// have a heading of their own.
func (v *planView) writeInstances(out *bytes.Buffer) {
	total := map[string]int{}
	for _, inst := range v.Instances {
		total[stepOf(dag.ID(inst.Address))]++
	}
	heading := ""
	for i := range v.Instances {
		inst := &v.Instances[i]
		wanted := fmt.Sprintf("Wave %d", inst.Wave)
		if inst.When != plan.OnSuccess {
			wanted = "Finally"
		}
		if wanted != heading {
			heading = wanted
			fmt.Fprintf(out, "\n%s\n", heading)
		}
		fmt.Fprintf(out, "  %s  %s\n", inst.Address, inst.describe())
		if len(inst.KnownAfter) > 0 {
			fmt.Fprintf(out, "      instances known after %s\n", summarize(inst.KnownAfter, total))
		} else if len(inst.Needs) > 0 {
			fmt.Fprintf(out, "      needs %s\n", summarize(inst.Needs, total))
		}
		if len(inst.During) > 0 {
			fmt.Fprintf(out, "      during %s\n", summarize(inst.During, total))
		}
	}
}

// describe says everything about an instance that fits on its line.
func (i *instanceView) describe() string {
	parts := []string{i.Type}
	switch {
	case i.Node != "":
		parts[0] += fmt.Sprintf(" on %s/%s", i.Cluster, i.Node)
	case i.Cluster != "":
		parts[0] += " " + i.Cluster
	}
	if i.Span != nil {
		parts = append(parts, i.Span.describe()...)
	}
	if i.When == plan.OnFailure {
		parts = append(parts, "when the run failed")
	}
	if i.When == plan.Always {
		parts = append(parts, "in any case")
	}
	if i.MaxParallel > 0 {
		parts = append(parts, fmt.Sprintf("max_parallel %d", i.MaxParallel))
	}
	if len(i.Locks) > 0 {
		parts = append(parts, "locks "+strings.Join(i.Locks, " "))
	}
	if i.Timeout != "" {
		parts = append(parts, "timeout "+i.Timeout)
	}
	if i.Attempts > 0 && !slices.Equal(i.RetryOn, []string{"transport"}) { // what all idempotent types have is not worth a word
		parts = append(parts, fmt.Sprintf("up to %d attempts", i.Attempts))
	}
	if i.Expected > 0 {
		parts = append(parts, "about "+report.Duration(i.Expected))
	}
	if i.Tolerated {
		parts = append(parts, "may fail")
	}
	if i.Off {
		parts = append(parts, "disabled")
	}
	if i.Added {
		parts = append(parts, "added by the plan")
	}
	return strings.Join(parts, ", ")
}

// describe says how long a span holds.
func (s *spanView) describe() []string {
	var parts []string
	if s.Background {
		parts = append(parts, "in the background")
	}
	switch {
	case s.Duration != "":
		parts = append(parts, "holds for "+s.Duration)
	case !s.Background:
		parts = append(parts, "holds for what is during it")
	}
	return parts
}

func (v *planView) writeTotal(out *bytes.Buffer) {
	fmt.Fprintf(out, "\n%s in %s. Seed %d. Nothing was touched.\n", count(len(v.Instances), "instance"), count(v.waves(), "wave"), v.Seed)
}

func (v *planView) waves() int {
	last := 0
	for _, inst := range v.Instances {
		last = max(last, inst.Wave)
	}
	return last
}

// count writes a number with its noun.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// shortDuration is the duration without zero parts: "5m" rather than "5m0s".
func shortDuration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
