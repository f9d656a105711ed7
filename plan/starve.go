package plan

import (
	"fmt"
	"slices"

	"github.com/dcosflow/dcosflow/dag"
)

// starved finds spans that would wait for ever: what they hold is needed by
// something that they wait for (rule 14).
func (b *builder) starved(g *dag.Graph[*Instance], vertices []dag.Vertex[*Instance]) {
	said := map[string]bool{}
	members, takers := map[string]int{}, map[string]int{}
	for _, v := range vertices {
		members[v.Traits.Roll]++
		for _, lock := range v.Traits.Locks {
			takers[lock]++
		}
	}
	for _, v := range vertices {
		roll, rolled := b.plan.Graph.Roll(v.Traits.Roll)
		shares := slices.ContainsFunc(v.Traits.Locks, func(lock string) bool { return takers[lock] > 1 })
		if v.Value.Kind != Start || !shares && (!rolled || members[roll.Name] <= roll.Limit) {
			continue // nobody else wants what it holds
		}
		before := map[dag.ID]bool{v.ID: true}
		reach(g, v.ID, before)
		for _, id := range reach(g, v.Value.Of.ID, before) {
			b.contest(v, dag.Vertex[*Instance]{ID: id, Value: g.Value(id), Traits: g.Traits(id)}, members, said)
		}
	}
}

// reach lists what a vertex waits for, the nearest first, without what has been
// seen.
func reach(g *dag.Graph[*Instance], id dag.ID, seen map[dag.ID]bool) []dag.ID {
	var found []dag.ID
	for next := 0; ; next++ {
		for _, e := range g.Dependencies(id) {
			if !seen[e.To] {
				seen[e.To] = true
				found = append(found, e.To)
			}
		}
		if next == len(found) {
			return found
		}
		id = found[next]
	}
}

// contest reports what a span holds and something that it waits for needs. A
// roll whose members all have a place is no problem.
func (b *builder) contest(span, other dag.Vertex[*Instance], members map[string]int, said map[string]bool) {
	holder, needer := span.Value, other.Value
	for _, lock := range span.Traits.Locks {
		if !slices.Contains(other.Traits.Locks, lock) || said[holder.Step+" "+needer.Step] {
			continue
		}
		said[holder.Step+" "+needer.Step] = true
		b.problem(needer.Range, "A lock that never comes free", "%s needs the lock %q. %s (%s) holds it, and ends only when %s has ended. Take the lock away from one of them.",
			needer.title(), lock, holder.title(), place(holder.Range), needer.title())
	}
	roll, rolled := b.plan.Graph.Roll(span.Traits.Roll)
	if !rolled || other.Traits.Roll != span.Traits.Roll || members[roll.Name] <= roll.Limit || said[roll.Name] {
		return
	}
	said[roll.Name] = true
	b.problem(holder.Range, "A roll that cannot go on", "%s ends only when %s has started and ended, and max_parallel = %d lets too few of them hold at once. Let what happens during them name one instance, such as during = [%s[...]], or take max_parallel away.",
		holder.title(), needer.title(), roll.Limit, roll.Name)
}

// title is what a person calls an instance.
func (i *Instance) title() string {
	if i.Of != nil {
		i = i.Of
	}
	return fmt.Sprint(i.ID)
}
