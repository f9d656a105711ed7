package plan

import (
	"fmt"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/dcosflow/dcosflow/dag"
	"github.com/dcosflow/dcosflow/schema"
)

// child is what happens during a span whose instances were not known yet: the
// ends of it that wait for the start of the span, and that its end waits for.
type child struct {
	first, last end
	// off children demand nothing.
	off bool
	rng hcl.Range
}

// spanned is an instance of a span: its step, and the place of the vertex that
// starts it.
type spanned struct {
	step  *step
	start int
}

// startOf is the vertex that starts a span.
func startOf(span end) end {
	span.id += startSuffix
	return span
}

// spanText finds out whether a step is a span, and checks the arguments that
// only spans have.
func (b *builder) spanText(st *step) {
	typ, args := st.typ, st.args
	st.span = typ.NewSpan != nil && typ.New == nil
	v, ok := b.constant(st.scope, args.Background, schema.Attribute{Name: "background", Type: cty.Bool})
	st.maybe = args.Background != nil && !ok || st.mistyped("background")
	if ok {
		switch {
		case typ.NewSpan == nil && v.True():
			st.maybe = true
			b.problem(args.Background.Range(), fmt.Sprintf("A %q step cannot run in the background", typ.Name), "%s", b.backgroundTypes())
		case typ.New == nil:
			b.problem(args.Background.Range(), `Unneeded "background"`, "A %q step is always a span: it starts when something during it is ready, and ends after that. Leave background out.", typ.Name)
		case v.True():
			st.span = true
		}
	}
	if !st.span {
		b.onlyForSpans(st, args.Duration, "duration")
		b.onlyForSpans(st, args.StopTimeout, "stop_timeout")
		return
	}
	if st.final() {
		st.span, st.maybe = false, true
		b.problem(st.rng, "A finaliser that is a span", "What runs at the end of a run cannot be a span: nothing happens during it. Take `when` away, or write a step that ends by itself.")
	}
	if args.Deadline != nil {
		b.problem(args.Deadline.Range(), "A span with a deadline", "A span starts once: write timeout to bound its start, or duration to say how long it holds.")
	}
	if args.Retry != nil {
		b.problem(args.Retry.Range, "A span with retry", "A span starts once: what happened during it would have to happen again. Put the span and its steps into a group, and `retry` there.")
	}
}

// backgroundTypes says which step types can run in the background.
func (b *builder) backgroundTypes() string {
	var names []string
	for _, t := range b.in.Steps {
		if t.NewSpan != nil && t.New != nil {
			names = append(names, t.Name)
		}
	}
	return fmt.Sprintf("The step types that can are: %s.", enumerate(names))
}

func (b *builder) onlyForSpans(st *step, e hcl.Expression, name string) {
	switch {
	case e == nil || st.maybe: // what is wrong with it has been said
	case st.typ.NewSpan != nil:
		b.problem(e.Range(), fmt.Sprintf("%q without a span", name), "%s is no span: it ends when its work is done. Write background = true to make it one.", st.address())
	default:
		b.problem(e.Range(), fmt.Sprintf("%q without a span", name), "A %q step is no span: it ends when its work is done. To bound it, write timeout.", st.typ.Name)
	}
}

// duringText resolves the literal list of the spans that must hold.
func (b *builder) duringText(u *unit, at site) {
	at.what = "during"
	if len(u.args.During) > 0 && u.final() {
		b.problem(u.args.During[0].Range, "A finaliser during a span", "Spans have ended when %s runs (when = %q). Leave during out.", u.address(), u.meta.when)
		return
	}
	for _, ref := range u.args.During {
		r := b.inList(u, ref, at)
		switch {
		case ref.Root == "group":
			r.problem(ref.Range, "Not a span", "A group is no span, and a span in a group is held for the steps of the group only. Put the span outside of the group, or this step into it.")
		case ref.Root != "step" && ref.Root != "local":
			r.problem(ref.Range, "Not a span", "during lists the spans that must hold: steps such as step.a, or instances of them, such as step.a[node.name].")
		case len(ref.Rest) > 0 && ref.Name != "":
			r.problem(ref.Range, "Not a span", "during lists whole steps: write %s without %s.", r.short(ref), restText(ref.Rest))
		default:
			r.reference(ref)
		}
		b.report(r.diags)
		if r.diags.HasErrors() {
			b.astray = true
			continue
		}
		u.meta.during = append(u.meta.during, r.out.uses...)
	}
}

