# A33: assertions of every kind. The variable `broken` names those that must
# find something else than there is.
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

step "run" "release" {
  node    = cluster.c.box[0]
  command = ["cat", "/etc/os-release"]
}

step "run" "json" {
  node    = cluster.c.box[0]
  command = ["echo", "{\"cluster\": {\"members\": [\"a\", \"b\"], \"version\": \"2.2.9\"}}"]
}

step "assert" "regex" {
  condition     = can(regex(contains(var.broken, "regex") ? "VERSION_ID=\"99\"" : "VERSION_ID=\"12\"", step.release.stdout))
  error_message = "another release"
}

step "assert" "equality" {
  condition = length(jsondecode(step.json.stdout).cluster.members) == (contains(var.broken, "equality") ? 3 : 2)
}

step "assert" "json_path" {
  condition     = jsondecode(step.json.stdout).cluster.version == (contains(var.broken, "json_path") ? "2.2.10" : "2.2.9")
  error_message = "the cluster runs ${jsondecode(step.json.stdout).cluster.version}"
}

step "assert" "exit_code" {
  node = cluster.c.box[0]
  probe {
    command = ["sh", "-c", "exit 7"]
  }
  condition = probe.exit_code == (contains(var.broken, "exit_code") ? 0 : 7)
}

step "assert" "file_exists" {
  node = cluster.c.box[0]
  probe {
    file = contains(var.broken, "file_exists") ? "/etc/no-such-file" : "/etc/os-release"
  }
}

step "assert" "port_open" {
  node = cluster.c.box[0]
  probe {
    tcp = contains(var.broken, "port_open") ? "127.0.0.1:9" : "127.0.0.1:22"
  }
  within = contains(var.broken, "port_open") ? "1s" : "20s"
}
