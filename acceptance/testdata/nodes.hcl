# A01, A02, A20, A35: nodes of three roles.
variable "masters" {
  default = 1
}

variable "agents" {
  default = 1
}

variable "public_agents" {
  default = 1
}

variable "init" {
  default     = "systemd"
  description = "What process 1 must be."
}

variable "address" {
  type        = string
  default     = null
  description = "What public addresses must be instead of the private ones."
}

backend "docker" "local" {
  distribution = "debian-12"
}

cluster "dcos" {
  roles = { master = var.masters, agent = var.agents, public_agent = var.public_agents }
}

step "provision" "nodes" {
  cluster = cluster.dcos
}

step "run" "init" {
  nodes   = cluster.dcos.nodes
  command = ["cat", "/proc/1/comm"]
}

step "assert" "is_init" {
  nodes         = cluster.dcos.nodes
  condition     = trimspace(step.init[node.name].stdout) == var.init
  error_message = "process 1 of ${node.name} is ${step.init[node.name].stdout}"
}

step "assert" "address" {
  nodes     = cluster.dcos.nodes
  condition = node.public_ip == (var.address == null ? node.ip : var.address)
}

step "destroy" "nodes_end" {
  when    = "always"
  cluster = cluster.dcos
}

output "addresses" {
  value = { for n in cluster.dcos.nodes : n.name => n.ip }
}
