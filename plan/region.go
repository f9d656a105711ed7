package plan

import (
	"slices"
	"strings"

	"github.com/dcosflow/dcosflow/dag"
)

// region is a bracket around instances that start and end together: an instance
// of a group, or of a module that is rolled, repeated or bounded.
type region struct {
	// id is that of the closing vertex.
	id dag.ID
	// outer is the region around this one; nil for none.
	outer *region
}

// opening is the vertex that everything in the region waits for.
func (r *region) opening() dag.ID { return r.id + beginSuffix }

const (
	beginSuffix = ":begin"
	startSuffix = ":start"
)

// written is the address by which the author of the workflow knows a vertex.
func written(id dag.ID) dag.ID {
	for _, suffix := range []string{beginSuffix, startSuffix, gateSuffix} {
		id = dag.ID(strings.TrimSuffix(string(id), suffix))
	}
	return id
}

// opens reports whether a vertex is the beginning of another one.
func opens(opening, of dag.ID) bool { return opening != of && written(opening) == of }

// opens says whether a vertex opens r or a region around it.
func (r *region) opens(id dag.ID) bool {
	for ; r != nil; r = r.outer {
		if r.opening() == id {
			return true
		}
	}
	return false
}

// name is the id, empty for no region.
func (r *region) name() dag.ID {
	if r == nil {
		return ""
	}
	return r.id
}

// path lists the regions from the outermost one to r.
func (r *region) path() []*region {
	var path []*region
	for ; r != nil; r = r.outer {
		path = append(path, r)
	}
	slices.Reverse(path)
	return path
}

// end is a vertex as an end of an edge, with the innermost region around it.
type end struct {
	id     dag.ID
	region *region
}

// lift moves an edge to the borders of the regions that only one of its ends is
// in: what an inner step waits for, the opening waits for, and what waits for an
// inner step waits for the whole (rule 11).
func lift(from, to end) (dag.ID, dag.ID) {
	if from.region == to.region {
		return from.id, to.id
	}
	outer, inner := from.region.path(), to.region.path()
	for len(outer) > 0 && len(inner) > 0 && outer[0].id == inner[0].id {
		outer, inner = outer[1:], inner[1:]
	}
	if len(outer) > 0 {
		from.id = outer[0].opening()
	}
	if len(inner) > 0 {
		to.id = inner[0].id
	}
	return from.id, to.id
}
