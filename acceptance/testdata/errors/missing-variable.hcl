variable "installer" {
  type        = string
  description = "Path of the installer."
}

variable "members" {
  type        = number
  description = "How many there are."
}

step "run" "show" {
  local   = true
  command = ["echo", var.installer, tostring(var.members)]
}
