# The same etcd on two releases of Debian, alone and as a cluster of three: one
# run for each combination, two at a time.
#
#   dcosflow list matrix.hcl
#   dcosflow run matrix.hcl
#   dcosflow run matrix.hcl --matrix distribution=debian-13 --matrix size!=1

workflow "etcd-matrix" {
  description = "etcd of bookworm and of trixie, with one member and with three"
  timeout     = "10m"
}

matrix {
  distribution = ["debian-12", "debian-13"]
  size         = [1, 3]
  max_parallel = 2
}

variable "expect" {
  type        = map(string)
  default     = { debian-12 = "3.4", debian-13 = "3.5" }
  description = "The release of etcd that each distribution has."
}

variable "keys" {
  type        = number
  default     = 200
  description = "How many keys are written."
}

backend "docker" "local" {
  distribution = matrix.distribution
}

cluster "etcd" {
  roles = { member = matrix.size }
}

# The machines are made and removed by steps that the plan adds.

module "etcd" {
  source  = "../modules/etcd"
  members = cluster.etcd.member
}

step "assert" "release" {
  nodes         = cluster.etcd.member
  condition     = regex("^[0-9]+[.][0-9]+", module.etcd.versions[node.name]) == var.expect[matrix.distribution]
  error_message = "${matrix.distribution} has etcd ${module.etcd.versions[node.name]}, not ${var.expect[matrix.distribution]}"
}

step "run" "write" {
  node   = cluster.etcd.member[0]
  script = file("write.sh")
  env    = { KEYS = tostring(var.keys), ENDPOINTS = module.etcd.endpoints }
}

# Every member has everything, whichever wrote it.
step "run" "read" {
  nodes      = cluster.etcd.member
  depends_on = [step.write]
  script     = file("digest.sh")
}

step "assert" "replicated" {
  condition     = alltrue([for s in values(step.read) : s.stdout == step.read["member-0"].stdout && jsondecode(s.stdout).keys == var.keys])
  error_message = "of ${var.keys} keys the members have ${jsonencode(values(step.read)[*].stdout)}"
}

output "versions" {
  value = module.etcd.versions
}
