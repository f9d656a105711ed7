# A88: a backend that a plug-in adds.
variable "root" {
  description = "The directory above those of the nodes."
}

variable "count" {
  default = 2
}

backend "folders" "here" {
  root = var.root
}

cluster "c" {
  roles = { box = var.count }
}

step "run" "write" {
  nodes  = cluster.c.nodes
  script = "echo ${node.name} >name; pwd"
}

step "assert" "two" {
  condition     = join("", values(step.write)[*].stdout) == "${var.root}/c/box-0\n${var.root}/c/box-1\n"
  error_message = "the nodes are ${join("", values(step.write)[*].stdout)}"
}
