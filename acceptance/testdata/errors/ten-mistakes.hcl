# Ten different mistakes, to be shown all at once.

variable "members" {
  type    = number
  default = "three"
}

step "run" "first" {
  local   = true
  command = ["echo", "first"]
}

step "rnu" "second" {
  local   = true
  command = ["echo", "second"]
}

step "run" "third" {
  local  = true
  comand = ["echo", "third"]
}

step "run" "fourth" {
  local   = true
  command = ["echo", step.frist.stdout]
}

step "run" "fifth" {
  local   = true
  command = ["echo", step.first.stdot]
}

step "run" "sixth" {
  local   = true
  timeout = 5
  command = ["echo", "sixth"]
}

step "assert" "seventh" {
  condition = step.first.exit_code == "0"
}

step "run" "first" {
  local   = true
  command = ["echo", "eighth"]
}

step "run" "ninth" {
  local   = true
  command = ["echo", step.tenth.stdout]
}

step "run" "tenth" {
  local   = true
  command = ["echo", step.ninth.stdout]
}

step "run" "eleventh" {
  local   = true
  command = ["echo", step.first["x"].stdout]
}
