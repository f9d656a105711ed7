package plan

import (
	"fmt"
	"maps"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/dcosflow/dcosflow/backends"
	"github.com/dcosflow/dcosflow/dsl"
	"github.com/dcosflow/dcosflow/schema"
)

// backends decodes the backend blocks by the schemas of their types.
func (b *builder) backends() {
	for _, decl := range b.ev.root.backends.list {
		typ := b.backendType(decl.Type)
		if typ == nil {
			names := b.backendTypeNames()
			b.problem(decl.TypeRange, fmt.Sprintf("Unknown backend type %q", decl.Type), "%s%s",
				thereIs(names), dsl.Suggest(decl.Type, names))
			continue
		}
		config := b.backend(decl, typ)
		b.plan.Backends = append(b.plan.Backends, Backend{Name: decl.Name, Type: typ, Config: config})
	}
}

func (b *builder) backendType(name string) *backends.Type {
	for i := range b.in.Backends {
		if b.in.Backends[i].Name == name {
			return &b.in.Backends[i]
		}
	}
	return nil
}

func (b *builder) backendTypeNames() []string {
	var names []string
	for _, t := range b.in.Backends {
		names = append(names, t.Name)
	}
	return names
}

func (b *builder) backend(decl *dsl.Backend, typ *backends.Type) backends.Config {
	config := backends.Config{Name: decl.Name, Roles: map[backends.Role]cty.Value{}}
	owner := fmt.Sprintf("backend %q", typ.Name)
	body := decl.Body
	if len(typ.Role.Attributes)+len(typ.Role.Blocks) > 0 {
		content, rest, diags := body.PartialContent(&hcl.BodySchema{
			Blocks: []hcl.BlockHeaderSchema{{Type: "role", LabelNames: []string{"name"}}},
		})
		b.report(diags)
		body = rest
		for _, block := range content.Blocks {
			role := backends.Role(block.Labels[0])
			if _, twice := config.Roles[role]; twice {
				b.problem(block.DefRange, fmt.Sprintf("Duplicate role %q", role), "The backend has a block for this role already. Write both in one.")
				continue
			}
			config.Roles[role] = b.backendBlock(block.Body, &typ.Role, block.DefRange, fmt.Sprintf("%s, block role", owner))
		}
	}
	config.Value = b.backendBlock(body, &typ.Schema, decl.Range, owner)
	return config
}

func (b *builder) backendBlock(body hcl.Body, s *schema.Block, rng hcl.Range, owner string) cty.Value {
	c := compiler{ev: b.ev, scope: b.ev.root, site: site{what: "a backend"}}
	compiled := c.block(body, s, rng, owner)
	if b.report(c.diags); c.diags.HasErrors() {
		return cty.NilVal
	}
	d := b.ev.decoding(&compiled.needs, nil, nil)
	v := d.block(compiled)
	b.report(d.diags)
	v = d.reveal(v)
	if !d.diags.HasErrors() && !v.IsWhollyKnown() && !b.ev.static {
		b.problem(rng, "A backend must be known before the run", "Use only variables, locals and functions in it.")
	}
	return v
}

// checkRoles reports blocks for roles that no cluster of the backend has.
func (b *builder) checkRoles() {
	for _, backend := range b.plan.Backends {
		var known []string
		open := false
		for i, c := range b.ev.root.clusters.list {
			if b.plan.Clusters[i].Backend == "" {
				open = true // it may be this one
			}
			if b.plan.Clusters[i].Backend != backend.Name {
				continue
			}
			open = open || c.open
			for _, r := range c.roles {
				known = append(known, string(r.Role))
			}
		}
		decl := b.ev.root.backends.byName[backend.Name]
		for _, role := range slices.Sorted(maps.Keys(backend.Config.Roles)) {
			if !open && !slices.Contains(known, string(role)) {
				b.problem(decl.Range, fmt.Sprintf("Role %q without nodes", role), "No cluster of backend %q has this role. %s%s",
					backend.Name, thereIs(known), dsl.Suggest(string(role), known))
			}
		}
	}
}
