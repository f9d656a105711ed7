backend "docker" "local" {
  distribution = "debian-12"
}

cluster "c" {
  roles = { box = 1 }
}

step "run" "starts" {
  node    = cluster.c.box[0]
  command = ["no-such-program", "--version"]
}
