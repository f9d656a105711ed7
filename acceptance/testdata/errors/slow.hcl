step "run" "slow" {
  local   = true
  command = ["sleep", "86411"]
}
