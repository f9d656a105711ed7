step "run" "hello" {
  local   = true
  command = ["echo", "hello"]
}

step "assert" "worked" {
  condition = step.hello.exit_code == "0"
}
