# A check that fails the first time that it runs on a node.
backend "docker" "local" {}

cluster "c" {
  roles = { box = 1 }
}

step "run" "check" {
  node   = cluster.c.box[0]
  script = "test -e /root/tried || { touch /root/tried; exit 7; }"
}

step "run" "after" {
  depends_on = [step.check]
  node       = cluster.c.box[0]
  command    = ["hostname"]
}
