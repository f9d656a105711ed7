package dag

// Order lists the vertices so that each comes after what it waits for; among
// those that could come next, the one added first does. The error is a
// *CycleError.
func (g *Graph[T]) Order() ([]ID, error) {
	order, err := g.order()
	if err != nil {
		return nil, err
	}
	ids := make([]ID, len(order))
	for i, v := range order {
		ids[i] = g.vertices[v].ID
	}
	return ids, nil
}

// Waves groups the vertices by the length of the longest chain that they wait
// for; inside a wave they keep the order of their addition. The error is a
// *CycleError.
func (g *Graph[T]) Waves() ([][]ID, error) {
	order, err := g.order()
	if err != nil {
		return nil, err
	}
	depth := make([]int, len(g.vertices))
	deepest := -1
	for _, v := range order {
		for _, at := range g.vertices[v].dependencies {
			depth[v] = max(depth[v], depth[g.edges[at].to]+1)
		}
		deepest = max(deepest, depth[v])
	}
	waves := make([][]ID, deepest+1)
	for v := range g.vertices {
		waves[depth[v]] = append(waves[depth[v]], g.vertices[v].ID)
	}
	return waves, nil
}

func (g *Graph[T]) order() ([]int, error) {
	waiting := make([]int, len(g.vertices))
	ready := queue{less: byIndex}
	for v := range g.vertices {
		waiting[v] = len(g.vertices[v].dependencies)
		if waiting[v] == 0 {
			ready.push(v)
		}
	}
	order := make([]int, 0, len(g.vertices))
	for !ready.empty() {
		v := ready.pop()
		order = append(order, v)
		for _, at := range g.vertices[v].dependants {
			from := g.edges[at].from
			if waiting[from]--; waiting[from] == 0 {
				ready.push(from)
			}
		}
	}
	if len(order) < len(g.vertices) {
		return nil, g.cycle(waiting)
	}
	return order, nil
}
