# A77: two seconds on each of six nodes, side by side and one by one, and a roll
# whose second member fails. With `fail = "none"` the run passes.
variable "fail" {
  default     = "box-1"
  description = "The node on which the roll fails."
}

backend "docker" "local" {
  distribution = "debian-12"
}

cluster "c" {
  roles = { box = 6 }
}

step "provision" "nodes" {
  cluster = cluster.c
}

step "run" "together" {
  nodes      = cluster.c.nodes
  depends_on = [step.nodes]
  command    = ["sleep", "2"]
}

step "run" "one_by_one" {
  nodes        = cluster.c.nodes
  max_parallel = 1
  depends_on   = [step.together]
  command      = ["sleep", "2"]
}

step "run" "roll" {
  nodes        = cluster.c.nodes
  max_parallel = 1
  depends_on   = [step.together]
  command      = ["test", node.name, "!=", var.fail]
}
