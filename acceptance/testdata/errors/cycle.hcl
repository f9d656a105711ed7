step "run" "egg" {
  local   = true
  command = ["echo", step.hen.stdout]
}

step "run" "hen" {
  local   = true
  command = ["echo", step.egg.stdout]
}
