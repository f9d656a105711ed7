# A37: a step that hangs, for the test to interrupt. With `hang = false` the run
# passes.
variable "hang" {
  default = true
}

variable "marker" {
  description = "A file on the machine of the tool, written by a finaliser."
}

backend "docker" "local" {
  distribution = "debian-12"
}

cluster "c" {
  roles = { box = 2 }
}

step "run" "hang" {
  nodes   = cluster.c.nodes
  command = ["sleep", var.hang ? "86413" : "0"]
}

step "run" "finaliser" {
  when    = "always"
  local   = true
  command = ["touch", var.marker]
}
