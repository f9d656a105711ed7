# Three variants.

matrix {
  distribution = ["debian-12", "debian-13"]
  size         = [1, 3]
  exclude {
    distribution = "debian-13"
    size         = 3
  }
}

step "run" "greet" {
  local   = true
  command = ["echo", matrix.distribution]
}
