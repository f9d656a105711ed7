# Installs DC/OS on one master and one agent, or as many as you say, and proves
# the version on every node.
#
#   dcosflow run workflows/dcos/install-test.hcl --var installer=/path/dcos_generate_config.sh

variable "installer" {
  type        = string
  description = "Path of the installer, dcos_generate_config.sh of the release."
}

variable "masters" {
  default     = 1
  description = "How many masters there are: 1, 3 or 5."
}

variable "agents" {
  default     = 1
  description = "How many agents there are."
}

variable "expect" {
  type        = string
  default     = ""
  description = "The version that every node must have; empty means that of the installer."
}

backend "docker" "local" {}

cluster "dcos" {
  roles = { master = var.masters, agent = var.agents }
}

module "dcos" {
  source    = "../modules/dcos"
  cluster   = cluster.dcos
  installer = var.installer
  config    = { cluster_name = "install-test" }
}

step "assert" "installed" {
  nodes         = cluster.dcos.nodes
  condition     = module.dcos.versions[node.name] == (var.expect != "" ? var.expect : module.dcos.version)
  error_message = "${node.name} runs DC/OS ${module.dcos.versions[node.name]}"
}

output "versions" {
  value = module.dcos.versions
}
