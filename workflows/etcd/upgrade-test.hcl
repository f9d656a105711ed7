# Upgrades a real etcd of three members, one after the other, and proves that
# nothing was lost and that the cluster could be read all the while.
#
#   dcosflow run upgrade-test.hcl
#   dcosflow run upgrade-test.hcl --var batch=2        two at once: no quorum, exit 1
#   dcosflow run upgrade-test.hcl --var expect=9.9.9   no such version, exit 1

workflow "etcd-upgrade" {
  description = "etcd 3.4 of bookworm to 3.5 of trixie, member by member"
  timeout     = "15m"
}

variable "batch" {
  type        = number
  default     = 1
  description = "How many members are upgraded at once."
}

variable "expect" {
  default     = "3.5.16"
  description = "The version that every member must report in the end."
}

variable "keys" {
  type        = number
  default     = 1000
  description = "How many keys are written before the upgrade."
}

locals {
  endpoints = join(",", [for n in cluster.etcd.member : "http://${n.ip}:2379"])
}

backend "docker" "local" {
  distribution = "debian-12"
}

cluster "etcd" {
  roles = { member = 3 }
}

step "provision" "nodes" {
  cluster = cluster.etcd
}

# The packages come through the nodes' own apt. Each node goes on by itself: the
# brackets make an edge to one instance, where the bare step would be a barrier.

step "run" "packages" {
  nodes   = cluster.etcd.member
  script  = file("packages.sh")
  timeout = "5m"
}

step "run" "install" {
  nodes      = cluster.etcd.member
  depends_on = [step.packages[node.name]]
  script     = file("../modules/etcd/install.sh")
  env = {
    NAME    = node.name
    IP      = node.ip
    MEMBERS = join(",", [for n in cluster.etcd.member : "${n.name}=http://${n.ip}:2380"])
  }
  timeout = "5m"
}

# The next release is fetched while the first one is installed and filled.
step "run" "fetch" {
  nodes      = cluster.etcd.member
  depends_on = [step.packages[node.name]]
  script     = file("fetch.sh")
  timeout    = "5m"
}

# systemd calls a member started when it has joined a quorum.
step "run" "start" {
  nodes      = cluster.etcd.member
  depends_on = [step.install[node.name]]
  command    = ["systemctl", "restart", "etcd"]
  timeout    = "2m"
}

step "run" "write" {
  node       = cluster.etcd.member[0]
  depends_on = [step.start]
  script     = file("write.sh")
  env        = { KEYS = tostring(var.keys), ENDPOINTS = local.endpoints }
}

step "run" "before" {
  node       = cluster.etcd.member[0]
  depends_on = [step.write]
  script     = file("digest.sh")
}

step "assert" "written" {
  condition     = jsondecode(step.before.stdout).keys == var.keys
  error_message = "${var.keys} keys were to be written: ${step.before.stdout}"
}

# The roll: in list order, var.batch members at a time; it stops at the first
# that fails.
step "run" "upgrade" {
  nodes        = cluster.etcd.member
  max_parallel = var.batch
  depends_on   = [step.written, step.fetch[node.name]]
  script       = file("upgrade.sh")
  env = {
    NAME      = node.name
    DOWN      = "3"
    ENDPOINTS = local.endpoints
    OTHERS    = join(",", [for n in cluster.etcd.member : "http://${n.ip}:2379" if n.name != node.name])
  }
  timeout = "2m"
}

# After each member's turn it and those before it ran the next release, and the
# rest still the first one.
step "assert" "mixed" {
  nodes = cluster.etcd.member
  condition = trimspace(step.upgrade[node.name].stdout) == join(" ", [
    for n in cluster.etcd.member : trimspace(n.index <= node.index ? step.fetch[node.name].stdout : step.install[node.name].stdout)
  ])
  error_message = "after the upgrade of ${node.name} the members ran ${step.upgrade[node.name].stdout}"
}

step "run" "version" {
  nodes      = cluster.etcd.member
  depends_on = [step.upgrade]
  script     = "etcdctl endpoint status --write-out json | grep -o '\"version\":\"[^\"]*\"' | cut -d'\"' -f4"
}

step "assert" "upgraded" {
  nodes         = cluster.etcd.member
  condition     = trimspace(step.version[node.name].stdout) == var.expect
  error_message = "${node.name} runs etcd ${trimspace(step.version[node.name].stdout)}, not ${var.expect}"
}

step "run" "after" {
  nodes      = cluster.etcd.member
  depends_on = [step.upgrade]
  script     = file("digest.sh")
}

step "assert" "unchanged" {
  nodes         = cluster.etcd.member
  condition     = step.after[node.name].stdout == step.before.stdout
  error_message = "${node.name} serves other data than before the upgrade"
}

step "destroy" "cluster" {
  when    = "always"
  cluster = cluster.etcd
}

output "versions" {
  value       = { for name, s in step.version : name => trimspace(s.stdout) }
  description = "What every member runs in the end."
}

output "keys" {
  value       = jsondecode(step.before.stdout)
  description = "The digest of the keys, the same before and after."
}