// spans checks what is said to happen during what, and notes it.
func (b *builder) spans() {
	for _, m := range b.calls {
		b.spansOf(&m.unit, m.width())
	}
	for _, p := range b.parts {
		if p.group != nil {
			b.spansOf(&p.group.unit, p.group.width())
		}
		for _, st := range p.steps() {
			b.spansOf(&st.unit, st.width())
			b.astray = b.astray || st.typ == nil && len(st.meta.during) > 0
		}
	}
	for _, st := range b.all {
		if st.span && st.fan.late && !st.held {
			b.aimless(st, st.address())
		}
	}
}

// spansOf checks what is said to happen during what for one step, group or
// module, which makes a number of vertices.
func (b *builder) spansOf(u *unit, width int) {
	sound, before := []use(nil), len(b.diags)
	for _, use := range u.meta.during {
		switch st := use.step; {
		case st == nil || use.group != nil:
			b.problem(use.rng, "Not a span", "A group is no span. during lists the spans that must hold: steps such as step.a.")
		case st.typ == nil, st.maybe && !st.span: // reported
		case !st.span:
			b.problem(use.rng, "Not a span", "%s is no span: it ends when its work is done, so nothing can happen during it.%s", st.address(), spanHint(st))
		case &st.unit == u:
			b.problem(use.rng, "A step during itself", "%s cannot wait for its own start.", st.address())
		default:
			st.held = true
			if use.key == nil {
				st.wide += width
			}
			sound = append(sound, use)
		}
	}
	b.astray = b.astray || len(b.diags) > before || len(sound) < len(u.meta.during) || u.fan.broken && len(sound) > 0
	u.meta.during = sound
}

func spanHint(st *step) string {
	if st.typ.NewSpan != nil {
		return " Write background = true in it to make it a span, or use depends_on here to run after it."
	}
	return fmt.Sprintf(" %q steps are never spans; use depends_on to run after it.", st.typ.Name)
}

// aimless reports a span that nothing would end (rule 15).
func (b *builder) aimless(st *step, which string) {
	if st.args.Duration == nil && st.typ.New == nil && !b.astray {
		b.problem(st.rng, "A span that holds for nothing", "Nothing happens during %s, so nothing would end it. Write during = [step.%s] in the steps that it is for, or give it a duration, such as duration = \"30s\".", which, st.name)
	}
}

// alone finds the instances of spans during which nothing happens: they start
// without a demand. Of a step, the first that holds for nothing is reported.
func (b *builder) alone() {
	said := map[*step]bool{}
	for _, sp := range b.graph.spans {
		v := &b.graph.vertices[sp.start]
		if b.graph.held[v.Traits.Opens] {
			continue
		}
		v.Traits.Lazy, v.Value.Span.Alone = false, true
		if !said[sp.step] {
			b.aimless(sp.step, string(v.Traits.Opens))
		}
		said[sp.step] = true
	}
}

// hold evaluates what only spans have.
func (ev *evaluator) hold(st *step, fr *frame, inst *Instance) hcl.Diagnostics {
	d := ev.decoding(&st.meta.needs, fr, nil)
	inst.Span = &Span{Alone: !st.held, StopTimeout: d.time(st.meta.stopTimeout, textAttributes["stop_timeout"])}
	if v, known := d.known(st.meta.duration, textAttributes["duration"]); known {
		if inst.Span.Duration = duration(v); inst.Span.Duration == 0 {
			d.problem(st.meta.duration.Range(), "A span that holds for no time", "Write a longer duration, or leave it out: the span holds as long as what is during it.")
		}
	}
	inst.Retry = Retry{Attempts: 1}
	return d.diags
}

