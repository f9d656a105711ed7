# A37: a run that lives until the test lets it end.
variable "file" {
  description = "A file on the machine of the tool to wait for."
}

backend "docker" "local" {
  distribution = "debian-12"
}

cluster "c" {
  roles = { box = 1 }
}

step "provision" "nodes" {
  cluster = cluster.c
}

step "wait" "released" {
  depends_on = [step.nodes]
  timeout    = "5m"
  until {
    command = ["test", "-e", var.file]
  }
}
