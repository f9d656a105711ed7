# A11: a Docker engine inside a node loads an image and runs it.
variable "archive" {
  description = "Path of an image that `docker save` wrote."
}

variable "image" {
  description = "The image in the archive."
}

variable "driver" {
  default = "overlay2"
}

backend "docker" "local" {
  distribution = "debian-12"
}

cluster "c" {
  roles = { box = 1 }
}

step "copy" "archive" {
  node        = cluster.c.box[0]
  source      = var.archive
  destination = "/root/image.tar"
}

step "run" "load" {
  node       = cluster.c.box[0]
  depends_on = [step.archive]
  command    = ["docker", "load", "--input", "/root/image.tar"]
}

step "run" "hello" {
  node       = cluster.c.box[0]
  depends_on = [step.load]
  command    = ["docker", "run", "--rm", var.image, "hello from the inside"]
}

step "assert" "said" {
  condition = trimspace(step.hello.stdout) == "hello from the inside"
}

# Stays, to be looked for from the outside.
step "run" "stay" {
  node       = cluster.c.box[0]
  depends_on = [step.load]
  command    = ["docker", "run", "--detach", "--name", "dcosflow-inner", var.image]
}

step "run" "driver" {
  node    = cluster.c.box[0]
  command = ["docker", "info", "--format", "{{.Driver}}"]
}

step "assert" "driver_is" {
  condition = trimspace(step.driver.stdout) == var.driver
}
