package dag

import (
	"fmt"
	"slices"
)

// brackets is what the check of a graph's spans and regions knows.
type brackets[T any] struct {
	*Graph[T]
	opening map[int]int   // of each closing vertex
	around  map[int][]int // the opening vertices of what a vertex happens in, if they hold something
}

// checkBrackets finds what is wrong with spans and regions.
func (g *Graph[T]) checkBrackets() error {
	b := brackets[T]{g, map[int]int{}, map[int][]int{}}
	found := false
	for v := range g.vertices {
		t := &g.vertices[v].Traits
		found = found || t.Region != "" || t.Opens != "" || t.Span || t.Lazy || t.bounded()
		if err := b.checkOpening(v); err != nil {
			return err
		}
	}
	if !found {
		return nil
	}
	for v := range g.vertices {
		if err := b.checkVertex(v); err != nil {
			return err
		}
	}
	return b.checkRolls()
}

func (t *Traits) bounded() bool { return t.Limit != 0 || t.Deadline != 0 }

func (b *brackets[T]) id(v int) ID { return b.vertices[v].ID }

// checkOpening looks at one vertex and, if it opens something, at the pair.
func (b *brackets[T]) checkOpening(v int) error {
	t, id := &b.vertices[v].Traits, b.id(v)
	switch {
	case t.Opens == "" && (t.Span || t.bounded()):
		return fmt.Errorf("vertex %q has the traits of an opening one, and Opens is empty", id)
	case t.Lazy && !t.Span:
		return fmt.Errorf("vertex %q is lazy; only one that opens a span can be", id)
	case t.Opens == "":
		return nil
	case t.Limit < 0 || t.Deadline < 0 || t.bounded() && t.Span:
		return fmt.Errorf("vertex %q has the limit %s and the deadline %s; regions have them, above zero", id, t.Limit, t.Deadline)
	case t.Span && t.Weight != 0:
		return fmt.Errorf("vertex %q has the weight %d; a span holds no slots", id, t.Weight)
	}
	closing, known := b.index[t.Opens]
	if !known {
		return fmt.Errorf("vertex %q opens %q, which does not exist", id, t.Opens)
	}
	if other, twice := b.opening[closing]; twice {
		return fmt.Errorf("vertices %q and %q both open %q", b.id(other), id, t.Opens)
	}
	b.opening[closing] = v
	c := &b.vertices[closing].Traits
	switch {
	case !b.waits(closing, v):
		return fmt.Errorf("vertex %q must wait for %q, which opens it", t.Opens, id)
	case c.Opens != "":
		return fmt.Errorf("vertex %q closes what %q opens, and cannot open %q", t.Opens, id, c.Opens)
	case c.Roll != "" || len(c.Locks) > 0:
		return fmt.Errorf("vertex %q has a roll or locks; they belong to %q, which opens it", t.Opens, id)
	case c.Region != t.Region || c.Final != t.Final:
		return fmt.Errorf("vertices %q and %q are the ends of one bracket, and must both be final or not, and in the same region", id, t.Opens)
	}
	return nil
}

func (b *brackets[T]) waits(v, on int) bool {
	_, found := b.byEnds[[2]int{v, on}]
	return found
}

// ends are the vertices by which one takes part in the graph: those of the
// bracket that it opens or closes, or itself twice.
func (b *brackets[T]) ends(v int) (opening, closing int) {
	if o, closes := b.opening[v]; closes {
		return o, v
	}
	if name := b.vertices[v].Traits.Opens; name != "" {
		return v, b.index[name]
	}
	return v, v
}

// checkVertex looks at what a vertex waits for, and at what it needs together
// with all that it happens in.
func (b *brackets[T]) checkVertex(v int) error {
	if err := b.checkInside(v); err != nil {
		return err
	}
	for _, at := range b.vertices[v].dependencies {
		if err := b.checkEdge(b.edges[at]); err != nil {
			return err
		}
	}
	if _, closes := b.opening[v]; closes {
		return nil
	}
	return b.checkNeeds(v)
}

