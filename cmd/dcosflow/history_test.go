package main

import (
	"maps"
	"testing"
	"time"
)

func TestMedians(t *testing.T) {
	got := medians(map[string][]time.Duration{"one": {5}, "odd": {9, 1, 2}, "even": {4, 1, 3, 2}})
	want := map[string]time.Duration{"one": 5, "odd": 2, "even": 3}
	if !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
