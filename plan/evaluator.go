package plan

import (
	"maps"
	"reflect"
	"sync"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"

	"github.com/dcosflow/dcosflow/backends"
	"github.com/dcosflow/dcosflow/dsl"
	"github.com/dcosflow/dcosflow/schema"
)

// evaluator evaluates expressions, at plan time and, when the plan is made,
// from many goroutines at run time.
type evaluator struct {
	// root is the scope of the workflow itself.
	root *scope
	// bindings are those of all scopes; resolving those whose references are
	// being followed.
	bindings, resolving []*binding

	// open makes the instances of a module call; it is for the time of planning.
	open func(*module)
	// functions are those by directory.
	functions map[string]map[string]function.Function
	files     map[string]*hcl.File
	host      dsl.Host
	// static says that unknown values are no mistake: see Input.Static. They
	// follow from one when there are others.
	static bool
	// barred says that finalisers wait for a barrier.
	barred  bool
	secrets *secrets

	// nulls are the values of blocks that are not written, by *schema.Nested.
	nulls sync.Map
	// planned is the world at plan time.
	planned *world
	mutex   sync.Mutex
	running *world
}

// world is what is the same for all instances: the clusters, and the bindings
// that use no steps. At run time it has the nodes' addresses.
type world struct {
	facts    Facts
	nodes    map[string][]cty.Value
	clusters map[string]cty.Value
	values   map[*binding]sharedValue
	// making says that it is not complete yet.
	making bool
}

func newEvaluator(in Input, secrets *secrets) *evaluator {
	w := in.Workflow
	ev := &evaluator{
		files:  w.Files,
		host:   dsl.Host{Files: in.Files, Dir: w.Dir, WorkingDir: in.WorkingDir, Env: in.Env},
		static: in.Static, secrets: secrets, functions: map[string]map[string]function.Function{},
		planned: &world{
			nodes: map[string][]cty.Value{}, clusters: map[string]cty.Value{}, values: map[*binding]sharedValue{},
		},
	}
	ev.root = newScope(ev, w)
	ev.root.functions = ev.functionsIn(w.Dir)
	ev.root.roots = map[string]cty.Value{
		"path": pathsOf(w.Dir, w.Dir),
		"run": cty.ObjectVal(map[string]cty.Value{
			"id":   cty.StringVal(in.Run.ID),
			"seed": cty.NumberIntVal(in.Run.Seed),
			"dir":  cty.StringVal(in.Run.Dir),
		}),
	}
	for _, v := range w.Variables {
		ev.root.variables.add(v.Name, v)
	}
	return ev
}

// functionsIn are those for the files of a directory.
func (ev *evaluator) functionsIn(dir string) map[string]function.Function {
	if ev.functions[dir] == nil {
		host := ev.host
		host.Dir = dir
		ev.functions[dir] = dsl.Functions(host)
	}
	return ev.functions[dir]
}

// world returns what all instances see. That of a run is made once: addresses
// do not change during it.
func (ev *evaluator) world(f Facts) *world {
	if f == nil {
		return ev.planned
	}
	if !reflect.TypeOf(f).Comparable() {
		return ev.worldAt(f)
	}
	ev.mutex.Lock()
	defer ev.mutex.Unlock()
	if ev.running == nil || ev.running.facts != f {
		ev.running = ev.worldAt(f)
	}
	return ev.running
}

func (ev *evaluator) worldAt(f Facts) *world {
	w := &world{
		facts: f, nodes: map[string][]cty.Value{}, clusters: map[string]cty.Value{},
		values: maps.Clone(ev.planned.values), making: true,
	}
	for _, c := range ev.root.clusters.list {
		nodes := f.Nodes(c.name)
		if len(nodes) != len(c.nodes) {
			nodes = c.nodes // not allocated: finalisers still see the names
		}
		w.addCluster(c, nodeValues(nodes))
	}
	for _, b := range ev.bindings {
		if b.ofClusters() {
			delete(w.values, b)
		}
	}
	for _, b := range ev.bindings {
		if b.ofClusters() {
			_ = ev.shared(w, b) // what is wrong is told to those who use it
		}
	}
	w.making = false
	return w
}

// addCluster makes the value of a cluster from those of its nodes, which are in
// the order of its roles.
func (w *world) addCluster(c *cluster, nodes []cty.Value) {
	w.nodes[c.name] = nodes
	attrs := map[string]cty.Value{"name": cty.StringVal(c.name), "nodes": listOf(nodes)}
	for _, r := range c.roles {
		end := min(r.Count, len(nodes))
		attrs[string(r.Role)] = listOf(nodes[:end])
		nodes = nodes[end:]
	}
	w.clusters[c.name] = cty.ObjectVal(attrs)
}

// addOpenCluster makes the value of a cluster whose roles are known, but not how
// many nodes they have.
func (w *world) addOpenCluster(c *cluster) {
	attrs := map[string]cty.Value{"name": cty.StringVal(c.name), "nodes": cty.UnknownVal(nodesType)}
	for _, r := range c.roles {
		attrs[string(r.Role)] = cty.UnknownVal(nodesType)
	}
	w.clusters[c.name] = cty.ObjectVal(attrs)
}

func listOf(nodes []cty.Value) cty.Value {
	if len(nodes) == 0 {
		return cty.ListValEmpty(schema.NodeType)
	}
	return cty.ListVal(nodes)
}

// nodeValues are nodes with their addresses; one that is missing is null.
func nodeValues(nodes []backends.Node) []cty.Value {
	values := make([]cty.Value, len(nodes))
	for i, n := range nodes {
		ip, public := cty.NullVal(cty.String), cty.NullVal(cty.String)
		if n.Private.IsValid() {
			ip = cty.StringVal(n.Private.String())
		}
		if n.Public.IsValid() {
			public = cty.StringVal(n.Public.String())
		}
		values[i] = nodeValue(n, ip, public, cty.StringVal(n.Hostname))
	}
	return values
}

func nodeValue(n backends.Node, ip, public, hostname cty.Value) cty.Value {
	return cty.ObjectVal(map[string]cty.Value{
		"name":      cty.StringVal(n.Name),
		"role":      cty.StringVal(string(n.Role)),
		"index":     cty.NumberIntVal(int64(n.Index)),
		"cluster":   cty.StringVal(n.Cluster),
		"ip":        ip,
		"public_ip": public,
		"hostname":  hostname,
	})
}

// plannedNodes are nodes before the run: their addresses are not known.
func plannedNodes(nodes []backends.Node) []cty.Value {
	later := cty.UnknownVal(cty.String)
	values := make([]cty.Value, len(nodes))
	for i, n := range nodes {
		values[i] = nodeValue(n, later, later, later)
	}
	return values
}
