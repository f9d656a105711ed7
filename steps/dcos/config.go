package dcos

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	yaml "github.com/zclconf/go-cty-yaml"
	"github.com/zclconf/go-cty/cty"

	"github.com/dcosflow/dcosflow/schema"
)

// Bundle describes what genconf returns and install and upgrade take.
func Bundle() []schema.Output {
	return []schema.Output{
		{Name: "url", Type: cty.String, Doc: "Where the nodes find the bundle: the `bootstrap_url`."},
		{Name: "version", Type: cty.String, Doc: "The version of DC/OS."},
		{Name: "variant", Type: cty.String, Doc: "`open` or `enterprise`."},
		{Name: "installer", Type: cty.String, Doc: "The installer's absolute path."},
		{Name: "dir", Type: cty.String, Doc: "The installer's working directory on the machine of the tool."},
	}
}

// Roles of nodes and the words that dcos_install.sh knows them by.
var roleWords = map[string]string{
	"master":       "master",
	"agent":        "slave",
	"public_agent": "slave_public",
}

// RoleWord returns the installer's word for a role. The installer's own words
// mean themselves.
func RoleWord(role string) (string, error) {
	if word, ok := roleWords[role]; ok {
		return word, nil
	}
	if slices.Contains(slices.Collect(maps.Values(roleWords)), role) {
		return role, nil
	}
	return "", fmt.Errorf("DC/OS has no role %q: it has master, agent and public_agent", role)
}

// Cluster are the addresses of a cluster's nodes by role.
type Cluster struct {
	Masters, Agents, PublicAgents []string
}

// addresses are all of them, in the order of the roles.
func (c Cluster) addresses() []string {
	return slices.Concat(c.Masters, c.Agents, c.PublicAgents)
}

// Config merges the defaults, the role lists and the user's own keys, which
// win. The result has every key that the installer cannot calculate.
func Config(c Cluster, bootstrapURL string, user cty.Value) (map[string]cty.Value, error) {
	values := map[string]cty.Value{
		"bootstrap_url":             cty.StringVal(bootstrapURL),
		"check_time":                cty.StringVal("false"),
		"cluster_name":              cty.StringVal("DCOS"),
		"exhibitor_storage_backend": cty.StringVal("static"),
		"master_discovery":          cty.StringVal("static"),
		"process_timeout":           cty.NumberIntVal(10000),
		"resolvers":                 stringList([]string{"8.8.8.8"}),
		"ssh_port":                  cty.NumberIntVal(22),
		"ssh_user":                  cty.StringVal("root"),
		"master_list":               stringList(c.Masters),
		"agent_list":                stringList(c.Agents),
		"public_agent_list":         stringList(c.PublicAgents),
	}
	if user.IsNull() {
		return values, nil
	}
	if !user.CanIterateElements() {
		return nil, fmt.Errorf("config must be an object or a map, not %s", user.Type().FriendlyName())
	}
	for key, value := range user.Elements() {
		values[key.AsString()] = value
	}
	return values, nil
}

// YAML writes a configuration as genconf/config.yaml.
func YAML(values map[string]cty.Value) ([]byte, error) {
	raw, err := yaml.Marshal(cty.ObjectVal(values))
	if err != nil {
		return nil, fmt.Errorf("write config.yaml: %w", err)
	}
	return raw, nil
}

func stringList(items []string) cty.Value {
	if len(items) == 0 {
		return cty.ListValEmpty(cty.String)
	}
	vals := make([]cty.Value, len(items))
	for i, s := range items {
		vals[i] = cty.StringVal(s)
	}
	return cty.ListVal(vals)
}

// IPDetect returns an ip-detect script that prints the address of the node that
// belongs to the cluster, whatever its interface is called: names and order of
// interfaces follow the names of networks.
func IPDetect(c Cluster) (string, error) {
	for _, a := range c.addresses() {
		if _, err := netip.ParseAddr(a); err != nil {
			return "", fmt.Errorf("address of a node: %w", err)
		}
	}
	return fmt.Sprintf(`#!/bin/sh
# Prints this node's address on the network of its cluster.
set -eu
PATH=/usr/sbin:/sbin:/usr/bin:/bin
for address in $(ip -4 -o addr show | sed 's/.* inet \([0-9.]*\).*/\1/'); do
    case " %s " in
    *" $address "*) echo "$address"; exit 0 ;;
    esac
done
echo "no address of this node belongs to the cluster" >&2
exit 1
`, strings.Join(c.addresses(), " ")), nil
}
