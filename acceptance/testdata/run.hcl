# A32: every form of `run`. Each check has what it got and what it wants; the
# variable `broken` names the checks that want something else.
variable "broken" {
  type    = list(string)
  default = []
}

backend "docker" "local" {
  distribution = "debian-12"
}

cluster "c" {
  roles = { box = 1 }
}

step "run" "literal" {
  node    = cluster.c.box[0]
  command = ["printf", "%s|", "$HOME", "two  words", "*", "a'b\"c"]
}

step "run" "script" {
  node   = cluster.c.box[0]
  script = <<-EOT
    for word in one two; do
      printf '%s ' "$word" | tr a-z A-Z
    done
  EOT
}

step "run" "shell" {
  node   = cluster.c.box[0]
  shell  = ["bash"]
  script = "words=(a b c); printf %s $${#words[@]}"
}

step "run" "environment" {
  node    = cluster.c.box[0]
  command = ["printenv", "GREETING"]
  env     = { GREETING = "two  words, \"quoted\" and $HOME" }
}

step "run" "user" {
  node    = cluster.c.box[0]
  user    = "nobody"
  command = ["id", "--user", "--name"]
}

step "run" "sudo" {
  node    = cluster.c.box[0]
  sudo    = true
  command = ["id", "--user", "--name"]
}

step "run" "directory" {
  node    = cluster.c.box[0]
  cwd     = "/usr/share"
  command = ["pwd"]
}

step "run" "input" {
  node    = cluster.c.box[0]
  stdin   = "first\nsecond"
  command = ["cat"]
}

step "run" "code" {
  node       = cluster.c.box[0]
  command    = ["sh", "-c", "exit 3"]
  exit_codes = [0, 3]
}

step "run" "streams" {
  node    = cluster.c.box[0]
  command = ["sh", "-c", "echo to stdout; echo to stderr >&2"]
}

step "run" "here" {
  local   = true
  command = ["printenv", "ON_THE_MACHINE_OF_THE_TOOL"]
}

locals {
  checks = {
    literal     = { got = step.literal.stdout, want = "$HOME|two  words|*|a'b\"c|" }
    script      = { got = step.script.stdout, want = "ONE TWO " }
    shell       = { got = step.shell.stdout, want = "3" }
    environment = { got = step.environment.stdout, want = "two  words, \"quoted\" and $HOME\n" }
    user        = { got = step.user.stdout, want = "nobody\n" }
    sudo        = { got = step.sudo.stdout, want = "root\n" }
    directory   = { got = step.directory.stdout, want = "/usr/share\n" }
    input       = { got = step.input.stdout, want = "first\nsecond" }
    code        = { got = tostring(step.code.exit_code), want = "3" }
    stdout      = { got = step.streams.stdout, want = "to stdout\n" }
    stderr      = { got = step.streams.stderr, want = "to stderr\n" }
    here        = { got = step.here.stdout, want = "yes\n" }
  }
}

step "assert" "check" {
  for_each  = local.checks
  condition = each.value.got == (contains(var.broken, each.key) ? "something else" : each.value.want)
}
