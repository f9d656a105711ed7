# A21, A26, A27, A31: DC/OS on a small cluster, with room for what goes wrong.
variable "installers" {
  type        = object({ from = string, to = string })
  description = "Paths of the two installers."
}

variable "nodes" {
  type        = object({ master = number, agent = number, public_agent = number })
  default     = { master = 1, agent = 0, public_agent = 0 }
  description = "How many nodes each role has."
}

variable "config" {
  type        = any
  default     = {}
  description = "Further keys of genconf/config.yaml."
}

variable "parallel" {
  type        = number
  default     = 10
  description = "How many nodes install at the same time."
}

variable "within" {
  type        = string
  default     = "60s"
  description = "How long each step may take."
}

variable "installed" {
  type        = string
  default     = "1.13.9"
  description = "The version that the upgrade starts from."
}

backend "docker" "local" {}

cluster "dcos" {
  roles = var.nodes
}

step "provision" "nodes" {
  cluster = cluster.dcos
}

step "genconf" "bundle" {
  for_each  = var.installers
  cluster   = cluster.dcos
  installer = each.value
  config    = var.config
  timeout   = var.within
}

step "install" "dcos" {
  nodes        = cluster.dcos.nodes
  max_parallel = var.parallel
  bundle       = step.bundle["from"]
  preflight    = false
  timeout      = var.within
}

step "wait" "healthy" {
  nodes      = cluster.dcos.nodes
  depends_on = [step.dcos]
  timeout    = var.within
  until {
    dcos = "node"
  }
}

step "upgrade" "masters" {
  nodes      = cluster.dcos.master
  bundle     = step.bundle["to"]
  from       = var.installed
  depends_on = [step.healthy]
  timeout    = var.within
}
