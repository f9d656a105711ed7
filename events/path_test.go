package events_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/dcosflow/dcosflow/events"
)

// at makes records of events that happen at some second.
func at(second int, e events.Event) events.Record {
	return events.Record{Time: time.Date(2026, 1, 2, 3, 4, second, 0, time.UTC), Event: e}
}

func began(address string) events.InstanceStarted {
	return events.InstanceStarted{Address: address, Attempt: 1, Attempts: 1}
}

func ended(address string, took int, after string) events.InstanceEnded {
	return events.InstanceEnded{Address: address, State: events.Succeeded, Took: time.Duration(took) * time.Second, After: after}
}

func TestCriticalPath(t *testing.T) {
	off := ended("step.off", 0, "step.a")
	off.State = events.Disabled
	reused := ended("step.reused", 0, "")
	reused.State = events.Reused
	tests := map[string]struct {
		records []events.Record
		want    string
	}{
		"nothing ended": {[]events.Record{at(0, events.RunStarted{}), at(1, began("step.a"))}, "[] 0s"},
		"the chain of the last one": {[]events.Record{
			at(0, began("step.a")), at(0, began("step.b")), at(5, ended("step.a", 5, "")), at(6, began("step.c")),
			at(8, ended("step.b", 8, "")), at(9, ended("step.c", 3, "step.a")),
		}, "[step.a step.c] 8s"},
		"through one that did no work": {[]events.Record{
			at(0, began("step.a")), at(5, ended("step.a", 5, "")), at(5, off), at(6, began("step.c")), at(9, ended("step.c", 3, "step.off")),
		}, "[step.a step.c] 8s"},
		"what was done before does not count": {[]events.Record{
			at(0, reused), at(1, began("step.a")), at(5, ended("step.a", 4, "step.reused")),
		}, "[step.a] 4s"},
		"a circle": {[]events.Record{
			at(0, began("step.a")), at(1, began("step.b")), at(5, ended("step.a", 4, "step.b")), at(6, ended("step.b", 5, "step.a")),
		}, "[step.a step.b] 5s"},
		"a span that ends after what happened during it": {[]events.Record{
			at(0, began("step.a")), at(2, ended("step.a", 2, "")), at(2, began("step.span")), at(3, began("step.child")),
			at(7, ended("step.child", 4, "step.a")), at(8, ended("step.span", 6, "step.child")),
		}, "[step.a step.child step.span] 7s"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			p := events.Fold(test.records).CriticalPath()
			addresses := []string{}
			for _, i := range p.Instances {
				addresses = append(addresses, i.Address)
			}
			if got := fmt.Sprint(addresses, " ", p.Took); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}
