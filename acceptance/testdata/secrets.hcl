# A81: secrets wherever a workflow may have them. In its control the test writes
# `sensitive = false`, and so everything shows.
variable "license" {
  sensitive = true
}

variable "password_hash" {
  sensitive = true
}

variable "installer" {
  description = "Path of a DC/OS installer."
}

variable "arguments" {
  default     = []
  type        = list(string)
  description = "What is on a command line while the test looks."
}

backend "docker" "local" {}

cluster "c" {
  roles = { master = 1 }
}

step "genconf" "bundle" {
  cluster   = cluster.c
  installer = var.installer
  config    = { license_key_contents = var.license, superuser_password_hash = var.password_hash }
}

step "copy" "license" {
  nodes       = cluster.c.nodes
  content     = var.license
  destination = "/etc/license"
  mode        = "0600"
}

step "run" "token" {
  node      = cluster.c.master[0]
  sensitive = true
  command   = ["printf", "tok-%s\n", "f00d8c1f2a77"]
}

step "run" "print" {
  node       = cluster.c.master[0]
  depends_on = [step.license]
  env        = { LICENSE = var.license, TOKEN = trimspace(step.token.stdout) }
  shell      = ["bash", "-e"]
  script     = <<-EOT
    set -x
    cat /etc/license; base64 /etc/license
    printf 'hash %s, token %s\n' '${var.password_hash}' "$TOKEN" >&2
    printf '%s' "$TOKEN" | head -c 9; sleep 0.1; printf '%s' "$TOKEN" | tail -c +10
  EOT
}

step "run" "other_user" {
  node   = cluster.c.master[0]
  user   = "nobody"
  env    = { TOKEN = trimspace(step.token.stdout) }
  script = "env; exit 9"

  on_failure = "continue"
  retry {
    attempts = 2
    delay    = "1ms"
  }
}

step "assert" "login" {
  node = cluster.c.master[0]
  probe {
    http {
      url     = "http://127.0.0.1:9/${step.token.exit_code}"
      headers = { Authorization = "token=${trimspace(step.token.stdout)}" }
    }
  }
  condition     = probe.status == 200 && var.license == step.token.stdout
  error_message = "no login with ${step.token.stdout}"
  on_failure    = "continue"
}

step "wait" "script" {
  node = cluster.c.master[0]
  until {
    script = "echo '${var.password_hash}'"
  }
}

# Both hold until the test has looked at the processes.
step "run" "hold" {
  node       = cluster.c.master[0]
  depends_on = [step.print, step.other_user, step.login, step.script]
  env        = { TOKEN = step.token.stdout }
  command    = concat(["sh", "-c", "touch /run/holds; while [ -e /run/holds ]; do sleep 0.1; done", "sh"], var.arguments)
}

step "run" "here" {
  local   = true
  env     = { TOKEN = step.token.stdout }
  script  = "env; while [ ! -e go ]; do sleep 0.1; done"
  timeout = "2m"
}

output "license" {
  value     = var.license
  sensitive = true
}
