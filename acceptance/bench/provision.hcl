# Nothing but nodes: made, booted, and destroyed.
variable "nodes" {
  type        = number
  description = "How many."
}

backend "docker" "local" {
  distribution = "debian-12"
}

cluster "bench" {
  roles = { node = var.nodes }
}

step "provision" "nodes" {
  cluster = cluster.bench
}

step "destroy" "cluster" {
  when    = "always"
  cluster = cluster.bench
}
