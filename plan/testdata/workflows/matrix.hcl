variable "sizes" {
  default = [1, 3]
}
matrix {
  os           = ["debian-12", "debian-13"]
  size         = toset(var.sizes)
  release      = { old = { version = "1", flags = [] }, new = { version = "2", flags = ["-v"] } }
  max_parallel = 2
  exclude {
    os   = "debian-12"
    size = 3
  }
  exclude { release = "old" }
}
locals {
  what = "${matrix.os} ${matrix.size}"
}
backend "docker" "local" {
  distribution = matrix.os
}
cluster "c" {
  roles = { master = matrix.size }
}
step "run" "x" {
  nodes   = cluster.c.master
  command = concat([local.what, matrix.release.version], matrix.release.flags)
  enabled = matrix.size == 3
}
output "all" {
  value = keys(matrix)
}
