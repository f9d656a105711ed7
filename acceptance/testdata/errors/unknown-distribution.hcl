backend "docker" "local" {
  distribution = "debain-12"
}

cluster "c" {
  roles = { box = 1 }
}

step "provision" "nodes" {
  cluster = cluster.c
}
