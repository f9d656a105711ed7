backend "docker" "local" {
  distribution = "debian-12"
}

cluster "c" {
  roles = { box = 1 }
}

step "run" "chatters" {
  node    = cluster.c.box[0]
  command = ["seq", "1000000"]
}
