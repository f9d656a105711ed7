backend "docker" "local" {
  distribution = "debian-12"
}

cluster "c" {
  roles = { box = 1 }
}

step "copy" "installer" {
  node        = cluster.c.box[0]
  source      = "no-such-installer.sh"
  destination = "/root/installer.sh"
}
