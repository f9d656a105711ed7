# A77: every step writes its start and its end, in nanoseconds, into a file of
# its own in the directory `dir`. The step that `fail` names fails.
variable "dir" {
  description = "An absolute path on the machine of the tool."
}

variable "fail" {
  default = "none"
}

locals {
  script = <<-EOT
    date +%s%N >"$DIR/$NAME"
    sleep 1
    date +%s%N >>"$DIR/$NAME"
    [ "$NAME" != "$FAIL" ]
  EOT
}

step "run" "left" {
  local  = true
  script = local.script
  env    = { DIR = var.dir, FAIL = var.fail, NAME = "left" }
}

step "run" "right" {
  local  = true
  script = local.script
  env    = { DIR = var.dir, FAIL = var.fail, NAME = "right" }
}

step "run" "after_left" {
  local      = true
  depends_on = [step.left]
  script     = local.script
  env        = { DIR = var.dir, FAIL = var.fail, NAME = "after_left" }
}

step "run" "after_right" {
  local      = true
  depends_on = [step.right]
  script     = local.script
  env        = { DIR = var.dir, FAIL = var.fail, NAME = "after_right" }
}

step "run" "after_both" {
  local      = true
  depends_on = [step.after_left, step.after_right]
  script     = local.script
  env        = { DIR = var.dir, FAIL = var.fail, NAME = "after_both" }
}

step "run" "cleanup" {
  when   = "always"
  local  = true
  script = local.script
  env    = { DIR = var.dir, FAIL = var.fail, NAME = "cleanup" }
}

step "run" "rescue" {
  when   = "on_failure"
  local  = true
  script = local.script
  env    = { DIR = var.dir, FAIL = var.fail, NAME = "rescue" }
}
