# A78: attempts, time-outs and deadlines of steps.
variable "fails" {
  default     = 2
  description = "How many attempts fail."
}

variable "hangs" {
  default     = 1
  description = "How many attempts hang."
}

backend "docker" "local" {}

cluster "c" {
  roles = { box = 1 }
}

locals {
  # Counts the attempts of a step in a file, and prints the number.
  count = <<-EOT
    n=$(($(cat "/run/$STEP" 2>/dev/null || echo 0) + 1))
    echo "$n" >"/run/$STEP"
    echo "attempt $n"
  EOT
}

step "run" "flaky" {
  node   = cluster.c.box[0]
  env    = { STEP = "flaky", FAILS = tostring(var.fails) }
  script = "${local.count}[ \"$n\" -gt \"$FAILS\" ] || exit 5"
  retry {
    attempts = 3
    delay    = "200ms"
    factor   = 3
    on       = ["exit_code"]
  }
}

# An exit code is no time-out: it is not repeated.
step "run" "picky" {
  node       = cluster.c.box[0]
  env        = { STEP = "picky" }
  script     = "${local.count}exit 6"
  on_failure = "continue"
  retry {
    attempts = 5
    delay    = "1ms"
    on       = ["timeout"]
  }
}

# Deaf to SIGTERM, with a child.
step "run" "hung" {
  node    = cluster.c.box[0]
  env     = { STEP = "hung", HANGS = tostring(var.hangs) }
  script  = <<-EOT
    ${local.count}
    if pgrep -f 'sleep 86417'; then echo "an earlier attempt lives on"; exit 8; fi
    [ "$n" -gt "$HANGS" ] || { trap '' TERM; sleep 86417 & wait; sleep 86417; }
  EOT
  timeout = "1s"
  retry {
    attempts = 2
    delay    = "1ms"
    on       = ["timeout"]
  }
}

# The same on the machine of the tool.
step "run" "hung_here" {
  local      = true
  script     = "sleep 86418 & wait"
  timeout    = "1s"
  on_failure = "continue"
}

step "run" "deadline" {
  node       = cluster.c.box[0]
  command    = ["false"]
  deadline   = "2s"
  on_failure = "continue"
  retry {
    attempts = 1000
    delay    = "400ms"
    factor   = 1
  }
}