// checkInside looks whether a vertex of a region is between its ends.
func (b *brackets[T]) checkInside(v int) error {
	t := &b.vertices[v].Traits
	if t.Region == "" {
		return nil
	}
	region, known := b.index[t.Region]
	opening, closes := b.opening[region]
	if !known || !closes || b.vertices[opening].Traits.Span {
		return fmt.Errorf("vertex %q is in %q, which no vertex opens as a region", b.id(v), t.Region)
	}
	first, last := b.ends(v)
	switch {
	case !b.waits(first, opening):
		return fmt.Errorf("vertex %q is in %q, and must wait for %q, which opens that", b.id(first), t.Region, b.id(opening))
	case !b.waits(region, last):
		return fmt.Errorf("vertex %q must wait for %q, which is in it", t.Region, b.id(last))
	case t.Final != b.vertices[region].Traits.Final:
		return fmt.Errorf("vertices %q and %q must both be final or not: one is in the other", b.id(v), t.Region)
	}
	return nil
}

// checkEdge looks whether an edge goes past the ends of a bracket.
func (b *brackets[T]) checkEdge(e edge) error {
	from, to := &b.vertices[e.from], &b.vertices[e.to]
	in, out := from.Traits.Region, to.Traits.Region
	opens := to.Traits.Opens
	between := out == in || out == from.ID || in != "" && opens == in
	switch {
	case !between && in != "":
		return fmt.Errorf("vertex %q is in %q, and waits for %q outside: the vertex that opens %q must do so", from.ID, in, to.ID, in)
	case !between:
		return fmt.Errorf("vertex %q waits for %q, which is in %q: it must wait for that", from.ID, to.ID, out)
	case out == from.ID && e.when == Succeeded:
		return fmt.Errorf("vertex %q must wait for the end of %q, which is in it, not for its success", from.ID, to.ID)
	case !to.Traits.Span || opens == from.ID:
		return nil
	}
	_, last := b.ends(e.from)
	if closing := b.index[opens]; !b.waits(closing, last) {
		return fmt.Errorf("vertex %q happens during %q, which must wait for %q", from.ID, opens, b.id(last))
	}
	if from.Traits.Final != to.Traits.Final {
		return fmt.Errorf("vertices %q and %q must both be final or not: one happens during the other", from.ID, opens)
	}
	return nil
}

// happensIn lists the opening vertices of the brackets in which a vertex
// happens, but those that take no ticket and no lock: there can be very many.
func (b *brackets[T]) happensIn(v int) []int {
	if known, done := b.around[v]; done {
		return known
	}
	var all []int
	add := func(opening int) {
		for _, o := range append(slices.Clip(b.happensIn(opening)), opening) {
			t := &b.vertices[o].Traits
			if (len(t.Locks) > 0 || t.Roll != "") && !slices.Contains(all, o) {
				all = append(all, o)
			}
		}
	}
	t := &b.vertices[v].Traits
	if t.Region != "" {
		add(b.opening[b.index[t.Region]])
	}
	for _, at := range b.vertices[v].dependencies {
		if on := b.edges[at].to; b.vertices[on].Traits.Span {
			add(on)
		}
	}
	b.around[v] = all
	return all
}

// checkNeeds looks whether a vertex can have what it needs while the brackets
// in which it happens have what they need.
func (b *brackets[T]) checkNeeds(v int) error {
	around := b.happensIn(v)
	if len(around) == 0 {
		return nil
	}
	locks, tickets := map[string]int{}, map[string]int{}
	for _, o := range append(slices.Clip(around), v) {
		t := &b.vertices[o].Traits
		_, name := b.ends(o)
		for _, lock := range t.Locks {
			if other, taken := locks[lock]; taken && other != name {
				return fmt.Errorf("vertex %q can never run: %q and %q both need the lock %q at the same time", b.id(v), b.id(other), b.id(name), lock)
			}
			locks[lock] = name
		}
		if t.Roll == "" {
			continue
		}
		tickets[t.Roll]++
		if limit := b.rolls[t.Roll].Limit; tickets[t.Roll] > limit || o == v && tickets[t.Roll] > 1 {
			return fmt.Errorf("vertex %q can never run: it needs %d of the roll %q at once, of which %d may run", b.id(v), tickets[t.Roll], t.Roll, limit)
		}
	}
	return nil
}

// checkRolls looks whether all vertices of a roll are in the same region.
func (b *brackets[T]) checkRolls() error {
	first := map[string]int{}
	for v := range b.vertices {
		t := &b.vertices[v].Traits
		if t.Roll == "" {
			continue
		}
		mate, known := first[t.Roll]
		if !known {
			first[t.Roll] = v
		} else if b.vertices[mate].Traits.Region != t.Region {
			return fmt.Errorf("vertices %q and %q are of one roll, %q, and must be in the same region", b.id(mate), b.id(v), t.Roll)
		}
	}
	return nil
}
