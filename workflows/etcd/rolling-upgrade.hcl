# Upgrades a real etcd member by member while a client writes to it all the time,
# and proves that no write was lost that etcd had acknowledged.
#
#   dcosflow run rolling-upgrade.hcl
#   dcosflow run rolling-upgrade.hcl --var wipe=member-1   a member loses its disk: exit 1
#   dcosflow run rolling-upgrade.hcl --var forget=5        five writes are undone: exit 1

workflow "etcd-rolling" {
  description = "etcd 3.4 of bookworm to 3.5 of trixie under load"
  timeout     = "15m"
}

variable "wipe" {
  default     = ""
  description = "The name of a member that loses its data in its turn."
}

variable "forget" {
  default     = 0
  description = "How many acknowledged writes are deleted in the end, to see that this is noticed."

  validation {
    condition     = var.forget >= 0
    error_message = "It is a count, not ${var.forget}."
  }
}

backend "docker" "local" {
  distribution = "debian-12"
}

cluster "etcd" {
  roles = { member = 3, client = 1 }
}

module "etcd" {
  source  = "../modules/etcd"
  members = cluster.etcd.member
}

# The client needs the next release's etcdctl only. apt does one thing at a time
# on a machine, so the module is waited for.
step "run" "packages" {
  nodes      = cluster.etcd.nodes
  depends_on = [module.etcd]
  script     = file("packages.sh")
  timeout    = "5m"
}

step "run" "fetch" {
  nodes      = cluster.etcd.nodes
  depends_on = [step.packages[node.name]]
  script     = file("fetch.sh")
  timeout    = "5m"
}

# A span: it starts just before the first member goes down, and is stopped after
# the last one is back.
step "run" "writer" {
  background = true
  node       = cluster.etcd.client[0]
  depends_on = [step.fetch]
  script     = file("writer.sh")
  env        = { ENDPOINTS = module.etcd.endpoints }
}

group "roll" {
  nodes        = cluster.etcd.member
  max_parallel = 1
  during       = [step.writer]
  depends_on   = [step.fetch]

  step "run" "exchange" {
    node    = node
    script  = file("exchange.sh")
    env     = { WIPE = node.name == var.wipe ? "yes" : "" }
    timeout = "1m"
  }

  step "wait" "healthy" {
    node       = node
    depends_on = [step.exchange]
    timeout    = "20s"
    until {
      command = ["etcdctl", "endpoint", "health"]
      stable  = "1s"
    }
  }
}

# It reads what was acknowledged from the writer's output, so it waits for its end.
step "run" "check" {
  node       = cluster.etcd.client[0]
  depends_on = [group.roll]
  script     = file("check.sh")
  stdin      = step.writer.stdout
  env        = { ENDPOINTS = module.etcd.endpoints, FORGET = tostring(var.forget) }
}

step "assert" "nothing_lost" {
  condition     = jsondecode(step.check.stdout).lost == 0
  error_message = "acknowledged writes were lost: ${step.check.stdout}"
}

step "assert" "written" {
  condition     = jsondecode(step.check.stdout).acknowledged >= 20
  error_message = "the writer hardly wrote anything: ${step.check.stdout}"
}

step "assert" "upgraded" {
  nodes         = cluster.etcd.member
  condition     = trimspace(group.roll[node.name].exchange.stdout) == trimspace(step.fetch[node.name].stdout)
  error_message = "${node.name} runs etcd ${group.roll[node.name].exchange.stdout}"
}

output "writes" {
  value       = jsondecode(step.check.stdout)
  description = "How many writes were acknowledged during the upgrade, and how many of these were lost."
}

output "versions" {
  value       = { for n in cluster.etcd.member : n.name => { before = module.etcd.versions[n.name], after = trimspace(step.fetch[n.name].stdout) } }
  description = "What every member ran before and after."
}
