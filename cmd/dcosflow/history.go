package main

import (
	"slices"
	"time"

	"github.com/dcosflow/dcosflow/events/journal"
	"github.com/dcosflow/dcosflow/plan"
)

// history is what the newest runs of a workflow took.
func (a *app) history(workflow string) plan.History {
	runs, all := journal.Past(a.runs(), workflow)
	addresses, types := map[string][]time.Duration{}, map[string][]time.Duration{}
	for _, t := range all {
		addresses[t.Address] = append(addresses[t.Address], t.Took)
		types[t.Type] = append(types[t.Type], t.Took)
	}
	return plan.History{Runs: runs, Addresses: medians(addresses), Types: medians(types)}
}

func medians(samples map[string][]time.Duration) map[string]time.Duration {
	found := make(map[string]time.Duration, len(samples))
	for name, list := range samples {
		slices.Sort(list)
		found[name] = list[len(list)/2]
	}
	return found
}