// span adds the two vertices of a span and returns the first.
func (d *draft) span(st *step, m *made, traits dag.Traits) dag.ID {
	around := st.region(m.Key)
	last := end{m.ID, around}
	start := *m.Instance
	start.ID, start.Kind, start.Of = startOf(last).id, Start, m.Instance
	start.Configure, start.Enabled, start.Refuse = nil, nil, nil
	opening := traits
	opening.Opens, opening.Span, opening.Lazy, opening.Locks = m.ID, true, st.held, m.Locks
	if st.roll != nil {
		opening.Roll = st.roll.Name
	}
	d.spans = append(d.spans, spanned{st, len(d.vertices)})
	d.vertex(&start, opening, around)
	d.vertex(m.Instance, traits, around)
	d.edges = append(d.edges, placedEdge{dag.Edge{From: m.ID, To: start.ID}, st.rng})
	return start.ID
}

// during lets something happen during spans (rule 13): first waits for their
// starts, and their ends wait for last.
func (d *draft) during(ev *evaluator, first, last end, spans []link, off bool) {
	for _, l := range spans {
		c := child{first, last, off, l.rng}
		if l.one || l.unit.fan.kind == single {
			d.bracket(l.unit.end(l.key), c)
		} else {
			d.duringAll(ev, l.unit, c)
		}
		if d.late != nil && l.unit.within == nil {
			d.duringLater(l)
		}
	}
}

// duringAll lets something happen during all instances of a span.
func (d *draft) duringAll(ev *evaluator, span *unit, c child) {
	switch {
	case span.gated():
		d.bracket(span.gate(), c)
	case !span.fan.late || d.facts != nil:
		for _, fr := range ev.framesNow(span, d.facts) {
			d.bracket(span.end(fr.key), c)
		}
	case d.graph != nil: // what stands for instances to come waits for its like
		d.bracket(span.end(guessKey), c)
	default:
		d.edge(c.first, span.whole(span.expander()), dag.Succeeded, c.rng)
		span.waiting = append(span.waiting, c)
		d.guesses.bracket(span.end(guessKey), c)
	}
}

// duringLater makes spans last until the instances to come are known, and have
// ended.
func (d *draft) duringLater(l link) {
	last, first := d.late.whole(d.late.join()), d.late.whole(d.late.expander())
	all := child{last: last, off: true, rng: l.rng}
	switch {
	case l.unit.fan.late:
		d.graph.edge(first, l.unit.whole(l.unit.expander()), dag.Succeeded, l.rng)
		l.unit.waiting = append(l.unit.waiting, all)
	case l.one || l.unit.fan.kind == single:
		d.graph.bracket(l.unit.end(l.key), all)
	case l.unit.gated():
		d.graph.bracket(l.unit.gate(), all)
	default:
		for _, fr := range l.unit.fan.frames {
			d.graph.bracket(l.unit.end(fr.key), all)
		}
	}
}

// awaited lets what is there already happen during a late span.
func (d *draft) awaited(span *unit, key string) {
	for _, c := range span.waiting {
		d.bracket(span.end(key), c)
	}
}

// bracket puts something between the start and the end of a span. What is known
// to be disabled demands no start (rule 7).
func (d *draft) bracket(span end, c child) {
	if !c.off {
		d.edge(c.first, startOf(span), dag.Succeeded, c.rng)
	}
	d.edge(span, c.last, dag.Settled, c.rng)
	if d.held == nil {
		d.held = map[dag.ID]bool{}
	}
	d.held[span.id] = true
}
