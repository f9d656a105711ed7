package dag

import (
	"errors"
	"fmt"
	"maps"
	"slices"
)

// Graph is a set of vertices with a payload each, and edges between them. It
// remembers the order of additions, which breaks every tie. Reading it from
// several goroutines is safe, changing it is not.
type Graph[T any] struct {
	vertices []vertex[T]
	index    map[ID]int
	edges    []edge
	byEnds   map[[2]int]int // from and to, to the place in edges
	rolls    map[string]Roll
}

type vertex[T any] struct {
	Vertex[T]
	dependencies []int // places in edges
	dependants   []int
}

type edge struct {
	from, to int
	when     Trigger
}

// New returns an empty graph.
func New[T any]() *Graph[T] {
	return &Graph[T]{index: map[ID]int{}, byEnds: map[[2]int]int{}, rolls: map[string]Roll{}}
}

// Add appends a vertex. It is an error when the id is empty or exists already
// or the weight is negative.
func (g *Graph[T]) Add(id ID, value T, traits Traits) error {
	if id == "" {
		return errors.New("a vertex needs an id")
	}
	if g.Has(id) {
		return fmt.Errorf("vertex %q exists already", id)
	}
	if traits.Weight < 0 {
		return fmt.Errorf("vertex %q has the weight %d; it must not be negative", id, traits.Weight)
	}
	g.insert(Vertex[T]{ID: id, Value: value, Traits: traits})
	return nil
}

func (g *Graph[T]) insert(v Vertex[T]) {
	g.index[v.ID] = len(g.vertices)
	g.vertices = append(g.vertices, vertex[T]{Vertex: v})
}

// DependOn makes id wait for on. Both must exist. Of two equal edges one
// remains, with the stronger trigger: Succeeded. An edge that closes a cycle is
// accepted; Order finds it.
func (g *Graph[T]) DependOn(id, on ID, when Trigger) error {
	from, known := g.index[id]
	if !known {
		return fmt.Errorf("vertex %q, which waits for %q, does not exist", id, on)
	}
	to, known := g.index[on]
	if !known {
		return fmt.Errorf("vertex %q, for which %q waits, does not exist", on, id)
	}
	g.connect(from, to, when)
	return nil
}

func (g *Graph[T]) connect(from, to int, when Trigger) {
	ends := [2]int{from, to}
	if at, exists := g.byEnds[ends]; exists {
		g.edges[at].when = min(g.edges[at].when, when) // Succeeded is the least
		return
	}
	at := len(g.edges)
	g.byEnds[ends] = at
	g.edges = append(g.edges, edge{from, to, when})
	g.vertices[from].dependencies = append(g.vertices[from].dependencies, at)
	g.vertices[to].dependants = append(g.vertices[to].dependants, at)
}

// SetRoll declares the roll that vertices name in their traits, before or after
// they are added. The same roll twice is fine; a different one of the same name
// and a limit below 1 are errors.
func (g *Graph[T]) SetRoll(r Roll) error {
	if r.Limit < 1 {
		return fmt.Errorf("roll %q has the limit %d; it must be at least 1", r.Name, r.Limit)
	}
	if old, exists := g.rolls[r.Name]; exists && old != r {
		return fmt.Errorf("roll %q exists already, with other settings", r.Name)
	}
	g.rolls[r.Name] = r
	return nil
}

// Roll returns a declared roll.
func (g *Graph[T]) Roll(name string) (Roll, bool) {
	r, known := g.rolls[name]
	return r, known
}

// Len is the number of vertices.
func (g *Graph[T]) Len() int { return len(g.vertices) }

// Has says whether the vertex exists.
func (g *Graph[T]) Has(id ID) bool {
	_, known := g.index[id]
	return known
}

// IDs lists the vertices in the order of their addition.
func (g *Graph[T]) IDs() []ID {
	ids := make([]ID, len(g.vertices))
	for i := range g.vertices {
		ids[i] = g.vertices[i].ID
	}
	return ids
}

// Value returns the payload of a vertex, the zero value for an unknown one.
func (g *Graph[T]) Value(id ID) T {
	if i, known := g.index[id]; known {
		return g.vertices[i].Value
	}
	var zero T
	return zero
}

// Traits returns the traits of a vertex, the zero value for an unknown one.
func (g *Graph[T]) Traits(id ID) Traits {
	if i, known := g.index[id]; known {
		return g.vertices[i].Traits
	}
	return Traits{}
}

// Dependencies lists the edges from id to what it waits for, in the order of
// their addition.
func (g *Graph[T]) Dependencies(id ID) []Edge {
	if i, known := g.index[id]; known {
		return g.named(g.vertices[i].dependencies)
	}
	return nil
}

// Dependants lists the edges to id from what waits for it, in the order of
// their addition.
func (g *Graph[T]) Dependants(id ID) []Edge {
	if i, known := g.index[id]; known {
		return g.named(g.vertices[i].dependants)
	}
	return nil
}

func (g *Graph[T]) named(places []int) []Edge {
	edges := make([]Edge, len(places))
	for i, at := range places {
		e := g.edges[at]
		edges[i] = Edge{From: g.vertices[e.from].ID, To: g.vertices[e.to].ID, When: e.when}
	}
	return edges
}

// clone copies what a change of the graph would change.
func (g *Graph[T]) clone() *Graph[T] {
	c := &Graph[T]{
		vertices: slices.Clone(g.vertices), index: maps.Clone(g.index),
		edges: slices.Clone(g.edges), byEnds: maps.Clone(g.byEnds), rolls: maps.Clone(g.rolls),
	}
	for i := range c.vertices {
		v := &c.vertices[i]
		v.dependencies, v.dependants = slices.Clip(v.dependencies), slices.Clip(v.dependants)
	}
	return c
}
