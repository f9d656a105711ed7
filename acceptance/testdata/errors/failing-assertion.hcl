backend "docker" "local" {
  distribution = "debian-12"
}

cluster "c" {
  roles = { box = 1 }
}

step "run" "count" {
  node    = cluster.c.box[0]
  command = ["echo", "2"]
}

step "assert" "three" {
  condition     = tonumber(trimspace(step.count.stdout)) == 3
  error_message = "three members were wanted, there are ${trimspace(step.count.stdout)}"
}
