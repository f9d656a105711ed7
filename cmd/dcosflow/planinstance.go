package main

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dcosflow/dcosflow/dag"
	"github.com/dcosflow/dcosflow/plan"
)

// instanceView is one instance, also of a group, or a fan-out whose keys are
// known only at run time. It is shown where it starts.
type instanceView struct {
	Address string `json:"address"`
	Type    string `json:"type"`
	Cluster string `json:"cluster,omitempty"`
	Node    string `json:"node,omitempty"`
	// Wave counts from 1; an instance needs only those of earlier waves.
	Wave  int       `json:"wave"`
	When  plan.When `json:"when"`
	Needs []dag.ID  `json:"needs,omitempty"`
	// During are the spans that hold while it runs; all instances of one have
	// its address, step.x.
	During      []dag.ID  `json:"during,omitempty"`
	Span        *spanView `json:"span,omitempty"`
	KnownAfter  []dag.ID  `json:"known_after,omitempty"`
	Timeout     string    `json:"timeout,omitempty"`
	Attempts    int       `json:"attempts,omitempty"`
	RetryOn     []string  `json:"retry_on,omitempty"`
	MaxParallel int       `json:"max_parallel,omitempty"`
	Locks       []string  `json:"locks,omitempty"`
	Tolerated   bool      `json:"tolerated,omitempty"`
	Added       bool      `json:"added,omitempty"`
	// Off says that it is known to be disabled.
	Off         bool   `json:"disabled,omitempty"`
	Description string `json:"description,omitempty"`
	Source      string `json:"source,omitempty"`
	// Expected is how long it will take, as it did in earlier runs itself
	// (address) or as others of its type did (type).
	Expected     time.Duration `json:"expected_ns,omitempty"`
	ExpectedFrom plan.Basis    `json:"expected_from,omitempty"`
}

// spanView is what is special to a span.
type spanView struct {
	// Background says that it is a step that could do its work in the foreground
	// too.
	Background  bool   `json:"background,omitempty"`
	Duration    string `json:"duration,omitempty"`
	StopTimeout string `json:"stop_timeout,omitempty"`
	// Alone says that nothing is during it.
	Alone bool `json:"alone,omitempty"`
}

// viewInstance shows an instance by its first vertex.
func viewInstance(g *dag.Graph[*plan.Instance], id dag.ID, wave int) instanceView {
	inst, traits := g.Value(id), g.Traits(id)
	if traits.Opens != "" {
		inst = g.Value(traits.Opens)
	}
	view := instanceView{
		Address: string(inst.ID), Type: typeOf(inst), Cluster: inst.Cluster, Node: inst.Node,
		Wave: wave, When: inst.When, Span: viewSpan(inst),
		Tolerated: inst.Tolerated, Added: inst.Added, Description: inst.Description, Source: place(inst.Range),
		Locks: inst.Locks, During: compact(slices.Clone(inst.During)), Off: inst.Off,
	}
	view.Needs = needs(g, id)
	if inst.Basis != "" {
		view.Expected, view.ExpectedFrom = inst.Expected, inst.Basis
	}
	if view.Cluster == "" {
		view.Cluster = inst.Subject
	}
	if inst.Kind == plan.Expander {
		view.KnownAfter = view.Needs
	}
	if inst.Timeout > 0 {
		view.Timeout = shortDuration(inst.Timeout)
	}
	if inst.Retry.Attempts > 1 {
		view.Attempts, view.RetryOn = inst.Retry.Attempts, inst.Retry.On
	}
	if roll, rolled := g.Roll(traits.Roll); rolled {
		view.MaxParallel = roll.Limit
	}
	return view
}

// typeOf is the type of a step, or what else the instance is of.
func typeOf(inst *plan.Instance) string {
	if inst.Type != nil {
		return inst.Type.Name
	}
	address := strings.TrimSuffix(string(inst.ID), "[*]")
	if inst.Keyed {
		address = strings.TrimSuffix(address, "["+strconv.Quote(inst.Key)+"]")
	}
	if strings.HasSuffix(address, "group."+inst.Step) {
		return "group"
	}
	return "module"
}

func viewSpan(inst *plan.Instance) *spanView {
	if inst.Span == nil {
		return nil
	}
	view := &spanView{Background: inst.Type.New != nil, Alone: inst.Span.Alone}
	if d := inst.Span.Duration; d > 0 {
		view.Duration = shortDuration(d)
	}
	if d := inst.Span.StopTimeout; d > 0 {
		view.StopTimeout = shortDuration(d)
	}
	return view
}

// visible says whether a vertex is where work begins that a user knows of,
// rather than a joint of the graph.
func visible(inst *plan.Instance) bool {
	switch inst.Kind {
	case plan.Work:
		return inst.Span == nil
	case plan.Expander, plan.Start, plan.Opening:
		return true
	}
	return false
}

// needs lists what an instance waits for. A whole step has its address, step.x:
// its instances in the list of each that waits would be quadratic. The barrier
// is not listed: every finaliser waits for it; nor is the beginning of the group
// that a step is in, nor are the spans that it is during.
func needs(g *dag.Graph[*plan.Instance], id dag.ID) []dag.ID {
	var list []dag.ID
	late := g.Value(id).Kind == plan.Expander
	for _, e := range g.Dependencies(id) {
		switch kind := g.Value(e.To).Kind; {
		case kind == plan.Barrier || kind == plan.Opening || kind == plan.Start || kind == plan.Gate:
		case kind == plan.Expander && !late: // of a span: others are waited for as a whole
		default:
			list = append(list, e.To)
		}
	}
	return compact(list)
}
