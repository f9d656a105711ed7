package plan

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/dcosflow/dcosflow/backends"
	"github.com/dcosflow/dcosflow/dsl"
)

// maxCount bounds counts, so that a typo does not fill the memory.
const maxCount = 20_000

// roleName is what a role may be called: its nodes' names are host names.
var roleName = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,40}$`)

// refusedRoles are attributes of a cluster that are not roles.
var refusedRoles = []string{"nodes", "name", "backend"}

// clusters evaluates the cluster blocks: role counts and node names are known
// at plan time.
func (b *builder) clusters() {
	for _, c := range b.ev.root.clusters.list {
		backend := b.clusterBackend(c)
		b.roles(c)
		b.plan.Clusters = append(b.plan.Clusters, Cluster{Name: c.name, Backend: backend, Roles: c.roles, Nodes: c.nodes})
		if c.open {
			b.ev.static = true // that its nodes are not known is no news
			if c.named {
				b.ev.planned.addOpenCluster(c)
			}
			continue
		}
		b.ev.planned.addCluster(c, plannedNodes(c.nodes))
	}
}

// clusterBackend returns the name of a cluster's backend, "" when there is
// none, for a reason that has been reported or cannot be known.
func (b *builder) clusterBackend(c *cluster) string {
	declared := b.ev.root.backends
	if c.decl.Backend == nil {
		if len(declared.list) == 1 {
			c.typ = b.backendType(declared.list[0].Type)
			return declared.list[0].Name
		}
		if !c.decl.Flawed {
			b.noBackend(c)
		}
		return ""
	}
	x, diags := b.ev.root.resolve(c.decl.Backend, site{what: "the backend of a cluster", backends: true})
	if diags.HasErrors() {
		b.report(diags)
		return ""
	}
	ctx, diags := b.ev.context(&x.needs, nil, nil)
	ctx.Variables["backend"] = backendNames(declared.list)
	v, more := dsl.EvaluateStrict(x.source, ctx)
	if diags = append(diags, more...); diags.HasErrors() {
		for _, d := range diags {
			d.Detail = fmt.Sprintf("%s The workflow declares %s.", d.Detail, enumerate(declared.names))
		}
		b.report(diags)
		return ""
	}
	v, _ = v.UnmarkDeep()
	if !v.IsWhollyKnown() && b.ev.static {
		return ""
	}
	name, ok := attributeText(v, "backend")
	if !ok {
		b.problem(x.Range(), "Not a backend", "Write backend.NAME, or backend[var.x] with a name that is known before the run. The workflow declares %s.", enumerate(declared.names))
		return ""
	}
	c.typ = b.backendType(declared.byName[name].Type)
	return name
}

// backendNames is the root `backend`: an object that only clusters take.
func backendNames(declared []*dsl.Backend) cty.Value {
	names := make(map[string]cty.Value, len(declared))
	for _, d := range declared {
		names[d.Name] = cty.ObjectVal(map[string]cty.Value{"backend": cty.StringVal(d.Name)})
	}
	return cty.ObjectVal(names)
}

// attributeText returns a known string attribute of an object.
func attributeText(v cty.Value, name string) (string, bool) {
	if !v.IsKnown() || v.IsNull() || !v.Type().IsObjectType() || !v.Type().HasAttribute(name) {
		return "", false
	}
	attr, _ := v.GetAttr(name).Unmark()
	if attr.Type() != cty.String || !attr.IsKnown() || attr.IsNull() {
		return "", false
	}
	return attr.AsString(), true
}

func (b *builder) noBackend(c *cluster) {
	declared := b.ev.root.backends.names
	if len(declared) == 0 {
		types := b.backendTypeNames()
		b.problem(c.decl.Range, fmt.Sprintf("Cluster %q has no backend", c.name),
			"The workflow declares no backend. Write one, such as: backend %q \"main\" {}. %s", append(types, "docker")[0], thereIs(types))
		return
	}
	b.problem(c.decl.Range, fmt.Sprintf("Cluster %q has no backend", c.name),
		"The workflow declares several backends: %s. Say which one: backend = backend.%s.", enumerate(declared), declared[0])
}

// roles evaluates the counts of a cluster. Their order is that of the file
// where they stand there literally, else that of their names.
func (b *builder) roles(c *cluster) {
	if c.decl.Roles == nil {
		return // reported by the loader
	}
	x, diags := b.ev.root.resolve(c.decl.Roles, site{what: "the roles of a cluster"})
	if diags.HasErrors() {
		b.report(diags)
		return
	}
	ctx, diags := b.ev.context(&x.needs, nil, nil)
	v, more := dsl.EvaluateStrict(x.source, ctx)
	if diags = append(diags, more...); diags.HasErrors() {
		b.report(diags)
		return
	}
	if v.ContainsMarked() {
		b.report(hcl.Diagnostics{exposed("roles", x.Range())})
		return
	}
	if !v.IsKnown() {
		return
	}
	if v.IsNull() || !v.Type().IsObjectType() && !v.Type().IsMapType() {
		b.problem(x.Range(), "Roles are no object", "Write a count for each role, such as { master = 3, agent = 2 }; this is %s.", v.Type().FriendlyName())
		return
	}
	if b.roleCounts(c, v, places(x)) {
		c.open = false
		c.nodes = backends.Spec{Key: backends.Key{Cluster: c.name}, Roles: c.roles}.Nodes()
		c.index = make(map[string]int, len(c.nodes))
		for i, n := range c.nodes {
			c.index[n.Name] = i
		}
	}
}

// places is where the parts of a literal object stand, in order.
func places(e *expression) []rolePlace {
	pairs, diags := hcl.ExprMap(e.source)
	if diags.HasErrors() {
		return nil
	}
	var found []rolePlace
	for _, pair := range pairs {
		if key, diags := pair.Key.Value(nil); !diags.HasErrors() && key.Type() == cty.String && key.IsKnown() && !key.IsNull() {
			found = append(found, rolePlace{key.AsString(), pair.Key.Range(), pair.Value.Range()})
		}
	}
	return found
}

type rolePlace struct {
	name       string
	key, value hcl.Range
}

// roleCounts checks the roles and their counts; false when one is wrong or not
// known.
func (b *builder) roleCounts(c *cluster, v cty.Value, written []rolePlace) bool {
	counts := v.AsValueMap()
	order := make([]rolePlace, 0, len(counts))
	for _, w := range written {
		if _, has := counts[w.name]; has && !slices.ContainsFunc(order, func(o rolePlace) bool { return o.name == w.name }) {
			order = append(order, w)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		if !slices.ContainsFunc(order, func(o rolePlace) bool { return o.name == name }) {
			order = append(order, rolePlace{name, c.decl.Roles.Range(), c.decl.Roles.Range()})
		}
	}
	complete, total := true, 0
	sameNodes := map[string]string{}
	c.named = true
	for _, role := range order {
		c.named = b.roleName(role, sameNodes) && c.named
		count, known := b.roleCount(role, counts[role.name])
		complete = complete && known
		total += count
		c.roles = append(c.roles, backends.RoleCount{Role: backends.Role(role.name), Count: count})
	}
	if total > maxCount {
		b.problem(c.decl.Roles.Range(), "Too many nodes", "Cluster %q has %d nodes; at most %d are possible.", c.name, total, maxCount)
		return false
	}
	return complete && c.named
}

func (b *builder) roleName(role rolePlace, sameNodes map[string]string) bool {
	base := strings.ReplaceAll(role.name, "_", "-")
	other, twice := sameNodes[base]
	sameNodes[base] = role.name
	switch {
	case slices.Contains(refusedRoles, role.name):
		b.problem(role.key, fmt.Sprintf("Refused role %q", role.name), "A cluster has an attribute %q of its own. Choose another name.", role.name)
	case !roleName.MatchString(role.name):
		b.problem(role.key, fmt.Sprintf("Refused role %q", role.name), "The names of nodes are made from it: write at most 41 small letters, digits and underscores, a letter first.")
	case twice:
		b.problem(role.key, fmt.Sprintf("Refused role %q", role.name), "Its nodes would have the same names as those of %q: %s-0.", other, base)
	default:
		return true
	}
	return false
}

func (b *builder) roleCount(role rolePlace, v cty.Value) (int, bool) {
	if !v.IsKnown() {
		return 0, false
	}
	n, diags := wholeNumber(v, 0, maxCount, fmt.Sprintf("the count of role %q", role.name), role.value)
	b.report(diags)
	return n, !diags.HasErrors()
}
