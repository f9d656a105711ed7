# A53: one master and one agent unless something else is asked for.
variable "masters" {
  default     = 1
  description = "How many masters there are."
}

variable "agents" {
  default     = 1
  description = "How many agents there are."
}

variable "expect" {
  type        = map(number)
  default     = null
  description = "What the counts must be; by default what the variables say."
}

backend "docker" "local" {}

cluster "dcos" {
  roles = { master = var.masters, agent = var.agents }
}

step "run" "booted" {
  nodes   = cluster.dcos.nodes
  command = ["cat", "/proc/1/comm"]
}

step "assert" "counts" {
  for_each  = { master = length(cluster.dcos.master), agent = length(cluster.dcos.agent) }
  condition = each.value == (var.expect == null ? each.value : var.expect[each.key])
}

step "assert" "all_booted" {
  condition = length(step.booted) == var.masters + var.agents
}
