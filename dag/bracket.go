package dag

import (
	"context"
	"time"
)

// part is what brackets have to do with a vertex: it opens or closes one, is
// inside one, or happens during one. Other vertices have none.
type part struct {
	own      *bracket        // that it opens or closes
	region   *bracket        // the innermost one around it
	dormant  bool            // opens a lazy span, and waits for nothing but a demand
	wanted   bool            // opens a lazy span, and opens it without a demand
	reserved bool            // has all that it needs, and waits for spans to open
	cut      *cut            // why it may not go on
	ctx      context.Context // of its visit
	cancel   context.CancelCauseFunc
}

// bracket is what the coordinator knows of a span or a region.
type bracket struct {
	opening, closing int
	span             bool
	took             bool        // its opening vertex holds ticket and locks
	told             bool        // its failure has had its consequences
	end              *Transition // becomes the closing vertex's, once that waits for nothing

	// Of a span.
	holding bool          // its visit has called Hold, and has not returned
	broken  bool          // it ended too early for what happens during it
	over    chan struct{} // nil before Hold
	ending  bool          // over is closed

	// Of a region.
	inner    []int
	failures []Failure
	opened   moment
	begun    time.Time // when it was opened
	attempt  int
	timer    *time.Timer
}

// partOf is that of a vertex; it gets one when it has none.
func (r *run[T]) partOf(v int) *part {
	p := &r.progress[v]
	if p.part == nil {
		p.part = &part{}
	}
	return p.part
}

// admitBrackets makes the brackets known that vertices from the first on open,
// and what is inside them.
func (r *run[T]) admitBrackets(first int) {
	var fresh []*bracket
	for v := first; v < r.graph.Len(); v++ {
		if t := &r.graph.vertices[v].Traits; t.Opens != "" {
			b := &bracket{opening: v, closing: r.graph.index[t.Opens], span: t.Span}
			r.partOf(b.opening).own, r.partOf(b.closing).own = b, b
			fresh = append(fresh, b)
		}
	}
	for v := first; v < r.graph.Len(); v++ {
		if name := r.graph.vertices[v].Traits.Region; name != "" {
			region := r.partOf(r.graph.index[name]).own
			region.inner = append(region.inner, v)
			r.partOf(v).region = region
		}
	}
	for _, b := range fresh {
		r.during(b, func(child int) { r.partOf(child) })
	}
}

// during calls do for each vertex for which the closing one of a span waits.
func (r *run[T]) during(b *bracket, do func(child int)) {
	for _, at := range r.graph.vertices[b.closing].dependencies {
		if child := r.graph.edges[at].to; child != b.opening {
			do(child)
		}
	}
}

// opens is the bracket that a vertex opens, nil if none.
func (r *run[T]) opens(v int) *bracket {
	if x := r.progress[v].part; x != nil && x.own != nil && x.own.opening == v {
		return x.own
	}
	return nil
}

// closes is the bracket that a vertex closes, nil if none.
func (r *run[T]) closes(v int) *bracket {
	if x := r.progress[v].part; x != nil && x.own != nil && x.own.closing == v {
		return x.own
	}
	return nil
}

// named is the vertex by whose name reports know v: a bracket has that of its
// closing vertex.
func (r *run[T]) named(v int) int {
	if b := r.opens(v); b != nil {
		return b.closing
	}
	return v
}

// decideInside settles a pending vertex that waits for nothing when brackets
// decide what becomes of it; otherwise it returns false.
func (r *run[T]) decideInside(v int) bool {
	x := r.progress[v].part
	if b := r.closes(v); b != nil && (b.span || b.end != nil) {
		r.close(b)
		return true
	}
	switch {
	case x.cut != nil:
		r.settle(v, Transition{State: Skipped, Cause: x.cut.cause})
	case x.region != nil && r.progress[x.region.opening].state == Disabled:
		r.settle(v, Transition{State: Disabled})
	default:
		return false
	}
	return true
}

// close settles the closing vertex of a bracket whose end is known; that of an
// open span is only to come.
func (r *run[T]) close(b *bracket) {
	if b.end != nil {
		r.settle(b.closing, *b.end)
		return
	}
	r.finish(b)
}

// leave says whether a vertex that settles ran, and whether it gives back what
// it holds: an opening vertex leaves that to the closing one.
func (r *run[T]) leave(v int) (ran, gives bool) {
	p, x := &r.progress[v], r.progress[v].part
	r.stir(v)
	ran = p.state == Running
	gives = (ran || x.reserved) && r.opens(v) == nil
	x.reserved = false
	if b := r.closes(v); b != nil {
		ran = ran || b.took
	}
	return ran, gives
}

// left tells the bracket of a vertex that settled.
func (r *run[T]) left(v int, t Transition) {
	if b := r.opens(v); b != nil {
		r.openingSettled(b, t)
	}
	if b := r.closes(v); b != nil {
		r.closingSettled(b)
	}
}

// openingSettled draws the consequences for the bracket: a region is open now,
// and what did not open ends like its opening vertex.
func (r *run[T]) openingSettled(b *bracket, t Transition) {
	switch {
	case t.State != Done || b.span && !b.holding:
		b.end = &t
		r.handBack(b, b.opening)
	case !b.span:
		b.opened, b.begun = r.now(b.opening), time.Now()
		r.startAttempt(b)
	}
}

func (r *run[T]) closingSettled(b *bracket) {
	r.stopTimer(b)
	r.handBack(b, b.closing)
}

// handBack gives back what the bracket holds when v, one of its ends, settles.
func (r *run[T]) handBack(b *bracket, v int) {
	if b.took {
		b.took = false
		r.giveBack(b.opening, r.now(v))
	}
}
