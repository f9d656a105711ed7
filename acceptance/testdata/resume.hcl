# A80: every step leaves its address in a file, on its node or beside the
# workflow, so that the test sees what was done twice.
variable "dir" {}

variable "text" {
  default = "same"
}

backend "docker" "local" {
  distribution = "debian-12"
}

cluster "c" {
  roles = { box = 2 }
}

step "run" "keys" {
  local  = true
  script = "echo step.keys >> marks; sleep 0.3; echo left right"
  cwd    = var.dir
}

step "run" "first" {
  nodes  = cluster.c.nodes
  script = "echo \"step.first $TEXT\" >> /marks; sleep 0.5"
  env    = { TEXT = var.text }
}

step "run" "late" {
  for_each   = toset(split(" ", trimspace(step.keys.stdout)))
  node       = cluster.c.box[0]
  depends_on = [step.first]
  script     = "echo step.late.$KEY >> /marks; sleep 0.3; echo $KEY"
  env        = { KEY = each.key }
}

step "run" "roll" {
  nodes        = cluster.c.nodes
  max_parallel = 1
  depends_on   = [step.first[node.name]]
  script       = "echo step.roll >> /marks; sleep 0.3; echo rolled"
}

step "run" "last" {
  local  = true
  script = "echo step.last >> marks; sleep 0.2; echo \"$ALL\""
  env    = { ALL = join(" ", concat(values(step.roll)[*].stdout, values(step.late)[*].stdout)) }
  cwd    = var.dir
}

output "all" {
  value = step.last.stdout
}
