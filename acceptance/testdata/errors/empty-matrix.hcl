# Every combination is excluded.

matrix {
  distribution = ["debian-12", "debian-13"]
  size         = [3]
  exclude { size = 3 }
}

step "run" "greet" {
  local   = true
  command = ["echo", matrix.distribution]
}
