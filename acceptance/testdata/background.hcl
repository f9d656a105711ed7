# A writer in the background of a step that hangs, for the test to interrupt.
backend "docker" "local" {
  distribution = "debian-12"
}

cluster "c" {
  roles = { box = 1 }
}

step "run" "writer" {
  node         = cluster.c.box[0]
  background   = true
  stop_timeout = "2s"
  script       = "trap 'echo bye; exit 0' TERM; while :; do echo x >> /var/tmp/written; echo x; sleep 0.1; done"
}

step "run" "child" {
  node    = cluster.c.box[0]
  during  = [step.writer]
  script  = "until [ -s /var/tmp/written ]; do sleep 0.1; done; echo ready; exec sleep 86413"
}
