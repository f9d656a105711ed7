# DC/OS of one release on a cluster: the bundle, the installation, and the wait
# until every node is healthy. Use it as
#
#   module "dcos" {
#     source    = "../modules/dcos"
#     cluster   = cluster.dcos
#     installer = var.installer
#   }

variable "cluster" {
  type        = any
  description = "The cluster that gets DC/OS; its roles are master, agent and public_agent."
}

variable "installer" {
  type        = string
  description = "Path of the installer, dcos_generate_config.sh of the release."
}

variable "config" {
  type        = any
  default     = {}
  description = "Further keys of genconf/config.yaml."
}

variable "healthy_within" {
  type        = string
  default     = "60m"
  description = "How long the cluster may take to become healthy."
}

step "genconf" "bundle" {
  cluster   = var.cluster
  installer = var.installer
  config    = var.config
}

step "install" "dcos" {
  nodes  = var.cluster.nodes
  bundle = step.bundle
}

step "wait" "healthy" {
  nodes      = var.cluster.nodes
  depends_on = [step.dcos[node.name]]
  timeout    = var.healthy_within
  until {
    dcos  = "node"
    every = "1s"
  }
}

step "run" "version" {
  nodes      = var.cluster.nodes
  depends_on = [step.healthy]
  command    = ["cat", "/opt/mesosphere/etc/dcos-version.json"]
}

output "bundle" {
  value       = step.bundle
  description = "What genconf made; an upgrade or another node takes it."
}

output "version" {
  value       = step.bundle.version
  description = "The release of the installer."
}

output "versions" {
  value       = { for name, version in step.version : name => jsondecode(version.stdout).version }
  description = "The release that each node says it runs."
}
