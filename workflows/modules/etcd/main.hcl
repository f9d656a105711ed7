# An etcd on the given nodes, from their distribution's packages, started and
# with a quorum.
#
#   module "etcd" {
#     source  = "../modules/etcd"
#     members = cluster.etcd.member
#   }

variable "members" {
  type        = any
  description = "The nodes that become its members, such as cluster.etcd.member."
}

step "run" "index" {
  nodes   = var.members
  command = ["apt-get", "update", "-qq", "-o", "Acquire::Languages=none"]
  timeout = "5m"
}

step "run" "install" {
  nodes      = var.members
  depends_on = [step.index[node.name]]
  script     = file("install.sh")
  env = {
    NAME    = node.name
    IP      = node.ip
    MEMBERS = join(",", [for n in var.members : "${n.name}=http://${n.ip}:2380"])
  }
  timeout = "5m"
}

# systemd calls a member started when it has joined a quorum.
step "run" "start" {
  nodes      = var.members
  depends_on = [step.install[node.name]]
  command    = ["systemctl", "restart", "etcd"]
  timeout    = "2m"
}

step "wait" "healthy" {
  nodes      = var.members
  depends_on = [step.start[node.name]]
  timeout    = "1m"
  until {
    command = ["etcdctl", "endpoint", "health"]
  }
}

output "endpoints" {
  value       = join(",", [for name in keys(step.healthy) : "http://${one([for n in var.members : n.ip if n.name == name])}:2379"])
  description = "The client URLs of all members, once they are healthy."
}

output "versions" {
  value       = { for name, s in step.install : name => trimspace(s.stdout) }
  description = "What each member runs."
}
