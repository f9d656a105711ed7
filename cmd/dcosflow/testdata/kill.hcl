# A run with all that a resumed one must get right; see TestKillAndResume.
backend "fake" "box" {
  create {
    delay = "5ms"
  }
}

cluster "db" {
  roles = { member = 3 }
}

step "mark" "seed" {
  value = "x,y,z"
}

step "mark" "bundle" {
  for_each = { old = "1", new = "2" }
  value    = "${each.value} for ${join(" ", cluster.db.nodes[*].ip)}"
}

step "mark" "install" {
  nodes = cluster.db.nodes
  value = step.bundle["old"].value
}

step "mark" "token" {
  node       = cluster.db.member[0]
  depends_on = [step.install]
}

# Its keys are known only when step.seed has ended.
step "mark" "late" {
  for_each = toset(split(",", step.seed.value))
  value    = "${each.key} of ${step.token.secret}"
}

step "mark" "upgrade" {
  nodes        = cluster.db.nodes
  max_parallel = 1
  depends_on   = [step.late]
  value        = "${step.install[node.name].value} to ${step.bundle["new"].value}"
}

# It is opened again for what is left to happen during it.
step "run" "load" {
  local      = true
  background = true
  command    = ["sleep", "600"]
}

group "roll" {
  nodes        = cluster.db.nodes
  max_parallel = 1
  during       = [step.load]
  depends_on   = [step.late]

  step "mark" "stop" {
    node = node
  }

  step "mark" "start" {
    node       = node
    depends_on = [step.stop]
    value      = step.stop.value
  }
}

step "mark" "verdict" {
  value = step.load.exit_code == null ? "stopped" : "ended"
}

step "mark" "never" {
  enabled = step.seed.value == "something else"
}

step "mark" "last" {
  value      = join(", ", values(step.upgrade)[*].value)
  depends_on = [step.never, group.roll, step.verdict]
}

step "mark" "farewell" {
  when = "always"
  node = cluster.db.member[0]
}

output "last" {
  value = step.last.value
}
