variable "password" {
  sensitive = true
  default   = "hush"
}
variable "backend" { default = "two" }
backend "docker" "one" {}
backend "docker" "two" {
  distribution = "debian-13"
  role "member" { memory = "1g" }
}
cluster "c" {
  backend = backend[var.backend]
  roles   = { member = 2, public_agent = 0 }
}
step "run" "a" {
  for_each     = { for n in cluster.c.nodes : n.name => n.ip }
  max_parallel = 1
  on_failure   = "continue"
  enabled      = each.key != "member-1"
  command      = ["a", each.value]
  env          = { PW = var.password }
  retry {
    attempts = 5
    on       = ["exit_code"]
  }
}
step "wait" "b" {
  until {
    node      = cluster.c.member[1]
    every     = "1s"
    condition = probe.stdout == try(step.a["member-0"].stdout, "")
  }
}
step "run" "late" {
  when        = "always"
  nodes       = [for n in cluster.c.nodes : n if n.ip == "10.0.0.1"]
  allow_empty = true
  command     = [node.ip]
}
output "o" {
  value     = [step.a, var.password]
  sensitive = true
}
