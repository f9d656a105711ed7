package dag

import "container/heap"

// queue is a heap of vertices, the first by less on top.
type queue struct {
	items []int
	less  func(a, b int) bool
}

func byIndex(a, b int) bool { return a < b }

func (q *queue) push(v int) { heap.Push((*heapOf)(q), v) }
func (q *queue) pop() int   { return heap.Pop((*heapOf)(q)).(int) }
func (q *queue) top() int   { return q.items[0] }
func (q *queue) empty() bool {
	return len(q.items) == 0
}

// heapOf keeps the methods that container/heap wants away from queue's users.
type heapOf queue

func (h *heapOf) Len() int           { return len(h.items) }
func (h *heapOf) Less(i, j int) bool { return h.less(h.items[i], h.items[j]) }
func (h *heapOf) Swap(i, j int)      { h.items[i], h.items[j] = h.items[j], h.items[i] }
func (h *heapOf) Push(x any)         { h.items = append(h.items, x.(int)) }
func (h *heapOf) Pop() any {
	last := len(h.items) - 1
	v := h.items[last]
	h.items = h.items[:last]
	return v
}
