backend "docker" "local" {
  distribution = "debian-12"
}

cluster "c" {
  roles = { box = 1 }
}

step "wait" "never" {
  node    = cluster.c.box[0]
  timeout = "3s"
  until {
    unit = "no-such.service"
  }
}
