package dag

import "fmt"

// expand applies an expansion that a running vertex asks for. It is tried out
// on a scratch graph first, so that an error changes nothing.
func (r *run[T]) expand(asker int, e Expansion[T]) error {
	if r.progress[asker].state != Running {
		return errOver
	}
	if err := r.checkWaiting(e.Edges); err != nil {
		return err
	}
	scratch := r.scratch(e)
	if err := e.apply(scratch); err != nil {
		return err
	}
	if err := scratch.checkRolls(); err != nil {
		return err
	}
	if _, err := scratch.order(); err != nil {
		return err
	}
	first := r.graph.Len()
	grown := r.graph
	bracketed := r.concernsBrackets(e)
	if !r.owned || bracketed {
		grown = r.graph.clone()
	}
	if err := e.apply(grown); err != nil {
		return err
	}
	if bracketed {
		if err := grown.checkBrackets(); err != nil {
			return err
		}
	}
	r.graph, r.owned = grown, true
	r.admit(first, moment{r.settled, r.graph.vertices[asker].ID})
	for _, edge := range e.Edges {
		if b := r.closes(r.graph.index[edge.From]); b != nil {
			r.partOf(r.graph.index[edge.To])
		}
	}
	for _, edge := range e.Edges {
		r.await(r.graph.index[edge.From])
	}
	return nil
}

// checkWaiting looks whether those that are to wait for more still can.
func (r *run[T]) checkWaiting(edges []Edge) error {
	for _, edge := range edges {
		v, exists := r.graph.index[edge.From]
		if !exists {
			continue
		}
		p := &r.progress[v]
		state := p.state.String()
		if b := r.closes(v); b != nil && b.ending {
			state = "ending"
		} else if p.part != nil && p.part.reserved {
			state = "starting"
		}
		if p.state != Pending || state != p.state.String() {
			return fmt.Errorf("vertex %q cannot be made to wait for %q: it is %s already", edge.From, edge.To, state)
		}
	}
	return nil
}

// concernsBrackets says whether an expansion adds to spans or regions.
func (r *run[T]) concernsBrackets(e Expansion[T]) bool {
	for _, v := range e.Vertices {
		if v.Traits.Opens != "" || v.Traits.Region != "" {
			return true
		}
	}
	for _, edge := range e.Edges {
		for _, id := range []ID{edge.From, edge.To} {
			if v, exists := r.graph.index[id]; exists && r.progress[v].part != nil {
				return true
			}
		}
	}
	return false
}

func (e Expansion[T]) apply(g *Graph[T]) error {
	for _, roll := range e.Rolls {
		if err := g.SetRoll(roll); err != nil {
			return err
		}
	}
	for _, v := range e.Vertices {
		if err := g.Add(v.ID, v.Value, v.Traits); err != nil {
			return err
		}
	}
	for _, edge := range e.Edges {
		if err := g.DependOn(edge.From, edge.To, edge.When); err != nil {
			return err
		}
	}
	return nil
}

// scratch is the part of the graph that an expansion may clash with: what it
// names, and the pending vertices through which a cycle could go.
func (r *run[T]) scratch(e Expansion[T]) *Graph[T] {
	s := New[T]()
	for _, roll := range e.Rolls {
		r.copyRoll(s, roll.Name)
	}
	for _, v := range e.Vertices {
		r.copyRoll(s, v.Traits.Roll)
		r.copyPending(s, v.ID)
	}
	for _, edge := range e.Edges {
		r.copyPending(s, edge.From)
		r.copyPending(s, edge.To)
	}
	return s
}

func (r *run[T]) copyRoll(s *Graph[T], name string) {
	if roll, known := r.graph.Roll(name); known {
		s.rolls[name] = roll
	}
}

// copyPending adds an existing vertex to s and, if it is pending, everything
// that it waits for.
func (r *run[T]) copyPending(s *Graph[T], id ID) {
	if !r.graph.Has(id) || s.Has(id) {
		return
	}
	s.insert(Vertex[T]{ID: id})
	for open := []ID{id}; len(open) > 0; {
		id, open = open[len(open)-1], open[:len(open)-1]
		v := r.graph.index[id]
		if r.progress[v].state != Pending {
			continue
		}
		for _, edge := range r.graph.Dependencies(id) {
			if !s.Has(edge.To) {
				s.insert(Vertex[T]{ID: edge.To})
				open = append(open, edge.To)
			}
			s.connect(s.index[id], s.index[edge.To], edge.When)
		}
	}
}
