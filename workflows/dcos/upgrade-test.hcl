# Installs one release of DC/OS on six nodes, upgrades it master by master, and
# proves the version on every node.
#
#   dcosflow run workflows/dcos/upgrade-test.hcl \
#     --var 'installers={from="/path/1.13/dcos_generate_config.sh",to="/path/2.2/dcos_generate_config.sh"}'

variable "installers" {
  type        = object({ from = string, to = string })
  description = "Paths of the two installers, dcos_generate_config.sh of each release."
}

variable "config" {
  type        = any
  default     = {}
  description = "Further keys of genconf/config.yaml, for both releases."
}

variable "expect" {
  type        = string
  default     = ""
  description = "The version that every node must have at the end; empty means that of the second installer."
}

variable "healthy_within" {
  type        = string
  default     = "60m"
  description = "How long a cluster may take to become healthy."
}

backend "docker" "local" {
  distribution = "debian-12"
}

cluster "dcos" {
  roles = { master = 3, agent = 2, public_agent = 1 }
}

step "provision" "nodes" {
  cluster = cluster.dcos
}

# One bundle per release for the whole cluster, made side by side while the
# nodes boot.
step "genconf" "bundle" {
  for_each  = var.installers
  cluster   = cluster.dcos
  installer = each.value
  config    = merge({ cluster_name = "upgrade-test" }, var.config)
}

step "install" "dcos" {
  nodes  = cluster.dcos.nodes
  bundle = step.bundle["from"]
}

step "wait" "installed" {
  nodes      = cluster.dcos.nodes
  depends_on = [step.dcos[node.name]]
  timeout    = var.healthy_within
  until {
    dcos  = "node"
    every = "1s"
  }
}

# The upgrade script of a master ends when the master is healthy again, so the
# next one starts with a quorum.
step "upgrade" "masters" {
  nodes        = cluster.dcos.master
  max_parallel = 1
  bundle       = step.bundle["to"]
  depends_on   = [step.installed]
}

step "wait" "quorum" {
  nodes      = cluster.dcos.master
  depends_on = [step.masters]
  timeout    = var.healthy_within
  until {
    dcos   = "cluster"
    stable = "2s"
  }
}

step "upgrade" "agents" {
  nodes      = concat(cluster.dcos.agent, cluster.dcos.public_agent)
  bundle     = step.bundle["to"]
  depends_on = [step.quorum]
}

step "run" "version" {
  nodes      = cluster.dcos.nodes
  command    = ["cat", "/opt/mesosphere/etc/dcos-version.json"]
  depends_on = [step.agents]
}

step "assert" "upgraded" {
  nodes         = cluster.dcos.nodes
  condition     = jsondecode(step.version[node.name].stdout).version == (var.expect != "" ? var.expect : step.bundle["to"].version)
  error_message = "${node.name} runs DC/OS ${jsondecode(step.version[node.name].stdout).version}"
}

step "destroy" "cluster" {
  when    = "always"
  cluster = cluster.dcos
}
