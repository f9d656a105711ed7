step "rnu" "hello" {
  local   = true
  command = ["echo", "hello"]
}
