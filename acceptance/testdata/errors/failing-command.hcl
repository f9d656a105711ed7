backend "docker" "local" {
  distribution = "debian-12"
}

cluster "c" {
  roles = { box = 2 }
}

step "run" "fails" {
  nodes  = cluster.c.nodes
  script = "echo the disk of ${node.name} is on fire >&2; exit 7"
}
