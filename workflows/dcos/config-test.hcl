# Installs DC/OS with settings of its own on every role, and proves that they
# are what the nodes run with.
#
#   dcosflow run workflows/dcos/config-test.hcl --var installer=/path/dcos_generate_config.sh

variable "installer" {
  type        = string
  description = "Path of the installer, dcos_generate_config.sh of the release."
}

variable "config" {
  type = map(string)
  default = {
    cluster_name      = "config-test"
    process_timeout   = "300"
    telemetry_enabled = "false"
  }
  description = "Keys of genconf/config.yaml and their values."
}

variable "expect" {
  type        = map(string)
  default     = {}
  description = "Values that the nodes must have instead of those of config."
}

backend "docker" "local" {}

cluster "dcos" {
  roles = { master = 1, agent = 1, public_agent = 1 }
}

module "dcos" {
  source         = "../modules/dcos"
  cluster        = cluster.dcos
  installer      = var.installer
  config         = var.config
  healthy_within = "30m"
}

step "run" "settings" {
  nodes      = cluster.dcos.nodes
  depends_on = [module.dcos]
  command    = ["cat", "/opt/mesosphere/etc/expanded.config.json"]
}

step "assert" "configured" {
  nodes = cluster.dcos.nodes
  condition = alltrue([
    for key, value in merge(var.config, var.expect) : jsondecode(step.settings[node.name].stdout)[key] == value
  ])
  error_message = "${node.name} runs with other settings: ${jsonencode({
    for key in keys(var.config) : key => jsondecode(step.settings[node.name].stdout)[key]
  })}"
}

output "versions" {
  value = module.dcos.versions
}
