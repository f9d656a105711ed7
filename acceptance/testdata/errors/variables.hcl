variable "members" {
  type    = number
  default = 3
}

step "run" "show" {
  local   = true
  command = ["echo", tostring(var.members)]
}
