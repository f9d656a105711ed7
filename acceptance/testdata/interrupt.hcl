# A37: a step that hangs, for the test to interrupt. With `hang = false` the run
# passes.
variable "hang" {
  default = true
}

variable "marker" {
  description = "A file on the machine of the tool, written by a finaliser."
}

variable "linger" {
  default     = 0
  description = "How many seconds the finaliser takes."
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
  script  = "touch $MARKER; exec sleep $LINGER"
  env     = { MARKER = var.marker, LINGER = var.linger }
}
