step "run" "hangs" {
  local   = true
  timeout = "1s"
  command = ["sleep", "86412"]
}
